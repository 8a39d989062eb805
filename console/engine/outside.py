"""Programs that are started on this machine: PostgreSQL's own, and those that a plan names.

No shell, no terminal, nothing to read from. One that has to be ended is ended with all that it started. A plan is
signed by others, but it is this machine's and this person's rights that its commands use, so they run only where the
person has said so: HANDRAIL_COMMANDS=yes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import Event as Flag
from typing import IO, NamedTuple

from console.engine.errors import RunRefused, StepFailed
from db.text import clean

LONGEST = 2000  # characters that are kept of what a program said: its last ones
LOOK_SECONDS = 0.2
GRACE_SECONDS = 5.0  # from SIGTERM to SIGKILL
YES = ("1", "yes", "y", "on", "true", "t")


class Ended(NamedTuple):
    """`said` is the end of both its outputs, cleaned. `code` is its exit code, or minus the signal that ended it."""

    code: int
    said: str
    late: bool


def allowed() -> bool:
    """Whether the person here lets plans start commands. Whatever is not a yes is a no."""
    return os.environ.get("HANDRAIL_COMMANDS", "").strip().lower() in YES


def require_allowed(what: str) -> None:
    if not allowed():
        raise RunRefused(
            f"{what} starts a command on this machine, and commands are not allowed here.",
            "Read it with: handrail plan show PLAN. Then allow it: HANDRAIL_COMMANDS=yes",
        )


def run(
    command: Sequence[str], stopping: Flag, seconds: float | None = None, known: Mapping[str, str] | None = None
) -> Ended:
    """Waits for its end: for `seconds` at most, and no longer once somebody wants to stop; then all of it is ended.

    `known` is added to the environment, where `ps` does not show it (UX-C3). Raises StepFailed where it cannot start.
    """
    deadline = time.monotonic() + seconds if seconds is not None else None
    with tempfile.TemporaryFile() as output:
        try:
            program = subprocess.Popen(
                command, env={**os.environ, **(known or {})}, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise StepFailed(
                f"{clean(command[0])} cannot be started: {why}.", "Mend the plan or the machine."
            ) from error
        late = False
        try:
            while program.poll() is None:
                late = deadline is not None and time.monotonic() > deadline
                if late or stopping.is_set():
                    break
                with suppress(subprocess.TimeoutExpired):
                    program.wait(LOOK_SECONDS)
        finally:
            if program.poll() is None:
                _end(program)
        return Ended(program.returncode, _last(output), late)


def _end(program: subprocess.Popen[bytes]) -> None:
    """It leads a process group: all of it is asked to end, and what has not after a while is killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            program.wait(GRACE_SECONDS)
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()


def _last(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - 4 * LONGEST))
    return clean(output.read().decode(errors="replace")).strip()[-LONGEST:]
