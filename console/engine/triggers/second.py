"""The second connection, on which triggers look: one question at a time, made anew where it was lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from db.errors import ConnectionFailed
from db.session import Target

APPLICATION = "handrail: triggers"
# what is lost of a gauge in a crash of the server, the next sample says again
SETTINGS = {
    "statement_timeout": "2s",
    "lock_timeout": "1s",
    "idle_in_transaction_session_timeout": "10s",
    "synchronous_commit": "off",
}
SECONDS_TO_CLOSE = 1.0


class Second:
    """Every statement on it is a transaction of its own, but for those of a probe."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: psycopg.Connection | None = None
        self._one_question = threading.Lock()
        self._closed = threading.Event()

    @contextmanager
    def at(self) -> Iterator[psycopg.Connection]:
        """Raises ConnectionFailed or psycopg.Error where the server is not there."""
        with self._one_question:
            if self._closed.is_set():
                raise ConnectionFailed("The triggers look no more.")
            if self._connection is None or self._connection.closed:
                self._connection = self._target.connect(SETTINGS, APPLICATION)
                self._connection.autocommit = True
            yield self._connection
        if self._closed.is_set():
            self.close()

    def close(self) -> None:
        """What is asked now is cancelled; a question that cannot be is left to end by itself."""
        self._closed.set()
        connection = self._connection
        if connection is not None and self._one_question.locked():
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=SECONDS_TO_CLOSE)
        if self._one_question.acquire(timeout=SECONDS_TO_CLOSE):
            try:
                if self._connection is not None:
                    self._connection.close()
            finally:
                self._one_question.release()
