"""demo: the embedded server, a sample target, and the console on it; in a pipe, the plan in plain lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from console.commands import running, targeting
from console.commands.telling import line, say, tell
from console.engine import demo as sample
from db import postgres

PLAN = "schema-unification"


def demo(options: argparse.Namespace) -> int:
    if options.stop:
        return _stopped(options)
    wants_screen = not (options.no_open or options.json or options.plain or options.no_input)
    if wants_screen and sys.stdin.isatty() and sys.stdout.isatty():
        return opened(options.rows, options.seed, fresh=options.fresh, plans=targeting.plans(options))
    urls = sample.ready(options.rows, options.seed, fresh=options.fresh, tell=say)
    if options.no_open:
        _told(urls, as_json=options.json)
        return 0
    if not sample.pristine(urls[sample.AGENCY]):
        say("the sample target has had a run; it is made anew")
        urls = sample.ready(options.rows, options.seed, fresh=True, tell=say)
    return _in_lines(options, urls[sample.AGENCY])


def opened(rows: int | None, seed: int, *, fresh: bool, plans: Path) -> int:
    """The console, which prepares the demo behind its first picture."""
    from console.app import HandrailApp

    def start(tell_line: sample.Tell) -> str:
        return sample.ready(rows, seed, fresh=fresh, tell=tell_line)[sample.AGENCY]

    return HandrailApp("", start=start, plans=plans).run() or 0


def _in_lines(options: argparse.Namespace, url: str) -> int:
    """The main job without a terminal: every step, every checkpoint, then how to see it."""
    words = ["--target", url, "run", PLAN, "--yes", *(["--json"] if options.json else [])]
    from console.cli import parser

    code = running.run(parser().parse_args(words))
    say("")
    say("Open the console in a terminal:   handrail        (or: make demo)")
    say("Take the run back:                handrail rollback 1")
    say("Stop the server:                  handrail demo --stop")
    return code


def _told(urls: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        tell({"targets": urls})
    else:
        for name, url in urls.items():
            line(f"{name}  {url}")


def _stopped(options: argparse.Namespace) -> int:
    was = postgres.stop()
    if options.json:
        tell({"stopped": was})
    else:
        line("The embedded server is stopped." if was else "The embedded server was not running.")
    return 0
