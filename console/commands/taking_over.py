"""resume --take-over: who runs it, what is under way and what becomes of it, then the plan's name (level 3)."""

from __future__ import annotations

import argparse
import datetime

from console.commands.confirming import require_name
from console.commands.telling import say
from console.engine import journey
from console.engine.errors import RunRefused
from db.models import StepRun
from db.queries import activity, runs
from db.queries.activity import Driver
from db.session import Target
from db.text import one_line
from db.wording import lasting, number

EFFECT = (
    "  Its session is terminated. A transaction of it is undone whole; a backfill keeps its finished batches; "
    "an index build is looked at and built again."
)


def agreed(options: argparse.Namespace, target: Target, run: int) -> Driver | None:
    """The session to take the run from, once a person has named the plan; None where nobody runs it."""
    with target.session() as session:
        row = journey.found(session, run)
        driver, at = activity.driver(session), activity.now(session)
    if row.state in runs.OVER:  # the session that drives now drives another run
        raise RunRefused(f"Run {run} is {row.state}; there is nothing to take over.", "See: handrail status")
    if driver is None:
        say(f"Nobody runs run {run} now, so nothing is taken over: it is resumed.")
        return None
    who = f"{one_line(driver.login)}, pid {driver.pid}, {one_line(driver.application)}"
    say(f"Run {run}, {row.plan} on {target.label}, is run by {who}, since {_since(driver.since, at)}.")
    under_way = next((step for step in row.steps if step.state in ("running", "undoing")), None)
    say(f"  Under way: {_step(under_way, at) if under_way else 'no step.'}")
    say(EFFECT)
    require_name(options, row.plan, "Taking a run over")
    return driver


def _step(step: StepRun, at: datetime.datetime) -> str:
    told = f"{step.step}, {step.kind}, {step.state}"
    if step.began_at:
        told += f" for {lasting((at - step.began_at).total_seconds())}"
    if total := step.progress.get("total"):
        told += f", {number(step.progress.get('rows', 0))} of about {number(total)} rows"
    return f"{told}."


def _since(since: datetime.datetime, at: datetime.datetime) -> str:
    return f"{since:%Y-%m-%d %H:%M:%S} UTC ({lasting((at - since).total_seconds())})"
