"""The command line: words to a command, errors to one line and an exit code.

Only argparse is imported here, so that --help and --version answer at once; a command is imported when it is called.
Exit codes: 0 done, 1 a step or check failed, 2 wrong usage or a question without a terminal, 6 refused,
7 no connection, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType
from typing import NoReturn

from console import __version__

EXAMPLES = """\
examples:
  handrail                                  open the console on the demo, or on the target of your environment
  handrail --target URL plan list           which plans there are
  handrail --target URL run schema-unification --until copy
  handrail --target URL status              where the run is
  handrail --target URL rollback 1          take it back; asks for the plan's name

A target is a URL, libpq keywords, or empty: then PGSERVICE, PGHOST and their kin decide, as in psql.
Exit codes: 0 done, 1 a step or check failed, 2 wrong usage, 6 refused, 7 no connection, 130 interrupted.
"""


class Words(argparse.ArgumentParser):
    """argparse, with one line for what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"handrail: {message}. See: {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    _open_closed_streams()
    options = parser().parse_args(arguments)
    return _answered(options)


def parser() -> Words:
    words = Words(
        prog="handrail",
        description="Step through risky PostgreSQL migrations with a hand on the rail.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("--version", action="version", version=f"handrail {__version__}")
    _common(words, default=None)
    words.set_defaults(command="opening.console")
    commands = words.add_subparsers(title="commands", metavar="COMMAND")

    demo = _command(commands, "demo", "demonstration.demo", "an embedded server, a sample target, the console")
    demo.add_argument("--rows", type=_count, metavar="N", help="clients in the sample target (10 to 10000000; 100000)")
    demo.add_argument("--seed", type=int, default=7, help="the same seed gives the same rows")
    demo.add_argument("--fresh", action="store_true", help="make the sample target anew, whatever it holds")
    demo.add_argument("--no-open", action="store_true", help="prepare only, and say where it is")
    demo.add_argument("--stop", action="store_true", help="stop the embedded server")

    init = _command(commands, "init", "preparing.init", "give a database handrail's own tables")
    init.add_argument("--name", required=True, help="which target it is; plans name it")
    _command(commands, "doctor", "doctoring.doctor", "say what works here and what is missing")

    plan = _command(commands, "plan", "planning.show_all", "list, show and check plans")
    parts = plan.add_subparsers(title="commands", metavar="COMMAND")
    _command(parts, "list", "planning.show_all", "which plans there are")
    show = _command(parts, "show", "planning.show", "what a plan does, step by step, with its SQL")
    show.add_argument("plan", help="the plan's id, or the path of its file")
    lint = _command(parts, "lint", "planning.lint", "check plans without running them")
    lint.add_argument("plan", nargs="*", help="ids or paths; all plans where none is named")

    run = _command(commands, "run", "running.run", "begin a plan and step through it")
    run.add_argument("plan", help="the plan's id, or the path of its file")
    _until(run)
    _agree(run, "apply every step without asking")

    resume = _command(commands, "resume", "running.resume", "go on with a run that was paused, failed or was killed")
    _run(resume)
    _until(resume)
    _agree(resume, "do not ask before each step")

    status = _command(commands, "status", "looking.status", "where a run is, and what happened")
    _run(status)
    pause = _command(commands, "pause", "looking.pause", "ask a run to pause after the step or batch under way")
    _run(pause)

    rollback = _command(commands, "rollback", "running.rollback", "take a run back; what was written since is kept")
    rollback.add_argument("run", type=_number, help="the run's number; handrail status shows it")
    rollback.add_argument("--to", metavar="STEP", help="take back this step and all after it; everything if not given")
    rollback.add_argument("--confirm", metavar="PLAN", help="the plan's name, instead of typing it when asked")
    _agree(rollback, "agree to what is shown")
    return words


def _command(commands: argparse._SubParsersAction[Words], name: str, place: str, what: str) -> Words:
    words = commands.add_parser(name, help=what, description=what[0].upper() + what[1:] + ".")
    # given before the command or after it, an option is the same option
    _common(words, default=argparse.SUPPRESS)
    words.set_defaults(command=place)
    return words


def _common(words: Words, default: str | None) -> None:
    off = default if default is not None else False
    words.add_argument(
        "--target", default=default, metavar="URL", help="the database: URL, libpq keywords or a demo target's name"
    )
    words.add_argument(
        "--plans", default=default, metavar="DIR", help="the folder of plan files, instead of the built-in ones"
    )
    words.add_argument("--json", action="store_true", default=off, help="answers as JSON, an object a line")
    words.add_argument("--plain", action="store_true", default=off, help="lines instead of screens")
    words.add_argument("--no-input", action="store_true", default=off, help="never ask; fail where an answer is needed")


def _agree(words: Words, what: str) -> None:
    words.add_argument("--yes", action="store_true", help=what)


def _until(words: Words) -> None:
    words.add_argument("--until", metavar="STEP", help="go no further than this step or checkpoint")


def _run(words: Words) -> None:
    words.add_argument("run", type=_number, nargs="?", help="the run's number; the newest if not given")


def _count(written: str) -> int:
    return _between(written, 10, 10_000_000)


def _number(written: str) -> int:
    return _between(written, 1, 2**63 - 1)


def _between(written: str, low: int, high: int) -> int:
    digits = written.replace("_", "").replace(" ", "")
    if not digits.isdecimal() or not low <= int(digits) <= high:
        raise argparse.ArgumentTypeError(f"give a number from {low} to {high}")
    return int(digits)


def _open_closed_streams() -> None:
    """A stream that the shell closed (>&-) is opened on nothing, or the next connection would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _answered(options: argparse.Namespace) -> int:
    from db.errors import HandrailError

    module, function = _place(options).split(".")
    try:
        command: Callable[[argparse.Namespace], int] = getattr(import_module(f"console.commands.{module}"), function)
        return command(options)
    except HandrailError as error:
        from console.commands.telling import tell_error

        tell_error(error, as_json=options.json)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader has what it wanted; what Python would still flush goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        print(f"handrail: {error.strerror or error}: {error.filename or 'standard output'}", file=sys.stderr)
        return 1


def _place(options: argparse.Namespace) -> str:
    """The command's place; the demo is a screen at a terminal, and lines elsewhere."""
    place: str = options.command
    if place == "demonstration.demo" and not (options.stop or options.no_open):
        from console.commands.opening import at_terminal

        return "opening.demo" if at_terminal(options) else place
    return place


if __name__ == "__main__":
    sys.exit(main())
