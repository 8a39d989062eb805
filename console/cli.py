"""The command line: words to a command, errors to one line and an exit code.

Only argparse is imported here, so that --help and --version answer at once; a command is imported when it is called.
Exit codes: 0 done, 1 a step or check failed, 2 wrong usage or a question without a terminal, 3 waits for a sign-off,
4 stopped by a trigger, 5 rolled back by one, 6 refused, 7 no connection, 130 interrupted.
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

from console.words import parser


def main(arguments: Sequence[str] | None = None) -> int:
    _open_closed_streams()
    options = parser().parse_args(arguments)
    try:
        with _interrupting(options):
            return _answered(options)
    except KeyboardInterrupt:
        return _interrupted()


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
        from console.commands.telling import say

        say(f"handrail: {error.strerror or error}: {error.filename or 'standard output'}")
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
