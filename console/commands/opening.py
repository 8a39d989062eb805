"""The console, from handrail alone or the demo at a terminal; nothing is imported that its first picture can spare."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable

from console.engine.errors import QuestionUnanswered

Tell = Callable[[str], None]


def console(options: argparse.Namespace) -> int:
    if not at_terminal(options):
        raise QuestionUnanswered(
            "The console needs a terminal.", "In a pipe or a script use: handrail status, run, resume"
        )
    named = options.target is not None or "HANDRAIL_TARGET" in os.environ
    return opened(options, _named if named else _named_or_demo)


def demo(options: argparse.Namespace) -> int:
    return opened(options, _demo)


def at_terminal(options: argparse.Namespace) -> bool:
    asked_for_lines = options.no_input or options.plain or options.json
    # Textual paints on standard error
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)) and not asked_for_lines


def opened(options: argparse.Namespace, target: Callable[[argparse.Namespace, Tell], str]) -> int:
    """The console, which finds its target behind its first picture."""
    gc.disable()  # a fifth of the time until the first picture is the collector, at work on modules that stay
    from console.app import HandrailApp

    gc.enable()

    def start(tell: Tell) -> str:
        from console.commands import targeting
        from console.settings import Settings

        app.plans = targeting.plans(options)
        app.private = options.private or Settings().private
        return target(options, tell)

    app = HandrailApp("", start=start)
    app.run()
    return app.return_code or 0


def _named(options: argparse.Namespace, tell: Tell) -> str:
    from console.commands import targeting

    return targeting.url(options)


def _named_or_demo(options: argparse.Namespace, tell: Tell) -> str:
    from console.settings import libpq_says_where

    return "" if libpq_says_where() and not options.as_login else _demo(options, tell)


def _demo(options: argparse.Namespace, tell: Tell) -> str:
    from console.engine import demo as sample

    rows, seed = getattr(options, "rows", None), getattr(options, "seed", 7)
    fresh, login = getattr(options, "fresh", False), options.as_login or sample.ON_CALL
    return sample.ready(rows, seed, fresh=fresh, tell=tell, login=login)[sample.AGENCY]
