"""A person's wish to stop: what may be cancelled for it, and where it is looked for in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from console.engine.errors import StepStopped

GO_ON = "Go on with: handrail resume"
LOOK_SECONDS = 0.5  # between two looks while it rests


class Stop:
    """What a step does is cancelled, never what the journal writes about it."""

    def __init__(self) -> None:
        self.wanted = threading.Event()
        self._cancelling = threading.Lock()
        self._at_work = False

    def ask(self, driver: Any) -> None:
        """From another thread, again and again until the executor rests: a statement may only be about to begin."""
        self.wanted.set()
        with self._cancelling, suppress(psycopg.Error):  # the connection may just have ended
            if self._at_work:
                driver.cancel_safe()

    @contextmanager
    def open(self) -> Iterator[None]:
        """While a step works. When it has ended, no cancel of ours is under way any more."""
        with self._cancelling:
            self._at_work = True
        try:
            self.require_none()
            yield
        finally:
            with self._cancelling:
                self._at_work = False

    def require_none(self, what: str = "Stopped.") -> None:
        if self.wanted.is_set():
            raise StepStopped(what, GO_ON)

    def rest(self, seconds: float, look: Callable[[], bool]) -> None:
        """Leaves the application alone between two tries; ends at once for a stop, and soon where `look` says so."""
        deadline = time.monotonic() + seconds
        while not self.wanted.wait(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic()))):
            if look() or time.monotonic() >= deadline:
                return
        self.require_none()
