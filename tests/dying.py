"""A console that is killed in the middle of a step: `python -m tests.dying URL RUN STEP forward|back`.

It drives the run like any console, and sends itself SIGKILL at the second statement after STEP was journalled as
begun: no handler runs, no buffer is flushed. The engine knows nothing of this; SQLAlchemy's own events count.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from console.engine import executor, journey
from db.models import Event
from db.session import Target

ROOT = Path(__file__).parent.parent
STATEMENTS = 2


def killed_in(target: Target, run: int, step: str, direction: str = "forward") -> None:
    """Drives `run` in a process of its own that is killed inside `step`."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.dying", target.url, str(run), step, direction],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def die_in(step: str) -> executor.Tell:
    """A listener that arms the kill once `step` has begun."""
    left: list[int] = []

    def heard(said: Event) -> None:
        if said.step == step and said.kind in ("step began", "undo began"):
            left.append(STATEMENTS)

    def counted(*_: Any) -> None:
        if left:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "after_cursor_execute", counted)
    return heard


def main(url: str, run: str, step: str, direction: str) -> None:
    with executor.at(Target(url), die_in(step)) as here:
        if direction == "forward":
            journey.resume(here, int(run), said=True)
        else:
            journey.back(here, int(run))


if __name__ == "__main__":
    main(*sys.argv[1:])
