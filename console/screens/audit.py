"""The audit: what happened, newest first, by run, person, kind and time; and whether it is still what was written."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable, Input

from console.engine.audit import anchors, exporting, verifying
from console.engine.audit.exporting import Row
from console.engine.errors import AuditFilter, UnknownOperator, UnknownRun
from console.widgets import run_words
from console.widgets.ledger import Ledger
from console.widgets.place import Place
from console.widgets.safe_text import BAD, GOOD, QUIET, STRONG, Part, line
from console.widgets.told import Told
from db import wording

SHOWN = 500
KEYS = ("run", "person", "kind", "since", "until")
EXAMPLE = "run:1 person:sam kind:approved since:2026-11-21"


class AuditScreen(Place):
    EVERY = 3600.0  # what happened stays; `r` looks again
    BINDINGS = [
        Binding("f", "filter", "Filter", tooltip=f"By {', '.join(KEYS)}", id="audit.filter"),
        Binding("v", "verify", "Verify", tooltip="Finds an edit, a cut, a reorder; with the anchors kept here",
                id="audit.verify"),
        Binding("r", "again", "Look again", tooltip="Reads the journal again", id="place.again"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._rows: dict[str, Row] = {}
        self._said = self._tried = ""  # the filter of what is shown, and the one to try

    def compose_body(self) -> ComposeResult:
        yield Told(id="verdict")
        yield Input(placeholder=EXAMPLE, compact=True, id="filter")
        yield Ledger("no", "at (UTC)", "what", "step", "run", "person", "detail", stretch="detail",
                     yielding=("detail", "step", "person", "what"), id="events")  # fmt: skip
        yield Told(id="broken")

    def on_mount(self) -> None:
        self.head("audit")
        self.query_one("#filter", Input).cursor_blink = False
        self.query_one("#events").focus()

    async def look(self) -> None:
        self.head(f"audit · {self.asking.label}")
        said = self._tried
        try:
            rows, number = await self.asking.ask(_events, filters(said))
        except (AuditFilter, UnknownOperator, UnknownRun) as error:
            self._tried = self._said  # said once; what is shown stays
            self.app.notify(line(f"{error.message} {error.hint}"), severity="error", markup=False)
            return
        self._said = said
        self._rows = {str(row.id): row for row in rows}
        first = f", the newest {len(rows)} shown" if number > len(rows) else ""
        self.query_one("#verdict", Told).say(
            (wording.counted(number, "event"), STRONG), f"{first}", (f"   {said}" if said else "", QUIET)
        )
        ledger = self.query_one("#events", Ledger)
        ledger.fill({str(row.id): _row(row) for row in reversed(rows)})

    def action_again(self) -> None:
        self.nudge()

    def action_filter(self) -> None:
        self.query_one("#filter").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._tried = event.value
        self.query_one("#events").focus()
        self.nudge()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if row := self._rows.get(event.row_key.value or ""):
            told = {"at": row.at, "login": row.by, "person": row.person, "detail": row.detail, "hash": row.hash}
            self.console.visit("rows", f"event {row.id} · {row.kind}", [told])

    @work(group="verify", exclusive=True)
    async def action_verify(self) -> None:
        self.query_one("#broken", Told).say(("verifying ...", QUIET))
        with self.told():
            head = await self.asking.ask(anchors.head)
            file = anchors.file_of(head)
            kept = await self.asking.think(anchors.read, file) if file.exists() else []
            found = await self.asking.ask(verifying.verify, kept)
            self.query_one("#broken", Told).say(*_verdict(found, len(kept)))


def filters(said: str) -> dict[str, Any]:
    """run:1 person:sam -> {"run": 1, "person": "sam"}; raises AuditFilter for what cannot be read."""
    wanted: dict[str, Any] = {}
    key = ""
    for word in said.split():
        name, colon, value = word.partition(":")
        if colon and name in KEYS:
            key, wanted[name] = name, value
        elif key == "kind":
            wanted["kind"] += f" {word}"  # kinds are words, such as step began
        else:
            raise AuditFilter(f"{word!r} is no filter.", f"Write for example: {EXAMPLE}")
    try:
        if "run" in wanted:
            wanted["run"] = int(wanted["run"])
        for name in ("since", "until"):
            if name in wanted:
                given = datetime.fromisoformat(wanted[name])
                wanted[name] = given if given.tzinfo else given.replace(tzinfo=UTC)
    except ValueError as error:
        raise AuditFilter(f"{error}.", f"Write for example: {EXAMPLE}") from None
    return wanted


def _events(session: Any, wanted: Mapping[str, Any]) -> tuple[list[Row], int]:
    """The newest that fit, and how many fit."""
    number, newest = 0, deque[Row](maxlen=SHOWN)
    for row in exporting.rows(session, **wanted):
        number += 1
        newest.append(row)
    return list(newest), number


def _row(row: Row) -> tuple[Part, ...]:
    tone = run_words.tone_of(row.kind)
    run = str(row.run) if row.run is not None else ""
    return ((str(row.id), QUIET), row.at[:19].replace("T", " "), (row.kind, tone), row.step or "", (run, QUIET),
            row.person, (row.detail, QUIET))  # fmt: skip


def _verdict(found: verifying.Verified, kept: int) -> list[Part]:
    with_anchors = f" and {wording.counted(kept, 'anchor')}" if kept else ", and no anchor is kept here"
    if found.whole:
        return [("✓ whole", GOOD), f"   {wording.counted(found.events, 'event')}{with_anchors}, head {found.head[:16]}"]
    parts: list[Part] = [("✗ not what was written", BAD)]
    for fault in found.faults[:5]:
        where = "" if fault.event is None else f" event {fault.event}:"
        parts.append(f"\n  {fault.kind}:{where} {fault.text}")
    more = found.more + max(0, len(found.faults) - 5)
    return [*parts, f"\n  and {more} more: handrail audit verify"] if more else parts
