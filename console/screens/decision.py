"""A decision: what is asked, what was answered, who has signed; the form is answered field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding

from console.engine import journey
from console.engine.decisions import Decision, answering
from console.engine.plan import Plan
from console.engine.signing import Word
from console.widgets import run_words
from console.widgets.fields import FieldDialog
from console.widgets.gatekeeping import Gatekept, GatePlace, see_gate
from console.widgets.ledger import Ledger
from console.widgets.safe_text import BAD, QUIET, STRONG, Part
from console.widgets.signing import short, told
from console.widgets.told import Told
from db.models import Answer
from db.queries import activity, gates


@dataclass(frozen=True)
class Asked:
    plan: Plan
    decision: Decision
    given: Answer | None
    kept: Gatekept
    at: Any


class DecisionScreen(GatePlace):
    """`edited` holds what was typed and not answered yet; leaving forgets it."""

    EVERY = 2.0
    BINDINGS = [
        Binding("w", "answer", "Answer", tooltip="Keeps the answers as a new version; older sign-offs are void",
                id="decision.answer"),
        Binding("a", "approve", "Approve", tooltip="Signs the answers that are shown; asks for a reason first",
                id="gate.approve"),
        Binding("X", "reject", "Reject", tooltip="Sends the answers back; asks for a reason first", id="gate.reject"),
    ]  # fmt: skip

    def __init__(self, run: int, decision: str) -> None:
        super().__init__()
        self._run, self._decision = run, decision
        self._asked: Asked | None = None
        self._edited: dict[str, Any] = {}

    def compose_body(self) -> ComposeResult:
        yield Told(id="verdict")
        yield Ledger("field", "answer", "wants", stretch="answer", yielding=("wants",), id="fields")
        yield Told(id="field")
        yield Told(id="sign-offs")

    def on_mount(self) -> None:
        self.head(f"run {self._run} · decision {self._decision}")
        self.query_one("#fields").focus()

    async def look(self) -> None:
        self._asked = asked = await self.asking.ask(_asked, self._run, self._decision)
        me = asked.kept.me
        self.head(f"{asked.plan.target} · {self.asking.label} · run {self._run} · decision {self._decision}",
                  me.told)  # fmt: skip
        self._show(asked)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "break_glass":
            return True if self._asked is not None and self._asked.kept.breakable else None
        if action not in ("answer", "approve", "reject"):
            return True
        if self._asked is None:
            return None
        kept = self._asked.kept
        if action == "answer":
            return True if not kept.me.groups or {"engineer", "approver"} & set(kept.me.groups) else None
        word: Word = "approve" if action == "approve" else "reject"
        waits = kept.gate is not None and kept.gate.state == "waits"
        return True if kept.may(word) and not self._edited and (word == "reject" or waits) else None

    @work(group="conversation", exclusive=True)
    async def on_data_table_row_selected(self) -> None:
        asked, key = self._asked, self.query_one("#fields", Ledger).chosen
        if asked is None or key is None or not self.check_action("answer", ()):
            return
        field = next(field for field in asked.decision.field if field.id == key)
        dialog = FieldDialog(field, self._values(asked).get(key))
        if await self.app.push_screen_wait(dialog):
            self._edited[key] = dialog.value
            self._show(asked)
            self._refresh_keys()

    @work(group="conversation", exclusive=True)
    async def action_answer(self) -> None:
        if (asked := self._asked) is None:
            return
        values = self._values(asked)
        lines = [f"  {field.title}: {field.shown(values[field.id])}" for field in asked.decision.field
                 if field.id in values]  # fmt: skip
        effect = "\n".join([f"Run {self._run} of {asked.plan.id}, {self.asking.label}.", *lines, "",
                            "They become a new version. Sign-offs that stand on older answers are void."])  # fmt: skip
        if not await self.agreed(f"Answer {asked.decision.title} so?", effect, "answer"):
            return
        with self.told():
            await self.asking.ask(answering.answer, self._run, asked.plan, self._decision, values)
            self._edited = {}
        self.nudge()

    @work(group="conversation", exclusive=True)
    async def action_approve(self) -> None:
        await self._give("approve")

    @work(group="conversation", exclusive=True)
    async def action_reject(self) -> None:
        await self._give("reject")

    def on_data_table_row_highlighted(self) -> None:
        if self._asked is not None:
            self._show_field(self._asked)

    def action_leave(self) -> None:
        """What was typed and not answered is dropped first, and said so; the next escape leaves."""
        if self._edited and self._asked:
            self._edited = {}
            self._show(self._asked)
            self.app.notify("What you typed is dropped. Press escape again to leave.", markup=False)
            self._refresh_keys()
        else:
            super().action_leave()

    @work(group="conversation", exclusive=True)
    async def action_break_glass(self) -> None:
        if (asked := self._asked) is not None:
            where = f"Run {self._run} of {asked.plan.id} on {asked.plan.target}, {self.asking.label}."
            await self.break_open(self._run, asked.kept, where, asked.plan.id)

    async def _give(self, word: Word) -> None:
        if (asked := self._asked) is None or asked.given is None:
            return
        shown = "\n".join(f"  {field.title}: {field.shown(asked.given.answers[field.id])}"
                          for field in asked.decision.field if field.id in asked.given.answers)  # fmt: skip
        where = f"Run {self._run} of {asked.plan.id} on {asked.plan.target}, {self.asking.label}."
        await self.give(word, self._run, asked.kept, where, shown)

    def _values(self, asked: Asked) -> dict[str, Any]:
        return {**asked.decision.defaults(), **(asked.given.answers if asked.given else {}), **self._edited}

    def _show(self, asked: Asked) -> None:
        decision, gate, values = asked.decision, asked.kept.gate, self._values(asked)
        version = f"   answers {asked.given.version}" if asked.given else "   not answered yet"
        evidence = (f"   evidence {short(gate.digest)}", QUIET) if gate and gate.digest else ""
        inputs = f"\nIt rests on: {', '.join(decision.inputs)}." if decision.inputs else ""
        about = f"\n{' '.join(decision.about.split())}" if decision.about else ""
        self.query_one("#verdict", Told).say((decision.title, STRONG), version, evidence, (f"{about}{inputs}", QUIET))
        problems = decision.problems(values)
        rows: dict[str, tuple[Part, ...]] = {}
        for field in decision.field:
            value = field.shown(values[field.id]) if field.id in values else ""
            wrong = problems.get(field.id)
            proposed = "" if asked.given or field.id in self._edited else " (proposed)"
            told_value: Part = (f"{value} ✗ {wrong}", BAD) if wrong else f"{value}{proposed}"
            mark = "✎ " if field.id in self._edited else ""
            rows[field.id] = (f"{mark}{field.title}", told_value, (field.wants, QUIET))
        self.query_one("#fields", Ledger).fill(rows)
        self._show_field(asked)
        onward = [f"\n{self.key('answer')} answers with what stands above   enter changes a field"] if (
            self._edited or not asked.given) and self.check_action("answer", ()) else []  # fmt: skip
        parts = told(gate, asked.kept.signed, asked.kept.me) if gate else ()
        due = run_words.deadline(gate, asked.at) if gate else ()
        self.query_one("#sign-offs", Told).say(*parts, *due, *onward)

    def _show_field(self, asked: Asked) -> None:
        """The field under the cursor in full: a list of it may not fit into its row."""
        key, values = self.query_one("#fields", Ledger).chosen, self._values(asked)
        field = next((field for field in asked.decision.field if field.id == key), None)
        if field is None:
            self.query_one("#field", Told).say()
            return
        value = field.shown(values[field.id]) if field.id in values else "no answer yet"
        self.query_one("#field", Told).say(
            (field.title, STRONG), f": {value}\n", (f"{field.help} {field.wants}", QUIET)
        )


def _asked(session: Any, run: int, decision: str) -> Asked:
    row = journey.found(session, run)
    plan = journey.plan_of(row)
    # the gate first: answers given between the two questions are then shown and cannot be signed, not hidden
    kept, given = see_gate(session, run, decision), gates.answers(session, run).get(decision)
    return Asked(plan, answering.decision_of(plan, decision), given, kept, activity.now(session))
