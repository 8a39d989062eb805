"""What tests of locks and of two consoles say often: a session that holds a lock, a short ladder, what was journalled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

QUICK = ((0.3, 0.4),) * 200


def ladder(monkeypatch: pytest.MonkeyPatch, *rungs: tuple[float, float]) -> None:
    monkeypatch.setattr("console.engine.retrying.LADDER", rungs or QUICK)


@contextmanager
def held(url: str, application: str = "metabase", lock: str = "ACCESS SHARE") -> Iterator[psycopg.Connection]:
    """A session that has read people and stays in its transaction."""
    with psycopg.connect(url, application_name=application) as connection:
        connection.execute(f"LOCK TABLE person IN {lock} MODE".encode())
        yield connection
        with suppress(psycopg.OperationalError):  # it may have been ended meanwhile
            connection.rollback()


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(question.encode()).fetchall()


def journalled(url: str, kind: str) -> int:
    (count,) = ask(url, f"SELECT count(*)::int FROM handrail.event WHERE kind = '{kind}'")[0]
    assert isinstance(count, int)
    return count
