"""The sentry: it samples a run's triggers while the run goes forward, a thread each, on the second connection.

It never writes into the journal. The first trigger that fires is remembered, and the executor is stopped as a person
would stop it; what then becomes of the run is firing.py's. A stop that a person asked for stays theirs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from console.engine.executor import Executor
from console.engine.triggers.declared import Acting, Looking, Sample, Sampled
from console.engine.triggers.second import Second
from console.engine.triggers.series import Series
from db.errors import ConnectionFailed, HandrailError
from db.queries import gauges
from db.translation import translate

AGAIN = 0.2  # seconds until what runs is cancelled once more
SECONDS_TO_END = 2.0


@dataclass(frozen=True)
class Hit:
    """A trigger that fired, and on what; `over` reads like "3 of 5"."""

    trigger: Acting
    value: float | None
    at_most: float
    samples: list[float] = field(default_factory=list)
    over: str = ""
    said: str = ""


class Sentry:
    """Looks on between start() and end(). A thread that hangs in a login ends by itself, and fires nothing any more."""

    def __init__(self, executor: Executor, run: int, watched: Sequence[tuple[Sampled, Series]]) -> None:
        self.hit: Hit | None = None
        self._executor = executor
        self._ended = threading.Event()
        self._second = Second(executor.target)
        self._looking = Looking(executor.target, self._second, run, self._ended)
        self._firing = threading.Lock()
        self._threads = [
            threading.Thread(target=self._look_on, args=one, name=f"trigger {one[0].id}", daemon=True)
            for one in watched
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Nothing fires any more when this returns."""
        with self._firing:
            self._ended.set()
        self._second.close()
        deadline = time.monotonic() + SECONDS_TO_END
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _look_on(self, trigger: Sampled, series: Series) -> None:
        while not self._ended.is_set():
            if (found := self._sampled(trigger)) is not None:
                fires = series.add(time.monotonic(), found)
                self._show(trigger, series, found)
                if fires:
                    self._fire(trigger, series, found)
            self._ended.wait(trigger.every)

    def _sampled(self, trigger: Sampled) -> Sample | None:
        """None where the server is not there: that is no sample, and the connection is made anew at the next."""
        try:
            return trigger.sample(self._looking)
        except ConnectionFailed:
            return None
        except (psycopg.Error, HandrailError) as error:
            known = translate(error) if isinstance(error, psycopg.Error) else error
            return None if isinstance(known, ConnectionFailed) else Sample(None, False, known.message)

    def _show(self, trigger: Sampled, series: Series, found: Sample) -> None:
        with suppress(psycopg.Error, HandrailError), self._second.at() as connection:
            ours = gauges.keep(
                connection, self._executor.hold.epoch, self._looking.run, trigger.id, armed=series.armed,
                value=found.value, at_most=trigger.limit, samples=list(series.values), over=series.over,
                said=found.said,
            )  # fmt: skip
            if not ours:
                self._ended.set()

    def _fire(self, trigger: Sampled, series: Series, found: Sample) -> None:
        with self._firing:
            if self.hit is not None or self._ended.is_set() or self._executor.stop.wanted.is_set():
                return
            self.hit = Hit(
                trigger, found.value, trigger.limit, list(series.values), f"{series.over} of {trigger.over[1]}",
                found.said,
            )  # fmt: skip
        while not self._ended.is_set():
            self._executor.cancel()
            self._ended.wait(AGAIN)
