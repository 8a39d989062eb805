"""Hears what the database tells everybody (NOTIFY), in a thread of its own: a sign-off made elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg
from psycopg.sql import SQL, Identifier

from db.errors import HandrailError
from db.session import Target

CHANNEL = "handrail"
AGAIN_SECONDS = 5.0  # after a connection was lost; whoever listens also looks by itself
HEARD_SECONDS = 1.0  # how long the thread may take to notice that nobody listens any more


class Listening:
    """`heard` is called in the thread, once for each thing that was told.

    It ends where the target cannot be reached: trying again by itself could lock an account. It may be made anew.
    """

    def __init__(self, target: Target, heard: Callable[[], None]) -> None:
        self._target, self._heard = target, heard
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listening", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        return not self._thread.is_alive()

    def close(self) -> None:
        self._over.set()

    def _listen(self) -> None:
        with suppress(HandrailError):
            while not self._over.is_set():
                with suppress(psycopg.Error):
                    self._once()
                self._over.wait(AGAIN_SECONDS)

    def _once(self) -> None:
        with self._target.connect({}, "handrail: listening") as connection:
            connection.autocommit = True
            connection.execute(SQL("LISTEN {}").format(Identifier(CHANNEL)))
            while not self._over.is_set():
                for _ in connection.notifies(timeout=HEARD_SECONDS, stop_after=1):
                    self._heard()
