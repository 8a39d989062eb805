"""The session on which clients are searched: it reads only, it gives up soon, and it can be cancelled from outside."""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from typing import Any

import psycopg

from db.errors import ConnectionFailed
from db.session import QUESTION_SETTINGS, Target
from db.translation import translated

APPLICATION = "handrail: search"
SETTINGS = {**QUESTION_SETTINGS, "statement_timeout": "2s", "default_transaction_read_only": "on"}


UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]")


def sendable(words: str) -> str:
    """The same without what no database takes and so none can hold: a replacement character in its place."""
    return UNSENDABLE.sub("\ufffd", words)


class Searching:
    """One connection, made at the first question and made again when it was lost; one question at a time."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: psycopg.Connection | None = None
        self._asking = threading.Lock()
        self._asker = 0
        self._known: dict[str, Any] = {}
        self._version = ""

    def ask(self, question: str, *values: object) -> Any:
        """The first column of the first row, None where there is no row; `question` is a literal of ours."""
        row = self.rows(question, *values)
        return row[0][0] if row else None

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        sent = [sendable(value) if isinstance(value, str) else value for value in values]
        with self._asking, translated():
            self._asker = threading.get_ident()
            try:
                return self._open().execute(question.encode(), sent).fetchall()
            except psycopg.OperationalError as lost:
                if self._connection is None or not self._connection.broken:
                    raise
                self._connection = None
                raise ConnectionFailed("The connection was lost.", "It is made again with the next key.") from lost

    def once(self, question: str) -> Any:
        """The rows of a question whose answer does not change while this console is open."""
        if question not in self._known:
            self._known[question] = self.rows(question)
        return self._known[question]

    def forget(self, version: str) -> None:
        """Asks anew what once() knows, where it was asked of another version."""
        if version != self._version:
            self._known.clear()
            self._version = version

    def cancel(self, of: int | None = None) -> None:
        """Ends the question under way on the server too; does nothing where there is none, or none of thread `of`."""
        connection = self._connection
        if connection is not None and self._asking.locked() and of in (None, self._asker):
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1)

    def close(self) -> None:
        self.cancel()
        with self._asking:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = self._target.connect(SETTINGS, APPLICATION)
            self._connection.autocommit = True
        return self._connection
