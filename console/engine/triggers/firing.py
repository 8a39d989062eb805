"""What becomes of a run when a trigger fires: it rests, the journal says why, somebody is told; or it goes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine.errors import CheckFailed, RolledBack, TakenOver, TriggerFired
from console.engine.executor import Executor
from console.engine.plan import Plan
from console.engine.rollback import preview
from console.engine.stop import Stop
from console.engine.triggers import incident
from console.engine.triggers.declared import Check, Sampled
from console.engine.triggers.notifying import Told, sending
from console.engine.triggers.sentry import Hit, Sentry
from console.engine.triggers.series import Series
from db import journal
from db.errors import ConnectionFailed, HandrailError, RunFinished
from db.models import Event, Gauge, Run
from db.queries import activity, gauges, runs


@contextmanager
def on_guard(executor: Executor, run: int, plan: Plan, back: Callable[[], None]) -> Iterator[None]:
    """Triggers are armed inside. Raises TriggerFired where one stopped the run, RolledBack where it went `back`."""
    sentry = Sentry(executor, run, _series(executor, run, plan))
    failure: HandrailError | None = None
    try:
        sentry.start()
        yield
    except (ConnectionFailed, TakenOver):
        raise  # the journal is another's, or out of reach
    except HandrailError as error:
        failure = error
    finally:
        sentry.end()
    hit = sentry.hit
    if hit is None and isinstance(failure, CheckFailed):
        hit = _failed_check(executor, run, plan)
    if hit is not None:
        _fire(executor, run, plan, hit, back, failure)
    if failure is not None:
        raise failure


def _series(executor: Executor, run: int, plan: Plan) -> list[tuple[Sampled, Series]]:
    """A trigger that fired is disarmed for its cool-down after the run went on; one that was agreed to be over, until
    it has been under its limit."""
    watched = [one for one in plan.written.trigger if isinstance(one, Sampled)]
    if not watched:
        return []
    with executor.transaction() as session:
        event = gauges.last_incident(session, run)
        went_on = event if event is not None and event.kind == gauges.CLOSED else None
        since = (activity.now(session) - went_on.at).total_seconds() if went_on else 0.0
        kept = {gauge.trigger: gauge for gauge in gauges.of_run(session, run)}
    now = time.monotonic()

    def series(one: Sampled) -> Series:
        if went_on is None:
            return Series(one.over, one.cool_down)
        cool = now - since + one.cool_down if went_on.detail["trigger"] == one.id else now
        held = one.id in went_on.detail["despite"] and not _armed_since(kept.get(one.id), went_on)
        return Series(one.over, one.cool_down, cool, held=held)

    return [(one, series(one)) for one in watched]


def _armed_since(gauge: Gauge | None, went_on: Event) -> bool:
    return gauge is not None and gauge.armed and gauge.at > went_on.at


def _failed_check(executor: Executor, run: int, plan: Plan) -> Hit | None:
    """The trigger that a failed checkpoint fires, where the plan has one."""
    watching = [one for one in plan.written.trigger if isinstance(one, Check)]
    if not watching:
        return None
    with executor.transaction() as session:
        row = runs.one(session, run)
        here = next((step.step for step in (row.steps if row else ()) if step.state == "failed"), "")
        failed = [verdict.check for verdict in runs.verdicts(session, run, here) if not verdict.passed]
    for one in watching:
        if met := [check for check in failed if not one.checks or check in one.checks]:
            return Hit(one, len(met), 0, said=f"failed: {', '.join(met)}")
    return None


def _fire(
    executor: Executor, run: int, plan: Plan, hit: Hit, back: Callable[[], None], failure: HandrailError | None
) -> None:
    executor.stop = Stop()  # the one before was this trigger's; a person may want another
    kept = _kept(executor, run)
    with executor.transaction() as session:
        row = runs.one(session, run)
        if row is None:
            return
        over = row.state in runs.OVER  # its last step was done before it could be stopped
        event = _too_late(session, row, plan, hit) if over else _journalled(session, row, plan, hit, kept)
    executor.tell(event)
    if over:
        return
    answers: list[Told] = []
    try:
        with sending(executor.notify, _body(executor, run, event)) as answers:
            if hit.trigger.rolls_back_alone:
                _take_back(executor, run, hit, back)
    finally:
        _say_told(executor, run, answers)
    stopped = TriggerFired(
        f"Trigger {hit.trigger.id} stopped run {run}: {event.detail['told']}.",
        f"Look, then: handrail rollback {run}, or mend it and: handrail resume {run}",
    )
    if hit.trigger.do == "roll back":
        stopped.asks = True
        stopped.message += " Its plan says to roll back."
    raise stopped from failure


def _journalled(session: Session, row: Run, plan: Plan, hit: Hit, kept: list[dict[str, Any]]) -> Event:
    done = [step.step for step in row.steps if step.state == "done"]
    under = next((step.step for step in row.steps if step.state in ("running", "stopped", "failed")), None)
    trigger = hit.trigger
    # what failed stays failed: a run goes on from there as from a pause
    event = journal.turn(
        session, row, "failed" if row.state == "failed" else "paused", gauges.FIRED,
        trigger=trigger.id, watches=trigger.kind, do=trigger.do,  # type: ignore[attr-defined]
        told=_told(plan, hit), value=hit.value, at_most=hit.at_most, samples=hit.samples, over=hit.over,
        within=incident.within(plan), next=_next(hit), scope={"done": done, "under_way": under, "kept": kept},
    )  # fmt: skip
    assert event is not None
    return event


def _too_late(session: Session, row: Run, plan: Plan, hit: Hit) -> Event:
    return journal.record(session, "trigger too late", row.id, trigger=hit.trigger.id, told=_told(plan, hit))


def _told(plan: Plan, hit: Hit) -> str:
    words = incident.told(plan, hit.trigger.id, hit.value, hit.said)
    return f"{words}, {hit.over} samples" if hit.over else words


def _next(hit: Hit) -> str:
    if hit.trigger.rolls_back_alone:
        return "it is rolled back now"
    return (
        "a person is asked whether to roll back" if hit.trigger.do == "roll back" else "it rests until a person looks"
    )


def _kept(executor: Executor, run: int) -> list[dict[str, Any]]:
    """What others wrote since, as the plan counts it; nothing where that cannot be counted now."""
    with suppress(HandrailError, DBAPIError), executor.transaction() as session:
        row = runs.one(session, run)
        return [one.told() for one in preview(session, row).kept] if row is not None else []
    return []


def _body(executor: Executor, run: int, event: Event) -> str:
    """The report that goes out; where it cannot be made, at least that it happened."""
    with suppress(HandrailError, DBAPIError), executor.transaction() as session:
        return incident.body(session, event, executor.target.name)
    return f"handrail: trigger {event.detail['trigger']} stopped run {run}.\n"


def _take_back(executor: Executor, run: int, hit: Hit, back: Callable[[], None]) -> None:
    with suppress(RunFinished):
        back()
    with executor.transaction() as session:
        row = runs.one(session, run)
        state = row.state if row else ""
    if state == "rolled back":
        raise RolledBack(
            f"Trigger {hit.trigger.id} fired, and run {run} was rolled back.", f"See: handrail status {run}"
        )


def _say_told(executor: Executor, run: int, answers: list[Told]) -> None:
    for answer in answers:
        detail = {"how": answer.how, **({"error": answer.error} if answer.error else {})}
        with suppress(HandrailError, DBAPIError):
            with executor.transaction() as session:
                said = journal.record(session, "notify failed" if answer.error else "notified", run, **detail)
            executor.tell(said)
