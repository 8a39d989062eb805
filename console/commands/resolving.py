"""resolve: a person says that a step was done, undone or left out by hand; it is looked at before it is believed."""

from __future__ import annotations

import argparse
from typing import get_args

from console.commands import targeting
from console.commands.running import finished
from console.commands.telling import say
from console.engine import resolving
from console.engine.executor import Executor
from console.engine.resolving import How
from db.queries import runs

LATER = {
    "done": "the next checkpoint will tell.",
    "skipped": "the next checkpoint will tell.",
    "undone": "what comes next will tell: the end of a rollback, or the step done again.",
}


def resolve(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    how: How = next(word for word in get_args(How) if getattr(options, word))

    def do(executor: Executor) -> None:
        resolving.resolve(executor, options.run, options.step, how, options.reason)

    code = finished(options, target, options.run, do)
    if code == 0:
        with target.session() as session:
            looked_at = next(
                (event.detail["looked_at"] for event in reversed(runs.events(session, options.run))
                 if event.kind == "step resolved"), True,
            )  # fmt: skip
        if not looked_at:
            say(f"Nothing in the plan says how to look at {options.step}; {LATER[how]}")
        say(f"Go on with: handrail resume {options.run}")
    return code
