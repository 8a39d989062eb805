"""run, resume, rollback: what changes a target."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from console.commands import targeting
from console.commands.driving import driven
from console.commands.telling import (
    event_document,
    event_line,
    line,
    run_document,
    say,
    tell,
    unheard,
    verdict_lines,
)
from console.engine import journey, reading
from console.engine import rollback as going_back
from console.engine.errors import QuestionUnanswered, RunRefused, UnknownRun
from console.engine.executor import Executor
from console.engine.plan import Item
from console.engine.steps import Manual
from db.errors import ConnectionFailed, HandrailError
from db.models import Event
from db.queries import runs
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
        _require_terminal(options, "Each step needs an answer: give --yes to apply them all.")
    number = _drive(options, target, lambda executor: journey.begin(executor, plan))
    return _go(options, target, number, asks=not options.yes)


def resume(options: argparse.Namespace) -> int:
    """A script that says resume has agreed to it; a person at a terminal is asked before each step."""
    target = targeting.target(options)
    number = _newest_open(target) if options.run is None else options.run
    return _go(options, target, number, asks=_terminal(options) and not options.yes)


def rollback(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = journey.found(session, options.run)
        shown = going_back.preview(session, row, options.to)
    if row.state == "rolled back":
        raise RunRefused(f"Run {options.run} has nothing to undo.", "See: handrail status")
    undone = ", ".join(item.id for item in shown.undone) or "nothing is done yet"
    say(f"Roll back run {shown.run}, {shown.plan}: {undone}")
    say(f"  it took {took(shown.seconds)} forwards")
    for kept in shown.kept:
        say(f"  kept: {kept.rows} {kept.title}, {kept.rule}")
    _agreed(options, shown.plan)
    return _finished(options, target, options.run, lambda e: journey.back(e, options.run, options.to))


def _go(options: argparse.Namespace, target: Target, number: int, *, asks: bool) -> int:
    """Onward to the end or to --until; with a question before each item where a person should be asked."""
    until = getattr(options, "until", None)
    if not asks:
        return _finished(options, target, number, lambda e: journey.resume(e, number, until=until, said=options.yes))
    while item := _next(target, number, until):
        if not _says_yes(item):
            say(f"Run {number} waits before {item.id}. Go on with: handrail resume {number}")
            break
        if code := _finished(options, target, number, lambda e: journey.forward(e, number, "one", said=True)):
            return code
    return 0


def _finished(options: argparse.Namespace, target: Target, number: int, do: Callable[[Executor], None]) -> int:
    """Drives, then says where the run stands; the exit code is the error's."""
    failure: HandrailError | None = None
    try:
        _drive(options, target, do)
    except ConnectionFailed:
        raise  # there is nobody to ask where the run stands
    except HandrailError as error:
        failure = error
    with target.session() as session:
        row = journey.found(session, number)
        verdicts = runs.all_verdicts(session, number)
    if options.json:
        wrong = {"error": failure.message, "hint": failure.hint} if failure else {}
        tell({**run_document(row, verdicts), **wrong})
    else:
        measured = [] if row.state == "rolled back" else verdict_lines(verdicts)
        for words in [*measured, f"run {row.id}, {row.plan}: {row.state}"]:
            line(words)
    if failure:
        say(one_line(f"handrail: {failure}"))
    return failure.exit_code if failure else 0


def _drive(options: argparse.Namespace, target: Target, do: Callable[[Executor], T]) -> T:
    def told(event: Event) -> None:
        try:
            if options.json:
                tell(event_document(event))
            else:
                line(event_line(event))
        except OSError as error:  # a reader that left does not stop a run
            unheard(error)

    return driven(target, do, told, _progress_line if sys.stderr.isatty() else lambda kept: None)


def _progress_line(kept: dict[str, Any]) -> None:
    """How far a backfill is, on one line that is written over."""
    if total := kept.get("total"):
        sys.stderr.write(f"\r  {kept['rows']:>12,} of about {total:,}  {100 * kept['rows'] / total:3.0f} %\x1b[K\r")
        sys.stderr.flush()


def _next(target: Target, number: int, until: str | None) -> Item | None:
    """The item before which a person is asked; None where the way ends."""
    with target.session() as session:
        row = journey.found(session, number)
        plan = reading.frozen(row.plan_text, row.sources)
        item = journey.upcoming(plan, row)
    if item is None or row.state == "done" or (until and item.position > plan.item(until).position):
        return None
    return item


def _says_yes(item: Item) -> bool:
    if isinstance(item.what, Manual):
        say(clean(item.what.instructions))
        return _asked(f"Is this done: {item.what.title}? [y/N] ") == "y"
    about = f"estimated {took(item.estimate)}" if item.estimate else "measures, changes nothing"
    return _asked(f"{item.position} {item.id}: {item.what.title} ({about}). Go on? [y/N] ") == "y"


def _agreed(options: argparse.Namespace, plan: str) -> None:
    """A rollback is agreed to by the plan's name: typed, or given with --confirm; or by --yes in a script."""
    name = options.confirm
    if name is None and options.yes:
        return
    if name is None:
        _require_terminal(options, f"Rolling back needs an answer: give --confirm {plan}.")
        name = _asked(f"Type {plan} to go on: ")
    if name != plan:
        raise RunRefused("That is not the plan's name; nothing was undone.", f"The name is {plan}.")


def _asked(question: str) -> str:
    sys.stderr.write(clean(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _terminal(options: argparse.Namespace) -> bool:
    return bool(sys.stdin.isatty() and not options.no_input and not options.json)


def _require_terminal(options: argparse.Namespace, message: str) -> None:
    if not _terminal(options):
        raise QuestionUnanswered(message, "There is no terminal here to ask at.")


def _newest_open(target: Target) -> int:
    with target.session() as session:
        row = runs.open_one(session)
    if row is None:
        raise UnknownRun("No run is open on this target.", "Begin one with: handrail run PLAN")
    return row.id
