"""One client's whole picture: who it is, where the migration has got to, and every record that says something of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable

from console.engine.clients import picturing
from console.engine.clients.picturing import Picture, Rows
from console.widgets.ledger import Ledger
from console.widgets.lookup import LookupPlace
from console.widgets.safe_text import QUIET, STRONG, Part
from console.widgets.signing import ReasonDialog
from console.widgets.told import Told
from db.queries import people

FIELD, PART = "field", "part"
KEPT_BACK = "   masked"


class ClientScreen(LookupPlace):
    ANSWER = "#migration"
    BINDINGS = [
        Binding("m", "reveal", "Reveal", tooltip="The clear value of a masked field; wants a reason, which is kept",
                id="client.reveal"),
        Binding("y", "copy", "Copy", tooltip="What the cursor is on, as it is shown", id="place.copy"),
        Binding("r", "again", "Look again", show=False, tooltip="Reads everything again", id="place.again"),
    ]  # fmt: skip

    def __init__(self, client: str) -> None:
        super().__init__()
        self._client = client
        self._picture: Picture | None = None
        self._parts: dict[str, Rows] = {}
        self._clear: dict[str, str] = {}  # what was revealed, as long as this place is open
        self._asked_again = True

    def compose_body(self) -> ComposeResult:
        yield Told(("Reading ...", QUIET), id="migration")
        yield Ledger(
            "record", "field", "value", stretch="value", yielding=("record", "field"), header=False, id="picture"
        )

    def on_mount(self) -> None:
        self.head("client")
        self.query_one("#picture").focus()

    async def look(self) -> None:
        """The client first; then part by part, each shown as it comes."""
        if self._asked_again:
            with self.answered():
                await self._look_up()
                self._asked_again = False

    async def _look_up(self) -> None:
        me = await self.asking.ask(people.me)
        self._picture = picture = await self.asking.look_up(picturing.picture, self._client)
        self.head(f"client {picture.name} · {picture.tenant or 'no tenant'}", me.told)
        self._show()
        for part in picture.parts:
            self._parts[part.relation] = await self.asking.look_up(picturing.rows, self._client, part)
            self._show()
        told = await self.asking.ask(picturing.migration, list(self._parts.values()))
        changed = f"   last change {_time(picture.changed_at)}" if picture.changed_at else ""
        self.query_one("#migration", Told).say((told, STRONG), (changed, QUIET))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        kind, _, name = (event.row_key.value or "").partition(" ")
        part = self._parts.get(name.rpartition(" ")[0])
        if kind == PART and part is not None and part.rows:
            rows = [dict(zip(part.columns, one, strict=True)) for one in part.rows]
            self.console.visit("rows", f"{part.listed.title} · {self._client}", rows)

    def action_again(self) -> None:
        self._asked_again = True
        self.nudge()

    def action_copy(self) -> None:
        ledger = self.query_one("#picture", Ledger)
        if chosen := ledger.chosen:
            what, field, value = (part if isinstance(part, str) else part[0] for part in self._rows()[chosen])
            self.copied(field or what or "Value", value.removesuffix(KEPT_BACK))

    @work(group="question", exclusive=True)
    async def action_reveal(self) -> None:
        kind, _, name = (self.query_one("#picture", Ledger).chosen or "").partition(" ")
        value = next((one for one in self._picture.values if one.field == name), None) if self._picture else None
        if kind != FIELD or value is None or not value.masked or name in self._clear:
            return
        dialog = ReasonDialog(
            f"Reveal {value.title} of this client?", "Your name, the field and your reason go to the journal.",
            "reveal", wants="Say why, in a few words. Nothing is revealed.",
        )  # fmt: skip
        with self.told():
            if await self.app.push_screen_wait(dialog):
                said = await self.asking.ask(picturing.reveal, self._client, name, dialog.reason)
                self._clear[name] = await self.asking.look_up(picturing.revealed, said)
                self._show()

    def _show(self) -> None:
        self.query_one("#picture", Ledger).fill(self._rows())

    def _rows(self) -> Mapping[str, Sequence[Part]]:
        picture, rows = self._picture, dict[str, Sequence[Part]]()
        if picture is None:
            return rows
        rows[f"{FIELD} id"] = (("Client", STRONG), "Id", picture.id)
        for one in picture.values:
            if not one.value:
                continue
            clear = self._clear.get(one.field)
            masked = KEPT_BACK if one.masked and clear is None else ""
            rows[f"{FIELD} {one.field}"] = ("", one.title, f"{one.value if clear is None else clear}{masked}")
        for place, change in enumerate(picture.history):
            first: Part = ("History", STRONG) if place == 0 else ""
            told = f"{_time(change.at)}  {change.before or 'nothing'} -> {change.after or 'nothing'}"
            rows[f"history {place}"] = (first, change.field, told)
        for part in picture.parts:
            rows |= _part(self._parts.get(part.relation), part.relation, part.title)
        return rows


def _part(part: Rows | None, relation: str, title: str) -> dict[str, Sequence[Part]]:
    """A record is a line a field; of several rows each is a line."""
    if part is None:
        return {f"{PART} {relation} 0": ((title, STRONG), "", ("...", QUIET))}
    if not part.rows:
        none = "none" if part.there else "no such table here yet"
        return {f"{PART} {relation} 0": ((title, STRONG), "", (none, QUIET))}
    if part.listed.source:
        filled = [(name, value) for name, value in zip(part.columns, part.rows[0], strict=True) if value]
        return {
            f"{PART} {relation} {place}": ((title, STRONG) if place == 0 else "", name.replace("_", " "), value)
            for place, (name, value) in enumerate(filled)
        }
    made: dict[str, Sequence[Part]] = {}
    for place, one in enumerate(part.rows):
        more = " and more" if part.more and place == len(part.rows) - 1 else ""
        words = " · ".join(value for value in one if value) or "a row without values"
        made[f"{PART} {relation} {place}"] = ((title, STRONG) if place == 0 else "", f"{place + 1}", words + more)
    return made


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
