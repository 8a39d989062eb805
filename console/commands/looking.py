"""status, pause, stop: what others see of a run, and the two things that they may ask of it."""

from __future__ import annotations

import argparse
from typing import Any

from console.commands import targeting
from console.commands.blocking import Queue, queue
from console.commands.signing import gate_document, status_lines
from console.commands.telling import (
    MARKS,
    event_document,
    event_line,
    line,
    run_document,
    run_word,
    tell,
    verdict_lines,
)
from console.engine import journey, observed, rollback, wishes
from console.engine.reading import frozen
from console.engine.triggers.standing import seen as seen_triggers
from db.models import Event, Run, StepRun, Verdict
from db.queries import activity, gates, runs
from db.queries.activity import Driver
from db.text import one_line
from db.wording import took


def status(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = runs.latest(session) if options.run is None else journey.found(session, options.run)
        driver = activity.driver(session)
        if row is None:
            name = runs.target_name(session)
            if options.json:
                tell({"target": name, "run": None})
            else:
                line(f"{name}: no run yet. Plans: handrail plan list")
            return 0
        verdicts = runs.all_verdicts(session, row.id)
        events = runs.events(session, row.id, 10)
        seen = queue(session, row)
        closed = gates.of_run(session, row.id)
        now = activity.now(session)
        plan = frozen(row.plan_text, row.sources)
        kept = rollback.captured(session, plan, row, plan.items)
        triggers = seen_triggers(session, row, going=driver is not None and row.state == "running")
    if options.json:
        tell({**_document(row, driver, verdicts, events, seen), "gates": [gate_document(gate) for gate in closed],
              "captures": [one.told() for one in kept], **triggers.document(now)})  # fmt: skip
        return 0
    line(f"run {row.id}  {row.plan}  {_stands(row, driver)}")
    for words in triggers.loud(now):
        line(words)
    for step in row.steps:
        line(_step_line(step))
    for words in [
        *status_lines(closed, now),
        *triggers.lines(),
        *(f"+ captured: {one.rows} {one_line(one.title)}" for one in kept),
        *seen.lines(),
        *verdict_lines(verdicts),
        *(event_line(event) for event in events),
    ]:
        line(words)
    return 0


def pause(options: argparse.Namespace) -> int:
    return _ask(options, wishes.ask_pause, "pauses after the step or batch that is under way.")


def stop(options: argparse.Namespace) -> int:
    return _ask(options, wishes.ask_stop, "is stopped: the statement that runs now is cancelled, and the run pauses.")


def _ask(options: argparse.Namespace, ask: Any, effect: str) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = targeting.open_run(session, options)
        driver = activity.driver(session)
        event = ask(session, row.id)
    if options.json:
        tell(event_document(event))
    elif driver is None:
        line(f"run {row.id} is asked to pause, but nobody runs it now; it goes on with: handrail resume {row.id}")
    else:
        line(f"run {row.id} {effect}")
    return 0


def _document(
    row: Run, driver: Driver | None, verdicts: list[Verdict], events: list[Event], seen: Queue
) -> dict[str, Any]:
    word = run_word(row, driver)
    here = driver if row.state in ("running", "rolling back") else None
    by = {"pid": here.pid, "login": here.login, "since": here.since.isoformat()} if here else None
    return {**run_document(row, verdicts), "interrupted": word == "interrupted", "paused": word == "paused",
            "driver": by, **seen.document(), "events": [event_document(event) for event in events]}  # fmt: skip


def _step_line(step: StepRun) -> str:
    times = f"{took(step.seconds) if step.state != 'running' else '':>8}" + (
        f"  est {took(step.estimate)}" if step.estimate else ""
    )
    state = f"{MARKS[step.state]} {step.state:<8}"
    said = [one_line(step.error or ""), observed.told(step.progress) if step.kind == "observe" else ""]
    return f"  {state} {step.position:>3} {step.step:<26} {times}  {'  '.join(filter(None, said))}".rstrip()


def _stands(row: Run, driver: Driver | None) -> str:
    """The run's state for people, who runs it, and how it goes on."""
    word = run_word(row, driver)
    if word == "interrupted":
        return f"{row.state}, but nobody runs it: it was interrupted. Go on with: handrail resume {row.id}"
    if row.state == "rolling back" and driver is None:
        return f"{word} while it is rolled back. Go on with: handrail resume {row.id}"
    if driver and row.state in ("running", "rolling back"):
        return f"{word} by {driver.login}, pid {driver.pid}"
    return word
