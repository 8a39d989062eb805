"""demo without a screen: the embedded server, a sample target, and the plan in plain lines."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from console.commands import running
from console.commands.telling import line, say, tell
from console.engine import demo as sample

PLAN = "schema-unification"


def demo(options: argparse.Namespace) -> int:
    if options.stop:
        return _stopped(options)
    urls = sample.ready(options.rows, options.seed, fresh=options.fresh, tell=say)
    if options.no_open:
        _told(urls, as_json=options.json)
        return 0
    if not sample.pristine(urls[sample.AGENCY]):
        say("the sample target has had a run; it is made anew")
        urls = sample.ready(options.rows, options.seed, fresh=True, tell=say)
    return _in_lines(options, urls[sample.AGENCY])


def _in_lines(options: argparse.Namespace, url: str) -> int:
    """The main job without a terminal: every step, every checkpoint, then how to see it."""
    words = ["--target", url, "run", PLAN, "--yes", *(["--json"] if options.json else [])]
    from console.words import parser

    code = running.run(parser().parse_args(words))
    program = _program()
    say("")
    say(f"Open the console in a terminal:   {program}")
    say(f"Take the run back:                {program} rollback 1")
    say(f"Stop the server:                  {program} demo --stop")
    return code


def _program() -> str:
    """How this very program is called from here: from the path, or from the folder of a checkout."""
    if shutil.which("handrail"):
        return "handrail"
    return os.path.relpath(sys.argv[0]) if Path(sys.argv[0]).name == "handrail" else f"{sys.executable} -m console"


def _told(urls: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        tell({"targets": urls})
    else:
        for name, url in urls.items():
            line(f"{name}  {url}")


def _stopped(options: argparse.Namespace) -> int:
    was = sample.stop()
    if options.json:
        tell({"stopped": was})
    else:
        line("The embedded server is stopped." if was else "The embedded server was not running.")
    return 0
