"""status, pause: what others see of a run, and the one thing that they may ask of it."""

from __future__ import annotations

import argparse

from console.commands import targeting
from console.commands.telling import (
    MARKS,
    event_document,
    event_line,
    line,
    run_document,
    tell,
    verdict_lines,
)
from console.engine import journey
from console.engine.errors import UnknownRun
from db.models import Run
from db.queries import activity, runs
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
    if options.json:
        told = {"interrupted": _interrupted(row, driver), "events": [event_document(event) for event in events]}
        tell({**run_document(row, verdicts), **told})
        return 0
    line(f"run {row.id}  {row.plan}  {row.state}{_by(row, driver)}")
    for step in row.steps:
        times = f"{took(step.seconds) if step.state != 'running' else '':>8}" + (
            f"  est {took(step.estimate)}" if step.estimate else ""
        )
        state = f"{MARKS[step.state]} {step.state:<8}"
        line(f"  {state} {step.position:>3} {step.step:<26} {times}  {one_line(step.error or '')}".rstrip())
    for words in [*verdict_lines(verdicts), *(event_line(event) for event in events)]:
        line(words)
    return 0


def pause(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = runs.open_one(session) if options.run is None else journey.found(session, options.run)
        if row is None:
            raise UnknownRun("No run is open on this target.", "handrail status shows the newest.")
        event = journey.ask_pause(session, row.id)
    if options.json:
        tell(event_document(event))
    else:
        line(f"run {row.id} pauses after the step or batch that is under way.")
    return 0


def _interrupted(row: Run, driver: Driver | None) -> bool:
    return row.state in ("running", "rolling back") and driver is None


def _by(row: Run, driver: Driver | None) -> str:
    if _interrupted(row, driver):
        return f", but nobody runs it: it was interrupted. Go on with: handrail resume {row.id}"
    if driver and row.state in ("running", "rolling back"):
        return f" by {driver.login}, pid {driver.pid}"
    return ""
