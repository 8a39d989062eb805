"""The inbox: what waits for me, the oldest deadline first; then what waits for others (UX-A1)."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.widgets import DataTable

from console.engine import gates, inbox
from console.engine.inbox import Inbox, Waiting
from console.widgets import run_words
from console.widgets.ledger import Ledger
from console.widgets.place import Place
from console.widgets.safe_text import BAD, GOOD, QUIET, STRONG, Part
from console.widgets.told import Told

VERBS = {"sign": "sign", "answer": "answer", "measure": "measure again"}


class InboxScreen(Place):
    EVERY = 5.0  # a sign-off made elsewhere is heard at once

    def __init__(self) -> None:
        super().__init__()
        self._seen: Inbox | None = None

    def compose_body(self) -> ComposeResult:
        yield Told(id="verdict")
        yield Ledger("whose", "do", "gate", "run", "plan", "stands", "due", stretch="stands",
                     yielding=("plan", "stands"), id="waiting")  # fmt: skip
        yield Told(id="broken")

    def on_mount(self) -> None:
        self.head("inbox")
        self.query_one("#waiting").focus()

    async def look(self) -> None:
        self._seen = seen = await self.asking.ask(inbox.look)
        me = seen.me
        self.head(f"inbox · {self.asking.label}", me.told)
        signs = f"signs as {', '.join(me.roles)}" if me.roles else "signs nothing"
        mine = len(seen.mine)
        found: Part = (f"{mine} for you", STRONG) if mine else ("Nothing waits for you", GOOD)
        others = len(seen.waiting) - mine
        self.query_one("#verdict", Told).say(found, f"   {others} for others" if others else "", (f"   {signs}", QUIET))
        self.query_one("#waiting", Ledger).fill({_key(one): _row(one, seen) for one in _ordered(seen)})
        self.query_one("#broken", Told).say(*_broken(seen))

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        for one in self._seen.waiting if self._seen else ():
            if _key(one) == event.row_key.value:
                place = "decision" if one.status.kind == "decision" else "checkpoint"
                self.console.visit(place, one.run.id, one.status.gate)


def _ordered(seen: Inbox) -> list[Waiting]:
    return [*seen.mine, *(one for one in seen.waiting if not one.mine)]


def _key(one: Waiting) -> str:
    return f"{one.run.id} {one.status.gate}"


def _row(one: Waiting, seen: Inbox) -> tuple[Part, ...]:
    due = run_words.deadline(one.status, seen.now)
    whose: Part = ("● you", STRONG) if one.mine else ("· others", QUIET)
    return (whose, VERBS[one.what], one.status.gate, f"run {one.run.id}", (one.run.plan, QUIET),
            gates.told(one.status), _stripped(due))  # fmt: skip


def _stripped(due: tuple[Part, ...]) -> Part:
    if not due:
        return ""
    first = due[0]
    return first.strip() if isinstance(first, str) else (first[0].strip(), first[1])


def _broken(seen: Inbox) -> list[Part]:
    """What was broken open stays until an administrator has looked into it (FM-G16)."""
    parts: list[Part] = []
    for one in seen.broken:
        parts.append((f"! break-glass {one.id}", BAD))
        parts.append(f"  run {one.run_id} {one.gate}, by {one.person} {one.at:%Y-%m-%d %H:%M} UTC: {one.reason}. "
                     f"{one.why_not_wait}\n")  # fmt: skip
    if parts:
        parts.append((f"An administrator answers each: handrail acknowledge {seen.broken[0].id} --note TEXT", QUIET))
    return parts
