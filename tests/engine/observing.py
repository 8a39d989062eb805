"""Observations for tests: what they ask, and a console that runs one beside the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from console.engine import executor, journey
from console.engine.executor import Executor
from console.engine.plan import Plan
from db.errors import HandrailError
from db.session import Target
from tests.driving import look, tiny
from tests.servers import wait_until

CHECKED = """
[[phase.step.check]]
id = "calm"
kind = "sql"
title = "nobody is loud"
sql = "SELECT id FROM person WHERE email = 'loud'"
no_rows = true

[[phase.step.check]]
id = "there"
kind = "sql"
title = "people are there"
sql = "SELECT count(*) FROM person"
at_least = 1
"""
GATE = """
[phase.step.gate]
roles = ["security"]
"""
LOUD = "INSERT INTO person (email, n) VALUES ('loud', 0)"
CALM = "DELETE FROM person WHERE email = 'loud'"


def watching(time: str = "600s", every: str = "100ms", *, gate: bool = False, keys: str = "", more: str = "") -> Plan:
    """A plan whose first step observes."""
    head = f'id = "watch"\nkind = "observe"\ntime = "{time}"\nevery = "{every}"\n{keys}\n'
    text = head + (GATE if gate else "") + CHECKED + more
    return tiny(text)


def progress(target: Target, number: int) -> dict[str, Any]:
    return dict(look(target, number).steps[0].progress)


class Beside:
    """A console in a thread; `error` is how it ended, if not well."""

    def __init__(self, target: Target, number: int, do: Callable[[Executor], None] | None = None) -> None:
        self.target, self.number = target, number
        self._do = do or (lambda here: journey.resume(here, number))
        self.here: Executor | None = None
        self.error: HandrailError | None = None
        self._thread = threading.Thread(target=self._go)

    def _go(self) -> None:
        try:
            with executor.at(self.target) as self.here:
                self._do(self.here)
        except HandrailError as error:
            self.error = error

    def ended(self, limit: float = 30) -> bool:
        self._thread.join(limit)
        return not self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def rounds(self, wanted: int) -> dict[str, Any]:
        """Waits until so many rounds have ended; what is kept then."""
        wait_until(lambda: not self.alive or progress(self.target, self.number).get("rounds", 0) >= wanted)
        return progress(self.target, self.number)


@contextmanager
def beside(target: Target, number: int, do: Callable[[Executor], None] | None = None) -> Iterator[Beside]:
    console = Beside(target, number, do)
    console.start()
    try:
        yield console
    finally:
        while console.alive:
            if console.here is not None:
                console.here.cancel()
            console.ended(0.1)
