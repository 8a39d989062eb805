"""handrail alone: the console."""

from __future__ import annotations

import argparse
import sys

from console.engine.errors import QuestionUnanswered


def console(options: argparse.Namespace) -> int:
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or options.no_input or options.plain or options.json:
        raise QuestionUnanswered(
            "The console needs a terminal.", "In a pipe or a script use: handrail status, run, resume"
        )
    from console.commands import targeting
    from console.commands.demonstration import opened
    from console.settings import Settings, libpq_says_where

    if options.target is None and Settings().target is None and not libpq_says_where():
        return opened(rows=None, seed=7, fresh=False, plans=targeting.plans(options))
    from console.app import HandrailApp

    return HandrailApp(targeting.url(options), plans=targeting.plans(options)).run() or 0
