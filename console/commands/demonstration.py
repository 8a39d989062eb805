"""demo without a screen: the embedded server, a sample target, its people, and the plan in plain lines."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from console.commands import deciding, running, signing
from console.commands.telling import line, say, tell
from console.engine import demo as sample
from console.engine.sample import people
from console.words import parser
from db.queries import gates, runs
from db.session import Target

PLAN = "schema-unification"
WAITS = 3

Command = Callable[[argparse.Namespace], int]


def demo(options: argparse.Namespace) -> int:
    if options.stop:
        return _stopped(options)
    urls = sample.ready(
        options.rows, options.seed, fresh=options.fresh, tell=say, login=options.as_login or sample.ON_CALL
    )
    if options.no_open:
        _told(urls, as_json=options.json)
        return 0
    if not sample.pristine(urls[sample.AGENCY]):
        say("the sample target has had a run; it is made anew")
        sample.ready(options.rows, options.seed, fresh=True, tell=say)
    return _in_lines(options)


def _in_lines(options: argparse.Namespace) -> int:
    """The main job without a terminal: every step, every checkpoint, every sign-off by its own person."""
    code = _as(people.ON_CALL, options, running.run, "run", PLAN, "--yes")
    while code == WAITS and _agreed(options):
        code = _as(people.ON_CALL, options, running.resume, "resume", "--yes")
    program = _program()
    say("")
    say(f"Open the console in a terminal:   {program}            (as somebody else: {program} --as dba1)")
    say(f"Take the run back:                {program} rollback 1")
    say(f"Is the journal still whole:       {program} audit verify")
    say(f"Stop the server:                  {program} demo --stop")
    return code


def _agreed(options: argparse.Namespace) -> bool:
    """Whoever is asked for answers or signs; False where nobody could."""
    target = Target(sample.targets()[sample.AGENCY])
    with target.session() as session:
        run = runs.open_one(session)
        closed = [one for one in gates.of_run(session, run.id) if not one.open] if run else []
    target.close()
    asked = [gate for gate in closed if gate.kind == "decision" or gate.state == "waits"]
    for gate in asked:
        if gate.kind == "decision" and gate.measurement is None:
            _as(people.ON_CALL, options, deciding.answer, "decisions", "answer", str(gate.run_id), gate.gate, "--yes")
        for one in people.STAFF:
            if set(one.roles) & set(gate.roles) - set(gate.signed):
                _as(one, options, signing.sign, "sign", str(gate.run_id), gate.gate, "--approve", "--yes",
                    "--reason", "sample: looked at")  # fmt: skip
    return bool(asked)


def _as(one: people.Staff, options: argparse.Namespace, command: Command, *words: str) -> int:
    """One command as one of the demo's people, and says who it was."""
    say(f"{one.login}, {one.name}, {one.work}:")
    url = sample.targets(one.login)[sample.AGENCY]
    return command(parser().parse_args(["--target", url, *words, *(["--json"] if options.json else [])]))


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
