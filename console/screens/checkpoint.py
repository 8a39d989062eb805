"""A checkpoint: the verdict first, then what failed, then the rest; each expected beside found (UX-O6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import DataTable

from console.engine import journey
from console.engine.plan import Checkpoint
from console.engine.signing import Word
from console.engine.steps import Observe
from console.widgets import run_observing, run_words, words
from console.widgets.gatekeeping import Gatekept, GatePlace, see_gate
from console.widgets.ledger import Ledger
from console.widgets.safe_text import BAD, BUSY, GOOD, QUIET, STRONG, Part
from console.widgets.sight import Sight, see
from console.widgets.signing import changed, short, told
from console.widgets.told import Told
from db import wording
from db.models import Verdict
from db.queries import runs

SHORT_ROWS = 8


class CheckpointScreen(GatePlace):
    EVERY = 2.0
    BINDINGS = [
        Binding("r", "again", "Measure again", tooltip="Asks every check again; changes nothing else",
                id="place.again"),
        Binding("a", "approve", "Approve", tooltip="Signs the evidence that is shown; asks for a reason first",
                id="gate.approve"),
        Binding("X", "reject", "Reject", tooltip="Stops the run here; asks for a reason first", id="gate.reject"),
        Binding("s", "sql", "SQL", tooltip="What the check asks, in full", id="place.sql"),
    ]  # fmt: skip

    def __init__(self, run: int, checkpoint: str) -> None:
        super().__init__()
        self._run, self._checkpoint = run, checkpoint
        self._sight: Sight | None = None
        self._kept: Gatekept | None = None
        self._changed: list[str] = []

    def compose_body(self) -> ComposeResult:
        yield Told(id="verdict")
        with Container(classes="beside"):
            with Vertical(classes="left"):
                yield Ledger("verdict", "check", "expected", "found", "took", stretch="check", id="checks")
            with VerticalScroll(classes="script-panel", id="fault"):
                yield Told(id="rows")
        yield Told(id="sign-offs")

    def on_mount(self) -> None:
        self.head(f"run {self._run} · checkpoint {self._checkpoint}")
        self.query_one("#checks").focus()

    async def look(self) -> None:
        # the gate first: what is measured between the two questions is then shown and cannot be signed, not hidden
        self._kept = await self.asking.ask(see_gate, self._run, self._checkpoint)
        self._sight = sight = await self.asking.ask(see, self._run, self._sight)
        self._changed = await self.asking.ask(_changed, self._run, self._checkpoint, self._kept)
        me = self._kept.me
        self.head(f"{sight.plan.target} · {self.asking.label} · run {self._run} · checkpoint {self._checkpoint}",
                  me.told)  # fmt: skip
        self._show(sight)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "again":
            return True if self._sight and self._measurable(self._sight) else None
        if action == "break_glass":
            return True if self._kept is not None and self._kept.breakable else None
        if action in ("approve", "reject"):
            word: Word = "approve" if action == "approve" else "reject"
            may = self._kept is not None and self._kept.may(word)
            return True if may and (word == "reject" or self._signable) else None
        return True

    def action_again(self) -> None:
        self.console.drive(journey.measure_again, self._run, self._checkpoint)

    @work(group="conversation", exclusive=True)
    async def action_approve(self) -> None:
        await self._give("approve")

    @work(group="conversation", exclusive=True)
    async def action_reject(self) -> None:
        await self._give("reject")

    @work(group="conversation", exclusive=True)
    async def action_break_glass(self) -> None:
        if (sight := self._sight) is not None and self._kept is not None:
            where = f"Run {self._run} of {sight.plan.id} on {sight.plan.target}, {self.asking.label}."
            await self.break_open(self._run, self._kept, where, sight.plan.id)

    async def _give(self, word: Word) -> None:
        sight, kept = self._sight, self._kept
        if sight is None or kept is None or kept.gate is None:
            return
        found = self._verdicts()
        shown = f"{sum(v.passed for v in found)} of {len(found)} checks passed."
        if self._changed:
            shown += f" Since the sign-off before: {'; '.join(self._changed[:3])}."
        where = f"Run {self._run} of {sight.plan.id} on {sight.plan.target}, {self.asking.label}."
        await self.give(word, self._run, kept, where, shown)

    @property
    def _signable(self) -> bool:
        """Approved is only what passed and still waits; an observation only while it can be shortened."""
        gate, sight = self._kept.gate if self._kept else None, self._sight
        over = sight is not None and sight.observed(self._checkpoint)
        return gate is not None and bool(gate.passed) and gate.state == "waits" and not over

    @work(group="sql", exclusive=True)
    async def action_sql(self) -> None:
        if (sight := self._sight) is None or (key := self.query_one("#checks", Ledger).chosen) is None:
            return
        found = self._verdict(key)
        query = found.query if found else next(c for c in self._declared(sight).check if c.id == key).query()
        self.console.visit("sql", f"checkpoint {self._checkpoint} · {found.title if found else key}", query)

    def on_data_table_row_selected(self) -> None:
        verdict = self._verdict(self.query_one("#checks", Ledger).chosen)
        if verdict is not None and verdict.rows:
            self.console.visit("rows", f"checkpoint {self._checkpoint} · {verdict.title}", verdict.rows)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_rows()

    def _measurable(self, sight: Sight) -> bool:
        """In its turn; and again while its gate is closed. What passed and waits for nobody stands as evidence."""
        if isinstance(self._declared(sight), Observe):
            return False  # it measures itself
        item, newest = sight.upcoming, sight.begun[0] if sight.begun else None
        gate = self._kept.gate if self._kept else None
        again = gate is not None and not gate.open and newest is not None and newest.id == self._checkpoint
        return (again or (item is not None and item.id == self._checkpoint)) and sight.may(
            "measure_again", driving=self.console.driving
        )

    def _declared(self, sight: Sight) -> Checkpoint | Observe:
        what = sight.plan.item(self._checkpoint).what
        assert isinstance(what, Checkpoint | Observe)
        return what

    def _verdicts(self) -> Sequence[Verdict]:
        return self._sight.verdicts.get(self._checkpoint, ()) if self._sight else ()

    def _verdict(self, check: str | None) -> Verdict | None:
        return next((verdict for verdict in self._verdicts() if verdict.check == check), None)

    def _show(self, sight: Sight) -> None:
        self.query_one("#verdict", Told).say(*self._summary(sight))
        self._show_sign_offs(sight)
        verdicts = sorted(self._verdicts(), key=lambda v: (v.passed, v.position))
        told: dict[str, tuple[Part, ...]] = {
            v.check: (words.state("passed" if v.passed else "failed"), v.title, v.expected,
                      v.found if v.passed else (v.found, BAD), wording.took(v.seconds))
            for v in verdicts
        }  # fmt: skip
        if not verdicts:
            told = {c.id: (words.state("waits"), c.title, "", ("not measured", QUIET), "")
                    for c in self._declared(sight).check}  # fmt: skip
        self.query_one("#checks", Ledger).fill(told)
        self._show_rows()

    def _show_sign_offs(self, sight: Sight) -> None:
        kept = self._kept
        if kept is None or kept.gate is None:
            self.query_one("#sign-offs", Told).say()
            return
        gate = kept.gate
        parts = list(told(gate, kept.signed, kept.me))
        if self._changed:
            parts.append((f"  since the sign-off before: {'; '.join(self._changed[:3])}\n", STRONG))
        if kept.excluded:
            parts.append("  You began this run, asked for it or measured this: another person signs.\n")
        self.query_one("#sign-offs", Told).say(*parts, *run_words.deadline(gate, sight.at))

    def _summary(self, sight: Sight) -> tuple[Part, ...]:
        item, verdicts = sight.plan.item(self._checkpoint), self._verdicts()
        title = (f"   {item.what.title}", STRONG)
        again = f"   {self.key('again')} measures it" if self._measurable(sight) else ""
        step = sight.steps[item.position]
        if sight.word(item) == "running" and item.kind == "checkpoint":
            return ("▶ being measured", BUSY), title
        if not verdicts:
            return ("· not measured", QUIET), title, again
        passed = sum(verdict.passed for verdict in verdicts)
        count = f"{passed} of {len(verdicts)} checks passed"
        verdict: Part = ("✓ PASSED", GOOD) if passed == len(verdicts) else ("✗ FAILED", BAD)
        took = wording.took(sum(v.seconds for v in verdicts))
        measured = f"\nmeasured {verdicts[0].measured_at:%Y-%m-%d %H:%M:%S} UTC in {took}"
        evidence = (f"   evidence {short(self._kept.gate.digest)}", QUIET) if self._kept and self._kept.gate else ""
        stale = ("   undone since", STRONG) if sight.word(item) in ("undone", "next", "waits") else ""
        return verdict, f"   {count}", title, (measured, QUIET), evidence, stale, again, run_observing.rounds(step)

    def _show_rows(self) -> None:
        panel, told = self.query_one("#fault"), self.query_one("#rows", Told)
        verdict = self._verdict(self.query_one("#checks", Ledger).chosen)
        if verdict is None:
            told.say()
            return
        rows = verdict.rows[:SHORT_ROWS]
        panel.border_title = "Rows at fault" if rows else "Answer"
        if not rows:
            told.say(f"expected {verdict.expected}, found {verdict.found}")
            return
        answer = f"expected {verdict.expected}, found {verdict.found}\n"
        lines = [", ".join(f"{name} {_value(value)}" for name, value in row.items()) + "\n" for row in rows]
        told.say(answer, *lines, (f"{self.key('list.select_cursor')} shows them in full", QUIET))


def _changed(session: Any, run: int, checkpoint: str, kept: Gatekept) -> list[str]:
    """What was found otherwise than when somebody last signed this checkpoint."""
    before = [one.measurement for one in kept.signed if kept.gate and one.measurement != kept.gate.measurement]
    if not before:
        return []
    old = [(v.title, v.found) for v in runs.verdicts(session, run, checkpoint, before[-1])]
    return changed(old, [(v.title, v.found) for v in runs.verdicts(session, run, checkpoint)])


def _value(value: object) -> str:
    return "(null)" if value is None else "(empty)" if value == "" else str(value)
