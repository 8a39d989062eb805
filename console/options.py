"""What commands of the command line share: how one is made, the options that many have, how values are read."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import NoReturn

from db.text import one_line

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
        self.exit(2, one_line(f"handrail: {message}. See: {self.prog} --help") + "\n")


def command(commands: argparse._SubParsersAction[Words], name: str, place: str, what: str) -> Words:
    described = f"{what[0].upper()}{what[1:]}. {MORE.get(name, '')}".strip()
    words = commands.add_parser(name, help=what, description=described)
    # given before the command or after it, an option is the same option
    common(words, default=argparse.SUPPRESS)
    words.set_defaults(command=place)
    return words


def common(words: Words, default: str | None) -> None:
    off = default if default is not None else False
    words.add_argument(
        "--target", default=default, metavar="URL", help="the database: URL, libpq keywords or a demo target's name"
    )
    words.add_argument(
        "--as", dest="as_login", default=default, metavar="LOGIN", help="in the demo: who you are; oncall1 if not given"
    )
    words.add_argument(
        "--plans", default=default, metavar="DIR", help="the folder of plan files, instead of the built-in ones"
    )
    words.add_argument("--json", action="store_true", default=off, help="answers as JSON, an object a line")
    words.add_argument("--plain", action="store_true", default=off, help="lines instead of screens")
    words.add_argument("--no-input", action="store_true", default=off, help="never ask; fail where an answer is needed")


def private(words: Words, default: object) -> None:
    """For what opens the console; the command line keeps no history."""
    words.add_argument("--private", action="store_true", default=default, help="keeps no history of what is searched")


def agree(words: Words, what: str) -> None:
    words.add_argument("--yes", action="store_true", help=what)


def until(words: Words) -> None:
    words.add_argument("--until", metavar="STEP", help="go no further than this step or checkpoint")


def confirm(words: Words, when: str = "") -> None:
    words.add_argument("--confirm", metavar="PLAN", help=f"{when}the plan's name, instead of typing it when asked")


def run_option(words: Words, other: str = "open one") -> None:
    words.add_argument("run", type=number, metavar="RUN", nargs="?", help=f"the run's number; the {other} if not given")


def gate(words: Words) -> None:
    words.add_argument("run", type=number, metavar="RUN", help="the run's number; handrail status shows it")
    words.add_argument("gate", metavar="GATE", help="the checkpoint or decision")


def decision(words: Words) -> None:
    words.add_argument("run", type=number, metavar="RUN", help="the run's number; handrail status shows it")
    words.add_argument("decision", metavar="DECISION", help="its id; handrail decisions list shows them")


def time(written: str) -> datetime:
    try:
        given = datetime.fromisoformat(written)
    except ValueError:
        raise argparse.ArgumentTypeError("write a time such as 2026-11-21T14:00") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)


def text(written: str) -> str:
    """Bytes of the command line that are no UTF-8 arrive as halves of pairs, which no database takes."""
    if any("\ud800" <= one <= "\udfff" for one in written):
        raise argparse.ArgumentTypeError("write it in UTF-8")
    return written


def reason(written: str) -> str:
    if not text(written).strip():
        raise argparse.ArgumentTypeError("say what was done by hand")
    return written


def count(written: str) -> int:
    return between(written, 10, 10_000_000)


def shown(written: str) -> int:
    return between(written, 1, 500)


def number(written: str) -> int:
    return between(written, 1, 2**63 - 1)


def between(written: str, low: int, high: int) -> int:
    digits = written.replace("_", "").replace(" ", "")
    if not digits.isdecimal() or not low <= int(digits) <= high:
        raise argparse.ArgumentTypeError(f"give a number from {low} to {high}")
    return int(digits)
