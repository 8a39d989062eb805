"""What tests of triggers say often: a step that lasts, a trigger on it, a run that is driven meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from console.engine import executor, journey
from console.engine.executor import Executor
from console.engine.plan import Plan
from db.errors import HandrailError
from db.models import Event
from db.queries import gauges
from db.session import Target
from tests.driving import begun, events, tiny
from tests.servers import wait_until

QUICK = 'every = "50ms"\nover = "3 of 5"\ncool_down = "0s"\n'
SLEEP = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one (a int); SELECT pg_sleep({seconds})"
undo = "DROP TABLE one"
"""
THREADS = "trigger "
LASTING = "CREATE TABLE lasting AS SELECT 30 AS seconds"


def guarded(*triggers: str, seconds: float = 30, step: str = "") -> Plan:
    """A step that lasts so many seconds, and triggers that look at it often."""
    return tiny((step or SLEEP.format(seconds=seconds)) + "".join(f"\n[[trigger]]\n{one}\n" for one in triggers))


def quick(keys: str) -> str:
    return f"{keys}\n{QUICK}"


class Driven:
    """A run that goes forward in a thread. `error` is what it ended with."""

    def __init__(self, target: Target, number: int, *despite: str) -> None:
        self.number = number
        self._despite = despite
        self.here: Executor | None = None
        self.error: BaseException | None = None
        self.ended = threading.Event()
        self._target = target
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        try:
            with executor.at(self._target) as here:
                self.here = here
                journey.resume(here, self.number, said=True, despite=self._despite)
        except HandrailError as error:
            self.error = error
        finally:
            self.ended.set()

    def rests(self) -> BaseException | None:
        assert self.ended.wait(30)
        self._thread.join()
        return self.error


@contextmanager
def driving(target: Target, plan: Plan) -> Iterator[Driven]:
    """The run is stopped at the end, where it has not ended by itself."""
    run = Driven(target, begun(target, plan))
    try:
        yield run
    finally:
        while not run.ended.wait(0.2):
            if run.here is not None:
                run.here.cancel()
        run.rests()


def gauge(target: Target, number: int, trigger: str) -> Any:
    with target.session() as session:
        return next((one for one in gauges.of_run(session, number) if one.trigger == trigger), None)


def sampled(target: Target, number: int, trigger: str, times: int = 1) -> None:
    wait_until(lambda: (found := gauge(target, number, trigger)) is not None and len(found.samples) >= times)


def fired(target: Target, number: int) -> Event:
    (found,) = [event for event in events(target, number) if event.kind == "trigger fired"]
    return found


def looking_on() -> list[str]:
    """Threads of triggers that live."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(THREADS)]
