"""Connections to a target: one short-lived kind for questions, one for the backend that runs steps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo, errors
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from db.errors import CommitInDoubt, ConnectionFailed, HandrailError, StatementFailed
from db.pool import cleaned
from db.translation import translated, without_rows

OLDEST, NEWEST = 15, 18
CONNECT_SECONDS = 10

NOTHING_ELSE = "pg_catalog, pg_temp"

# The session that runs steps. A dead client's statement must not live on (FM-A4), and a lock must not queue the
# application behind us (I-8).
EXECUTOR_SETTINGS = {
    "client_connection_check_interval": "1s",
    "idle_in_transaction_session_timeout": "60s",
    "lock_timeout": "2s",
    "statement_timeout": "0",
    "synchronous_commit": "on",
    "search_path": '"$user", public',
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
# Questions name every schema: what an owner of the database put on its search_path answers none of them (FM-P15).
QUESTION_SETTINGS = {
    "search_path": NOTHING_ELSE,
    "statement_timeout": "15s",
    "lock_timeout": "2s",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
}
SET = """
SELECT pg_catalog.set_config(name, value, false)
FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
"""
SINCE = {"transaction_timeout": 17}


@contextmanager
def transaction(connection: Connection) -> Iterator[Session]:
    """One transaction on a connection that stays; raises where one is open already.

    It begins at once, not at the session's first statement: else a statement sent on the connection itself would
    begin one that the session then only joins, and never commits. Raises CommitInDoubt where the answer to COMMIT
    was lost, and StatementFailed where an error was swallowed, which PostgreSQL would answer with a silent ROLLBACK.
    """
    with connection.begin() as begun:
        with Session(connection, expire_on_commit=False) as session:
            yield session
            session.flush()
        _require_sound(connection)
        try:
            begun.commit()
        except DBAPIError as error:
            if connection.invalidated or error.connection_invalidated:
                raise CommitInDoubt(
                    "The connection was lost while a transaction was committed.",
                    "Resume: handrail asks the server what became of it.",
                ) from error
            begun.rollback()  # the server has; without this the connection takes no other transaction
            raise


def _require_sound(connection: Connection) -> None:
    """COMMIT in a failed transaction is answered with ROLLBACK and no error (F22)."""
    driver: Any = connection.connection.driver_connection
    if driver.info.transaction_status == TransactionStatus.INERROR:
        raise StatementFailed("A statement of the transaction had failed, and nobody said so (25P02)", sqlstate="25P02")


class Target:
    """A database that plans act on: how to reach it, by libpq's own rules (URL, keywords, service, environment)."""

    def __init__(self, url: str, name: str = "") -> None:
        try:
            self.parameters = conninfo.conninfo_to_dict(url)
        except psycopg.Error:
            # libpq's message may quote a piece of the password (FM-E10)
            raise MalformedTarget(
                "The target is not a PostgreSQL URL.", "Example: postgresql://user@host:5432/database"
            ) from None
        if _misread(url):
            raise MalformedTarget(
                "The target is not a PostgreSQL URL: a / or @ where none can be.",
                "In a password write %2F for / and %40 for @; or give it by PGPASSWORD.",
            )
        self.url = url
        self.name = name
        self._questions: Engine | None = None

    def __repr__(self) -> str:
        return f"Target({self.label!r})"

    @property
    def label(self) -> str:
        """database@host for people; never a user or a password."""
        known = {key: str(value) for key, value in self.parameters.items() if value}
        host = known.get("host") or known.get("service") or "local"
        return f"{known.get('dbname', self.name or 'default')}@{'local' if host.startswith('/') else host}"

    def connect(self, settings: dict[str, str], application: str) -> psycopg.Connection:
        """A driver connection with `settings`; refuses a server outside 15 to 18."""
        with translated():
            connection = psycopg.connect(
                self.url,
                application_name=application,
                connect_timeout=CONNECT_SECONDS,
                client_encoding="utf8",
                prepare_threshold=None,  # DEALLOCATE in somebody's function must not pull it from under the driver
                autocommit=True,
            )
        major = connection.info.server_version // 10000
        if not OLDEST <= major <= NEWEST:
            connection.close()
            raise ConnectionFailed(f"The server is PostgreSQL {major}.", f"handrail works on {OLDEST} to {NEWEST}.")
        with translated():
            if wanted := known(settings, major):
                _outlast(connection)
                # before anything that a function of the owner's could stand in for
                connection.execute(f"SET search_path = {NOTHING_ELSE}")
                connection.execute(SET, (list(wanted), list(wanted.values())))
        connection.autocommit = False
        return connection

    def questions(self) -> Engine:
        """The pool behind screens and commands; made at the first question, never at import."""
        if self._questions is None:
            engine = create_engine(
                "postgresql+psycopg://",
                creator=lambda: self.connect(QUESTION_SETTINGS, "handrail"),
                pool_size=2,
                max_overflow=4,
                pool_pre_ping=True,
                pool_reset_on_return=None,
                hide_parameters=True,
            )
            event.listen(engine, "handle_error", without_rows)
            self._questions = cleaned(engine, QUESTION_SETTINGS)
        return self._questions

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back on any error."""
        with translated(), Session(self.questions(), expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def executor_connection(self, application: str) -> Iterator[Connection]:
        """The one backend that holds the target's lock and runs the steps; never pooled (F31)."""
        engine = create_engine(
            "postgresql+psycopg://",
            creator=lambda: self.connect(EXECUTOR_SETTINGS, application),
            poolclass=NullPool,
            hide_parameters=True,
        )
        event.listen(engine, "handle_error", without_rows)
        with translated(), engine.connect() as connection:
            yield connection

    def close(self) -> None:
        if self._questions is not None:
            self._questions.dispose()
            self._questions = None


def _misread(url: str) -> bool:
    """Whether libpq took a password to end too early: its rest would be shown as host or database (FM-E10)."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("?")[0]
    return scheme in ("postgresql", "postgres") and (place.count("@") > 1 or "@" in place.partition("/")[2])


def _outlast(connection: psycopg.Connection) -> None:
    """Lifts a statement_timeout of the database or the login before it cancels what sets all the others."""
    for left in reversed(range(5)):
        try:
            connection.execute("SET statement_timeout = 0")
            # one that was up as the first ended strikes the next statement, "due to user request"
            connection.execute("SET statement_timeout = 0")
            return
        except errors.QueryCanceled:
            if not left:
                raise


def known(settings: dict[str, str], major: int) -> dict[str, str]:
    """Those settings that a server of that version has."""
    return {name: value for name, value in settings.items() if SINCE.get(name, OLDEST) <= major}


class MalformedTarget(HandrailError):
    exit_code = 2
