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
  handrail --target URL status              where the run is, who runs it, who is in its way
  handrail --target URL pause               after the step or batch under way; stop: now
  handrail --target URL resume              go on, whatever ended it
  handrail --target URL rollback 1          take it back; asks for the plan's name

A target is a URL, libpq keywords, or empty: then PGSERVICE, PGHOST and their kin decide, as in psql.
Exit codes: 0 done, 1 a step or check failed, 2 wrong usage, 6 refused, 7 no connection, 130 interrupted.
"""

MORE = {
    "run": "Without --yes each step is asked for at a terminal. The run stops at a check that fails and at a signal, "
    "and goes on with: handrail resume.",
    "resume": "In a script it goes on to the end, or to --until; at a terminal each step is asked for. A step done by "
    "hand needs --yes, which says that it is done. A rollback that was interrupted goes on as a rollback.",
    "pause": "A batch of a backfill ends in well under a second; any other step is waited for: stop does not.",
    "stop": "A transaction is undone whole, a backfill keeps its finished batches, an index build is looked at and "
    "built again. It goes on with: handrail resume.",
    "blockers": "Each with its pid, login, application, state, how long its transaction has lasted, what it holds and "
    "its query. Ending one asks first; a script says --yes.",
    "resolve": "For a step that failed and was mended, or taken back, outside handrail. The database is looked at "
    "where the plan says how (done_when, or the step's kind). Go on with: handrail resume.",
    "rollback": "Shows what is undone and what is kept, then wants the plan's name, typed or with --confirm; in a "
    "script --yes does too. Rows written since the run began are carried back or set aside, as the plan says.",
}


class Words(argparse.ArgumentParser):
    """argparse, with one line for what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"handrail: {message}. See: {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    _open_closed_streams()
    options = parser().parse_args(arguments)
    try:
        with _interrupting(options):
            return _answered(options)
    except KeyboardInterrupt:
        return _interrupted()


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
    doctor = _command(commands, "doctor", "doctoring.doctor", "say what works here and what is missing")
    doctor.add_argument("--plan", metavar="PLAN", help="also what a run of this plan would meet: its id or its file")

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
    resume.add_argument(
        "--accept-drift",
        action="store_true",
        help="go on although somebody else changed the schema since the last step; journalled",
    )
    resume.add_argument(
        "--take-over",
        action="store_true",
        help="terminate the session that runs it now, and go on here; asks for the plan's name",
    )
    _confirm(resume, "with --take-over: ")

    status = _command(commands, "status", "looking.status", "where a run is, who runs it, and what happened")
    _run(status, "newest")
    pause = _command(commands, "pause", "looking.pause", "ask a run to pause after the step or batch under way")
    _run(pause)
    stop = _command(commands, "stop", "looking.stop", "cancel the statement that a run is at now, and pause the run")
    _run(stop)

    blockers = _command(
        commands, "blockers", "blocking.blockers", "who is in the way of a run's step, who waits for it"
    )
    _run(blockers)
    end = blockers.add_mutually_exclusive_group()
    end.add_argument("--cancel", type=_number, metavar="PID", help="cancel the statement of a session in the way")
    end.add_argument(
        "--terminate", type=_number, metavar="PID", help="end a session in the way; it loses its transaction"
    )
    _agree(blockers, "agree to what is shown")

    resolve = _command(
        commands, "resolve", "resolving.resolve", "say that the step whose turn it is was mended by hand"
    )
    resolve.add_argument("run", type=_number, metavar="RUN", help="the run's number; handrail status shows it")
    resolve.add_argument("step", metavar="STEP", help="the next step; with --undone the last one that was begun")
    how = resolve.add_mutually_exclusive_group(required=True)
    how.add_argument("--done", action="store_true", help="it is as after the step; looked at before it is recorded")
    how.add_argument("--undone", action="store_true", help="it is as before the step; looked at before it is recorded")
    how.add_argument("--skipped", action="store_true", help="it is left out, where the plan says may_skip")
    resolve.add_argument("--reason", required=True, type=_reason, metavar="TEXT", help="what was done, for the journal")

    rollback = _command(commands, "rollback", "running.rollback", "take a run back; what was written since is kept")
    rollback.add_argument("run", type=_number, metavar="RUN", help="the run's number; handrail status shows it")
    rollback.add_argument("--to", metavar="STEP", help="take back this step and all after it; everything if not given")
    _confirm(rollback)
    _agree(rollback, "agree to what is shown")
    return words


def _command(commands: argparse._SubParsersAction[Words], name: str, place: str, what: str) -> Words:
    described = f"{what[0].upper()}{what[1:]}. {MORE.get(name, '')}".strip()
    words = commands.add_parser(name, help=what, description=described)
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


def _confirm(words: Words, when: str = "") -> None:
    words.add_argument("--confirm", metavar="PLAN", help=f"{when}the plan's name, instead of typing it when asked")


def _run(words: Words, other: str = "open one") -> None:
    words.add_argument(
        "run", type=_number, metavar="RUN", nargs="?", help=f"the run's number; the {other} if not given"
    )


def _reason(written: str) -> str:
    if not written.strip():
        raise argparse.ArgumentTypeError("say what was done by hand")
    return written


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


@contextmanager
def _interrupting(options: argparse.Namespace) -> Iterator[None]:
    """SIGTERM and SIGHUP arrive like Ctrl-C; not in the console, nor where the shell ignores them (nohup)."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    heeded = [] if options.command.startswith("opening.") else [signal.SIGTERM, signal.SIGHUP]
    before = {
        number: signal.signal(number, interrupt) for number in heeded if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
    except BrokenPipeError:
        # the reader has what it wanted; what Python would still flush goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        print(f"handrail: {error.strerror or error}: {error.filename or 'standard output'}", file=sys.stderr)
        return 1


def _interrupted() -> int:
    try:
        print("Interrupted.", file=sys.stderr)
    except OSError:  # the terminal was closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    return 130


def _place(options: argparse.Namespace) -> str:
    """The command's place; the demo is a screen at a terminal, and lines elsewhere."""
    place: str = options.command
    if place == "demonstration.demo" and not (options.stop or options.no_open):
        from console.commands.opening import at_terminal

        return "opening.demo" if at_terminal(options) else place
    return place


if __name__ == "__main__":
    sys.exit(main())
