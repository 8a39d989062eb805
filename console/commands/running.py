"""run, resume, rollback: what changes a target."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from console.commands import confirming, taking_over, targeting
from console.commands.driving import driven
from console.commands.telling import (
    event_document,
    event_line,
    line,
    run_document,
    run_word,
    say,
    say_over,
    tell,
    unheard,
    verdict_lines,
)
from console.engine import journey, reading
from console.engine import rollback as going_back
from console.engine.errors import RolledBack, RunRefused, TriggerFired
from console.engine.executor import Executor
from console.engine.plan import Item
from console.engine.steps import Manual
from db.errors import ConnectionFailed, HandrailError
from db.models import Event, Run
from db.queries import activity, runs
from db.queries.activity import Driver
from db.session import Target
from db.text import clean, one_line
from db.wording import took

T = TypeVar("T")


def run(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    plan = reading.load(options.plan, targeting.plans(options))
    if options.until:
        plan.item(options.until)
    if not options.yes:
        confirming.require_terminal(options, "Each step needs an answer: give --yes to apply them all.")
    number = _drive(options, target, lambda executor: journey.begin(executor, plan, options.asked_by))
    return _go(options, target, number, asks=not options.yes)


def resume(options: argparse.Namespace) -> int:
    """A script that says resume has agreed to it; a person at a terminal is asked before each step."""
    target = targeting.target(options)
    with target.session() as session:
        row = targeting.open_run(session, options)
    over = taking_over.agreed(options, target, row.id) if options.take_over else None
    asks = confirming.terminal(options) and not options.yes and row.state not in runs.OVER
    return _go(
        options, target, row.id, asks=asks, over=over, accepted=options.accept_drift, despite=tuple(options.despite)
    )


def rollback(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = journey.found(session, options.run)
        shown = going_back.preview(session, row, options.to)
    if row.state == "rolled back":
        raise RunRefused(f"Run {options.run} has nothing to undo.", "See: handrail status")
    _say_preview(shown)
    if options.confirm is not None or not options.yes:
        confirming.require_name(options, shown.plan, "Rolling back")
    return finished(options, target, options.run, lambda e: journey.back(e, options.run, options.to))


def _say_preview(shown: going_back.Preview) -> None:
    undone = ", ".join(item.id for item in shown.undone) or "nothing is done yet"
    say(f"Roll back run {shown.run}, {shown.plan}: {undone}")
    say(f"  it took {took(shown.seconds)} forwards")
    for kept in shown.kept:
        say(f"  kept: {kept.rows} {kept.title}, {kept.rule}")


def _go(
    options: argparse.Namespace,
    target: Target,
    number: int,
    *,
    asks: bool,
    over: Driver | None = None,
    accepted: bool = False,
    despite: Sequence[str] = (),
) -> int:
    """Onward to the end or to --until; with a question before each item where a person should be asked."""
    until = options.until
    if not asks:
        return finished(
            options, target, number,
            lambda e: journey.resume(e, number, until=until, said=options.yes, accepted=accepted, despite=despite),
            over,
        )  # fmt: skip
    if over is not None:
        _drive(options, target, lambda e: None, over)
    while True:
        with target.session() as session:
            row = journey.found(session, number)
            plan = journey.plan_of(row)
            item = journey.upcoming(plan, row)
        if row.state in runs.OVER or (until and item and item.position > plan.item(until).position):
            return 0
        if item is not None and item.kind == "finish" and row.state != "rolling back":
            say(f"Run {number} waits before its point of no return. Pass it with: handrail finish {number}")
            return 0
        if not _says_yes(row, item):
            before = f" before {item.id}" if item and row.state != "rolling back" else ""
            say(f"Run {number} waits{before}. Go on with: handrail resume {number}")
            return 0
        if code := finished(options, target, number, _one(row, accepted=accepted, despite=despite)):
            return code
        accepted = False


def _one(run: Run, *, accepted: bool, despite: Sequence[str]) -> Callable[[Executor], None]:
    """What one yes stands for: the next item, or the whole rollback that is under way."""
    if run.state == "rolling back":
        return lambda executor: journey.resume(executor, run.id)
    return lambda executor: journey.forward(executor, run.id, "one", said=True, accepted=accepted, despite=despite)


def finished(
    options: argparse.Namespace,
    target: Target,
    number: int,
    do: Callable[[Executor], None],
    over: Driver | None = None,
) -> int:
    """Drives, then says where the run stands; the exit code is the error's."""
    failure: HandrailError | None = None
    try:
        _drive(options, target, do, over)
    except ConnectionFailed:
        raise  # there is nobody to ask where the run stands
    except HandrailError as error:
        failure = error
    with target.session() as session:
        row = journey.found(session, number)
        verdicts = runs.all_verdicts(session, number)
        word = run_word(row, activity.driver(session))
    if options.json:
        wrong = {"error": failure.message, "hint": failure.hint} if failure else {}
        tell({**run_document(row, verdicts), **wrong})
    else:
        measured = [] if row.state == "rolled back" else verdict_lines(verdicts)
        for words in [*measured, f"run {row.id}, {row.plan}: {word}"]:
            line(words)
    if failure:
        say(one_line(f"handrail: {failure}"))
    if isinstance(failure, TriggerFired) and failure.asks and confirming.terminal(options):
        return _offered_back(options, target, number)
    return failure.exit_code if failure else 0


def _offered_back(options: argparse.Namespace, target: Target, number: int) -> int:
    """What the plan says is to follow a trigger, once a person agrees."""
    with target.session() as session:
        shown = going_back.preview(session, journey.found(session, number))
    _say_preview(shown)
    if not confirming.says_yes(f"Roll back run {number} now?"):
        return TriggerFired.exit_code
    return finished(options, target, number, lambda e: journey.back(e, number)) or RolledBack.exit_code


def _drive(options: argparse.Namespace, target: Target, do: Callable[[Executor], T], over: Driver | None = None) -> T:
    def told(event: Event) -> None:
        try:
            if options.json:
                tell(event_document(event))
            else:
                line(event_line(event))
        except OSError as error:  # a reader that left does not stop a run
            unheard(error)

    return driven(target, do, told, _progress_line if sys.stderr.isatty() else lambda kept: None, over)


def _progress_line(kept: dict[str, Any]) -> None:
    """How far a backfill is."""
    if total := kept.get("total"):
        say_over(f"  {kept['rows']:>12,} of about {total:,}  {100 * kept['rows'] / total:3.0f} %")


def _says_yes(run: Run, item: Item | None) -> bool:
    """The answer of a person; a run with nothing left but to say that it is done needs none."""
    if run.state == "rolling back":
        return confirming.says_yes(f"Go on rolling back run {run.id}?")
    if item is None:
        return True
    if isinstance(item.what, Manual):
        say(clean(item.what.instructions))
        return confirming.says_yes(f"Is this done: {item.what.title}?")
    about = f"estimated {took(item.estimate)}" if item.estimate else "measures, changes nothing"
    return confirming.says_yes(f"{item.position} {item.id}: {item.what.title} ({about}). Go on?")
