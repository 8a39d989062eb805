"""What a screen last saw of a run: read from the journal in one transaction, never kept as truth (I-12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from console.engine import blocking, drift, finishing, journey
from console.engine.finishing import Final
from console.engine.plan import Item, Plan
from console.engine.reading import frozen
from console.engine.rollback import to_undo
from console.engine.triggers import standing
from console.engine.triggers.standing import Triggers
from console.widgets import words
from console.widgets.words import GOING
from db.models import Event, GateStatus, Run, StepRun, Verdict
from db.queries import activity, gates, people, runs
from db.queries.activity import Driver, IndexBuild
from db.queries.blocking import Blocker, Waiting
from db.queries.people import Me

LOG_LINES = 40


@dataclass(frozen=True)
class Sight:
    """`at` is the server's clock; `driver` is the session that runs steps here now, be it this console's own.

    `blockers` are in the way of what is under way, `waiting` wait for it. `gates` are in the order of the run.
    """

    run: Run
    at: datetime
    plan: Plan
    driver: Driver | None
    events: Sequence[Event]
    verdicts: Mapping[str, Sequence[Verdict]]
    aside: Mapping[str, int]
    build: IndexBuild | None
    blockers: Sequence[Blocker]
    waiting: Waiting
    gates: Sequence[GateStatus]
    me: Me
    triggers: Triggers

    @cached_property
    def steps(self) -> dict[int, StepRun]:
        return {step.position: step for step in self.run.steps}

    @property
    def going(self) -> bool:
        return self.run.state in GOING and self.driver is not None

    @property
    def interrupted(self) -> bool:
        """Its executor died: the journal says that it goes on, and nobody does it."""
        return self.run_word == "interrupted"

    @cached_property
    def under_way(self) -> Item | None:
        """The item that runs or is undone now, or was when the executor died."""
        return next((i for i in self.plan.items if self.steps[i.position].state in ("running", "undoing")), None)

    @cached_property
    def upcoming(self) -> Item | None:
        return journey.upcoming(self.plan, self.run)

    @property
    def finished(self) -> bool:
        """The point of no return is behind it."""
        return any(step.kind == "finish" and step.stands for step in self.run.steps)

    @cached_property
    def closed(self) -> GateStatus | None:
        """The gate at which the run waits; what lies behind it cannot begin."""
        ahead = self.upcoming.position if self.upcoming else 0
        return next((gate for gate in self.gates if gate.position < ahead and not gate.open), None)

    def gate(self, id: str) -> GateStatus | None:
        return next((gate for gate in self.gates if gate.gate == id), None)

    def observed(self, id: str) -> bool:
        """Whether this is an observation that is not under way: there is nothing of it to shorten."""
        step = next((step for step in self.run.steps if step.step == id), None)
        return step is not None and step.kind == "observe" and step.state not in ("running", "stopped")

    @cached_property
    def begun(self) -> list[Item]:
        """What a rollback would undo, in its order."""
        return [item for item, _ in to_undo(self.plan, self.run, None)]

    @property
    def stop_at(self) -> Item | None:
        """The next checkpoint; the last item where none follows."""
        ahead = self.plan.items[self.upcoming.position - 1 :] if self.upcoming else []
        return next((item for item in ahead if item.kind == "checkpoint"), ahead[-1] if ahead else None)

    @property
    def run_word(self) -> str:
        """The state of the run, for people."""
        return words.of_run(self.run, driven=self.driver is not None)

    def word(self, item: Item) -> str:
        """The state of an item, for people."""
        step = self.steps[item.position]
        if step.state in ("running", "undoing"):
            return step.state if self.going else "interrupted"
        if step.state == "done":
            return "passed" if item.kind == "checkpoint" else "done"
        if step.state in ("failed", "stopped", "skipped"):
            return step.state
        if item is self.upcoming and not self.run.state.startswith("roll"):
            return "next"
        return "undone" if step.state == "undone" else "waits"

    def label(self, item: Item) -> str:
        return label(self.plan, item)

    def name(self, item: Item) -> str:
        return name(self.plan, item)

    def may(self, action: str, *, driving: bool) -> bool:
        """Whether an action can be begun now; `driving` says that this console is at work (check_action)."""
        state, free = self.run.state, self.driver is None and not driving
        if not self.me.runs:
            return False
        match action:
            case "next":
                return free and state not in runs.OVER and (self.closed is None or state == "rolling back")
            case "to_checkpoint":
                onward = free and state not in (*runs.OVER, "rolling back") and self.upcoming is not None
                return onward and self.closed is None and self.upcoming.kind != "finish"  # type: ignore[union-attr]
            case "measure_again":
                # the checkpoint behind which nothing has begun
                return free and state not in (*runs.OVER, "rolling back")
            case "pause":
                return self.going and not self.run.pause_requested
            case "back":
                return free and bool(self.begun) and state not in ("rolling back", "rolled back") and not self.finished
            case "roll_back":
                return free and bool(self.begun) and state != "rolled back" and not self.finished
            case "stop":
                return driving or self.going
            case "take_over":
                return self.going and not driving
        return True


def label(plan: Plan, item: Item) -> str:
    """In a list: 3 copy clients; ● integrity"""
    if item.kind == "checkpoint":
        return f"● {item.what.title}"
    return f"{sum(other.kind != 'checkpoint' for other in plan.items[: item.position])} {item.what.title}"


def name(plan: Plan, item: Item) -> str:
    """In a sentence: step 3 copy clients; checkpoint integrity"""
    return f"checkpoint {item.what.title}" if item.kind == "checkpoint" else f"step {label(plan, item)}"


def see(session: Any, number: int, before: Sight | None = None) -> Sight:
    """Called by Asking. What only changes with an event is read again only after one."""
    run = journey.found(session, number)
    driver = activity.driver(session)
    if run.state in GOING and driver is None:
        # it may have come to rest between the two questions; an executor turns its run before it lets go
        session.expire_all()
        run = journey.found(session, number)
    # what a rollback kept was said when it began, three events an item ago
    last = LOG_LINES + 3 * len(run.steps) if run.state == "rolled back" else LOG_LINES
    events = runs.events(session, number, last)
    same = before is not None and before.events and before.events[-1].id == events[-1].id
    if before is not None and same:
        verdicts, aside = before.verdicts, before.aside
    else:
        verdicts, aside = _by_checkpoint(runs.all_verdicts(session, number)), runs.set_aside(session, number)
    known = before is not None and before.run.digest == run.digest
    plan = before.plan if before is not None and known else frozen(run.plan_text, run.sources)
    building = next((s.pid for s in run.steps if s.kind == "concurrently" and s.pid is not None), None)
    build = activity.index_build(session, building) if building is not None else None
    blockers: Sequence[Blocker] = []
    waiting = Waiting(0, 0.0)
    if driver is not None and any(step.pid is not None for step in run.steps):
        blockers, waiting = blocking.in_the_way(session, run, events), blocking.made_to_wait(session, run)
    closed = gates.of_run(session, number) if run.state not in runs.OVER else ()
    return Sight(
        run, activity.now(session), plan, driver, events, verdicts, aside, build, blockers, waiting, closed,
        before.me if before is not None else people.me(session),
        standing.seen(session, run, going=driver is not None and run.state == "running", plan=plan),
    )  # fmt: skip


def changed_since(session: Any, number: int, item: Item) -> list[str]:
    """What somebody else changed since the step before."""
    return drift.since(session, journey.found(session, number), item)


def at_finish(session: Any, number: int) -> Final:
    """What the point of no return would remove."""
    return finishing.preview(session, journey.found(session, number))


def _by_checkpoint(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    grouped: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        grouped.setdefault(verdict.checkpoint, []).append(verdict)
    return grouped
