"""Tenants: whose clients there are, how many, and when one of them last changed; enter searches within one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Input

from console.engine.clients import tenants
from console.engine.clients.tenants import Tenant
from console.widgets.box import Box
from console.widgets.ledger import Ledger
from console.widgets.lookup import LookupPlace
from console.widgets.safe_text import QUIET, STRONG, Part
from console.widgets.told import Told
from db import wording
from db.queries import people

WINDOW = 200


class TenantsScreen(LookupPlace):
    BINDINGS = [
        Binding("y", "copy", "Copy name", tooltip="The tenant's name to the clipboard", id="place.copy"),
        Binding("right_square_bracket", "window(1)", "More", tooltip=f"The next {WINDOW}", id="clients.more",
                key_display="]"),
        Binding("left_square_bracket", "window(-1)", "Less", tooltip=f"The {WINDOW} before", id="clients.less",
                key_display="["),
        Binding("down", "list", "List", show=False, tooltip="From the box to the list", id="clients.list"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, Tenant] = {}
        self._windows: list[str | None] = [None]
        self._known = False

    def compose_body(self) -> ComposeResult:
        yield Box("letters of a name")
        yield Told(("Reading ...", QUIET), id="chips")
        yield Ledger("tenant", "clients", "last change (UTC)", stretch="tenant", id="tenants")

    def on_mount(self) -> None:
        self.head("tenants")
        self.query_one("#box").focus()

    async def look(self) -> None:
        if not self._known:
            with self.answered():
                me = await self.asking.ask(people.me)
                self._known = True
                self.head(f"tenants · {self.asking.label} · read only", me.told)
                self._search()

    def on_input_changed(self) -> None:
        self._windows = [None]
        if self._known:
            self._search()
        else:
            self.nudge()

    def on_input_submitted(self) -> None:
        self.entered("#tenants")

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if name := event.row_key.value:
            self.console.visit("clients", name)
        elif name is not None:
            self.app.notify("A search is narrowed to a tenant by its name, and these have none.", markup=False)

    @work(group="search", exclusive=True)
    async def _search(self) -> None:
        with self.answered():
            holds, after = self.query_one("#box", Input).value, self._windows[-1]
            found = await self.asking.search(tenants.tenants, holds, after, WINDOW)
            if found is None:
                return
            self._seen = {one.name: one for one in found}
            rows = {one.name: _row(one) for one in found}
            self.query_one("#tenants", Ledger).fill(rows)
            self.query_one("#chips", Told).say((self._told(found, holds), STRONG))

    def _told(self, found: Sequence[Tenant], holds: str) -> str:
        before = (len(self._windows) - 1) * WINDOW
        if before:
            return f"number {before + 1} to {before + len(found)}" if found else "no more"
        if not found and not holds:
            return "No tenant is open to this login. An administrator opens one: handrail operator add"
        return wording.counted(len(found), "tenant") + (", and there are more: ] shows them" * (len(found) == WINDOW))

    def action_list(self) -> None:
        if self._seen:
            self.set_focus(self.query_one("#tenants"))

    def action_leave(self) -> None:
        if self.query_one("#box").has_focus or not self._seen:
            super().action_leave()
        else:
            self.query_one("#box").focus()

    def action_copy(self) -> None:
        if chosen := self.query_one("#tenants", Ledger).chosen:
            self.copied("Tenant", chosen)

    def action_window(self, way: int) -> None:
        if way > 0 and len(self._seen) == WINDOW:
            self._windows.append(list(self._seen)[-1])
        elif way < 0 and len(self._windows) > 1:
            self._windows.pop()
        else:
            return
        self._search()


def _row(one: Tenant) -> tuple[Part, ...]:
    changed = f"{one.changed_at:%Y-%m-%d %H:%M}" if one.changed_at else ""
    return one.name or ("(no name)", QUIET), one.size, changed
