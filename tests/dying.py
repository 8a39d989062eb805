"""A console that is killed in the middle of a step.

It drives the run like any console, and sends itself SIGKILL at the second statement after STEP was journalled as
begun: no handler runs, no buffer is flushed. The engine knows nothing of this; SQLAlchemy's own events count.
"""

from __future__ import annotations

import os
import signal
from typing import Any

from sqlalchemy import Engine, event

from console.engine import executor, journey
from db.models import Event
from db.session import Target
from tests.crash.faults import PROCESSES

STATEMENTS = 2

# for who imports it from here


def killed_in(target: Target, run: int, step: str, direction: str = "forward") -> None:
    """Drives `run` in a process of its own that is killed inside `step`."""
    process = PROCESSES.Process(target=drive, args=(target.url, run, step, direction))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


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


def drive(url: str, run: int, step: str, direction: str) -> None:
    with executor.at(Target(url), die_in(step)) as here:
        if direction == "forward":
            journey.resume(here, run, said=True)
        else:
            journey.back(here, run)
