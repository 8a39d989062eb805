"""Clients: found while somebody types; as many as fill the page, an honest count, and why each is here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Input

from console.engine.clients import exporting, finding, saved, tenants
from console.engine.clients.asking import Asked
from console.engine.clients.finding import SHOWN, WINDOW, Client, Found, KnownField
from console.widgets.box import Box
from console.widgets.ledger import Ledger
from console.widgets.lookup import ChoiceDialog, LookupPlace, columns, row
from console.widgets.safe_text import BAD, BUSY, QUIET, STRONG, Part, line
from console.widgets.signing import ReasonDialog
from console.widgets.told import Told
from db.queries import people
from db.text import clean

EXAMPLE = "name, company, e-mail, last digits, id   field:word   !not"


class Answer(NamedTuple):
    """`written` is what was typed; `barred`: no tenant is open to this login at all."""

    written: str
    asked: Asked
    found: Found
    meant: Sequence[str] = ()
    refining: bool = False
    barred: bool = False


class ClientsScreen(LookupPlace):
    BINDINGS = [
        Binding("slash", "clients", "Search", tooltip="Back to the box; a new search", id="clients.box",
                key_display="/"),
        Binding("ctrl+f", "narrow", "Filter", tooltip="By a field and one of its values", id="clients.narrow"),
        Binding("ctrl+s", "save", "Save", tooltip="Keeps this search under a name", id="clients.save"),
        Binding("ctrl+o", "saved", "Saved", tooltip="Your searches, and those that are shared", id="clients.saved"),
        Binding("ctrl+e", "export", "Export", tooltip="What is shown as CSV, masked; the journal says so",
                id="clients.export", priority=True),  # in the box it would go to the end of the line
        Binding("y", "copy", "Copy id", tooltip="The client's id to the clipboard", id="place.copy"),
        Binding("right_square_bracket", "window(1)", "More", show=False, key_display="]", id="clients.more",
                tooltip=f"The next {WINDOW}"),
        Binding("left_square_bracket", "window(-1)", "Less", show=False, key_display="[", id="clients.less",
                tooltip=f"The {WINDOW} before"),
        Binding("down", "list", "List", show=False, tooltip="From the box to the list", id="clients.list"),
        Binding("up", "history", "Before", show=False, tooltip="In the box: what was asked before", id="clients.up"),
        Binding("tab", "meant", "Did you mean", show=False, tooltip="In the box: the first that may have been meant",
                id="clients.meant"),
        Binding("ctrl+z", "typed", "As typed", show=False, tooltip="In the box: what was typed before tab",
                id="clients.typed"),
    ]  # fmt: skip

    def __init__(self, tenant: str = "") -> None:
        super().__init__()
        self._tenant = tenant
        self._fields: list[KnownField] = []
        self._clients: dict[str, Client] = {}
        self._answer: Answer | None = None
        self._windows = [0]
        self._before = 0  # how far back in what was asked before
        self._shown: list[KnownField] = []
        self._typed = ""  # before tab took what was meant

    def compose_body(self) -> ComposeResult:
        yield Box(EXAMPLE)
        yield Told(("Connecting ...", QUIET), id="chips")

    def on_mount(self) -> None:
        self.head("clients")
        self.query_one("#box").focus()

    async def look(self) -> None:
        if not self._fields:
            with self.answered():
                await self._begin()

    async def _begin(self) -> None:
        me = await self.asking.ask(people.me)
        fields = await self.asking.look_up(finding.fields)
        kept = await self.asking.ask(saved.searches)
        self.head(f"clients · {self.asking.label} · read only", me.told)
        self._shown = columns(fields, self.app.size.width)
        heads = [field.title for field in self._shown]
        ledger = Ledger(*heads, "matched", stretch=heads[0], yielding=(*heads[1:], "matched"), id="found")
        await self.mount(ledger, after="#chips")
        box = self.query_one("#box", Input)
        if not box.value and not self._tenant:
            box.value = clean(next((one.asked for one in kept if one.usual and one.mine), ""))
            box.action_select_all()  # what is typed takes its place
        self._fields = fields
        self._go()

    def on_input_changed(self) -> None:
        self._windows, self._before = [0], 0
        self._go()

    def on_input_submitted(self) -> None:
        self.entered("#found")

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if client := self._clients.get(event.row_key.value or ""):
            if not self.console.private:
                saved.remember(self.query_one("#box", Input).value)
            self.console.visit("client", client.id)

    def _go(self) -> None:
        if self._fields:
            self._search(self.query_one("#box", Input).value)
        else:
            self.nudge()

    @work(group="search", exclusive=True)
    async def _search(self, written: str) -> None:
        """The search before it is cancelled on the server; what it still answers is thrown away."""
        with self.answered():
            answer = await self.asking.search(_answered, written, self._tenant, self._windows[-1])
            if answer is None:
                return
            self._show(answer)
            if answer.refining and (whole := await self.asking.search(_refined, answer.asked)):
                self._show(Answer(answer.written, answer.asked, whole))

    def _show(self, answer: Answer) -> None:
        self._answer, found = answer, answer.found
        titles = {field.name: field.title for field in self._fields}
        self._clients = {client.id: client for client in found.clients}
        ledger = self.query_one("#found", Ledger)
        ledger.fill({client.id: row(client, self._shown, titles) for client in found.clients})
        self.query_one("#chips", Told).say(*self._chips(answer))
        self._refresh_keys()

    def _chips(self, answer: Answer) -> list[Part]:
        found, before = answer.found, (len(self._windows) - 1) * WINDOW
        if answer.barred:
            return [("No tenant is open to this login. An administrator opens one: handrail operator add", BAD)]
        if before and not answer.asked.pieces:
            shown = f"number {before + 1} to {before + len(found.clients)}" if found.clients else "no more"
            parts: list[Part] = [(shown, STRONG), ("   [ shows those before", QUIET)]
        else:
            parts = [(found.told, STRONG)]
        if answer.refining:
            parts.append(("   refining ...", BUSY))
        elif not found.complete and answer.asked.pieces:
            parts.append(("   there may be more: add a word", BAD))
        if self._tenant:
            parts.append((f"   [tenant: {self._tenant}]", STRONG))
        parts += [
            (f"   [{'not ' * piece.excluded}{piece.field}{': ' * bool(piece.field)}{piece.text}]", QUIET)
            for piece in answer.asked.pieces
            if piece.field or piece.excluded
        ]
        if found.ignored:
            parts.append((f"   left out, no word: {' '.join(found.ignored)}", QUIET))
        if answer.meant:
            parts += [
                ("\nDid you mean  ", QUIET),
                ("   ".join(answer.meant), STRONG),
                ("   tab takes the first", QUIET),
            ]
        return parts

    def action_meant(self) -> None:
        box = self.query_one("#box", Input)
        if self._answer and self._answer.meant and box.has_focus:
            self._typed = box.value
            box.value = clean(self._answer.meant[0])
            self.app.notify(line(f"{self._typed} is one key away: ctrl+z"), markup=False)
        else:
            self.focus_next()

    def action_typed(self) -> None:
        box = self.query_one("#box", Input)
        if self._typed and box.has_focus:
            box.value, self._typed = clean(self._typed), ""

    def action_clients(self) -> None:
        box = self.query_one("#box", Input)
        box.focus()
        box.action_select_all()

    def action_list(self) -> None:
        if self._clients:
            self.set_focus(self.query_one("#found"))

    def action_history(self) -> None:
        box = self.query_one("#box", Input)
        before = saved.asked_before()
        if box.has_focus and self._before < len(before) and not self.console.private:
            place = self._before + 1
            with self.prevent(Input.Changed):
                box.value = clean(before[-place])
            self._before = place
            box.cursor_position = len(box.value)
            self._go()

    def action_leave(self) -> None:
        if self.query_one("#box").has_focus or not self._fields:
            super().action_leave()
        else:
            self.query_one("#box").focus()

    def action_copy(self) -> None:
        if self._fields and (chosen := self.query_one("#found", Ledger).chosen):
            self.copied("Client id", chosen)

    def action_window(self, way: int) -> None:
        """All clients in windows, by the order in which they came; a search has its page alone."""
        if self._answer is None or self._answer.asked.pieces:
            return
        if way > 0 and len(self._clients) >= WINDOW:
            self._windows.append(max(client.n for client in self._clients.values()))
        elif way < 0 and len(self._windows) > 1:
            self._windows.pop()
        else:
            return
        self._go()

    @work(group="question", exclusive=True)
    async def action_narrow(self) -> None:
        with self.told():
            offered = await self.asking.look_up(finding.filters)
            rows = {f'{name}:"{value}"' if " " in value else f"{name}:{value}": (title, value)
                    for name, title, value in offered}  # fmt: skip
            chosen = await self.app.push_screen_wait(ChoiceDialog("Filter by", ("field", "value"), rows))
            if chosen:
                box = self.query_one("#box", Input)
                box.value = clean(f"{box.value.strip()} {chosen} ".lstrip())

    @work(group="question", exclusive=True)
    async def action_save(self) -> None:
        asked = self.query_one("#box", Input).value.strip()
        if not asked:
            return
        dialog = ReasonDialog("Save this search?", f"{asked}\n\nYours alone. To share it, or to open with it: "
                              "handrail clients save", "save it", "Name", "A few letters at least.")  # fmt: skip
        with self.told():
            if await self.app.push_screen_wait(dialog):
                await self.asking.ask(saved.save, dialog.reason, asked)
                self.app.notify(line(f"Saved as {dialog.reason}."), markup=False)

    @work(group="question", exclusive=True)
    async def action_saved(self) -> None:
        with self.told():
            kept = await self.asking.ask(saved.searches)
            if not kept:
                self.app.notify("None is kept yet: ctrl+s keeps what stands in the box.", markup=False)
                return
            rows = {str(place): (one.name, "you" if one.mine else one.owner, one.asked)
                    for place, one in enumerate(kept)}  # fmt: skip
            if chosen := await self.app.push_screen_wait(
                ChoiceDialog("Saved searches", ("name", "whose", "search"), rows)
            ):
                self.query_one("#box", Input).value = clean(kept[int(chosen)].asked)

    @work(group="question", exclusive=True)
    async def action_export(self) -> None:
        if self._answer is None or not self._clients:
            return
        with self.told():
            await self.asking.ask(exporting.tell, self._answer.written, len(self._clients))
            path = await self.asking.think(exporting.write, list(self._clients.values()), self._fields)
            self.app.notify(line(f"{len(self._clients)} clients, masked, in {path}"), markup=False)


def _answered(searching: Any, written: str, tenant: str, after: int) -> Answer:
    asked = finding.read(searching, written, tenant)
    found = finding.find(searching, asked, SHOWN if asked.pieces else WINDOW, after=after)
    meant = finding.meant(searching, asked) if asked.pieces and not found.count else []
    refining = bool(asked.pieces) and not found.complete  # a window is whole as it is
    barred = not found.count and not tenants.tenants(searching, top=1)
    return Answer(written, asked, found, meant, refining, barred)


def _refined(searching: Any, asked: Asked) -> Found:
    return finding.find(searching, asked, most=finding.REFINED)
