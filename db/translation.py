"""The driver's errors in handrail's words. The tree of errors itself (db/errors.py) loads without a driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors as pg
from sqlalchemy import ExceptionContext, exc

from db.errors import (
    ClientUnknown,
    ConnectionFailed,
    EvidenceStale,
    GateClosed,
    HandrailError,
    LockNotGranted,
    NotIndexed,
    NotPrepared,
    ReasonMissing,
    RightMissing,
    RunFinished,
    SessionEnded,
    StatementCancelled,
    StatementFailed,
)

# what handrail's own functions raise, and what to do about it
RAISED: dict[str, tuple[type[HandrailError], str]] = {
    "HR005": (RunFinished, "What it removed is in its backup; what comes next is another plan."),
    "HR010": (NotIndexed, "Make the index: handrail clients index"),
    "HR011": (ClientUnknown, "Look it up: handrail clients search TEXT"),
    "HR012": (ReasonMissing, "Say why in a few words; the journal keeps it."),
}


# their messages quote the value that would not do, in the quotation marks of the server's language
QUOTING = ("22003", "22007", "22008", "22P02")
QUOTED = re.compile("[\"'«»„“”‘’「」].*[\"'«»„“”‘’「」]", re.DOTALL)


def without_rows(context: ExceptionContext) -> None:
    """For SQLAlchemy's event handle_error: no traceback, however the error comes to be in it, quotes a row (FM-E9)."""
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        error.args = (said(error),)
        if wrapped is not None:
            wrapped.args = (f"({type(error).__name__}) {said(error)}",)


def said(error: psycopg.Error) -> str:
    """The first line, without the value that it may quote: neither DETAIL nor CONTEXT, which quote rows."""
    message = (error.diag.message_primary or (str(error).splitlines() or [""])[0]).strip()
    return QUOTED.sub("…", message) if error.sqlstate in QUOTING else message


@contextmanager
def translated() -> Iterator[None]:
    """The one place where errors of the driver become errors of handrail."""
    try:
        yield
    except exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise
        if isinstance(error.orig, pg.UndefinedColumn) and "handrail." in (error.statement or ""):
            raise _of_another_version() from error
        raise translate(error.orig) from error
    except psycopg.Error as error:
        raise translate(error) from error


def translate(error: psycopg.Error) -> HandrailError:
    """The error of handrail for one of the driver's; DETAIL is left out, since it quotes rows (FM-E9)."""
    state = error.sqlstate or ""
    # a statement may fail with any code that somebody raises; only FATAL ends the session
    lost = error.diag.severity_nonlocalized != "ERROR"
    if lost and isinstance(error, psycopg.OperationalError) and (not state or state[:2] in ("08", "28", "3D")):
        return _connection_failed(error)
    if lost and state == "57P01":
        return SessionEnded(
            "The server ended this session: somebody asked it to, or it shuts down.",
            "Find out who and why, then resume: the journal is right.",
        )
    if lost and state in ("57P02", "57P03"):
        return ConnectionFailed(
            "The server closed the connection.", "Check that it runs, then resume: the journal is right."
        )
    message = said(error)
    position = int(error.diag.statement_position) if error.diag.statement_position else None
    if isinstance(error, pg.UndefinedTable) and "handrail.fence" in message:
        return _of_another_version()
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName) and "handrail." in message:
        return NotPrepared(
            "This database has never been prepared for handrail.",
            "Prepare it with: handrail init --target URL --name TARGET",
        )
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName) and "handrail_search" in message:
        return NotIndexed("The clients of this target are not indexed yet.", RAISED["HR010"][1])
    if isinstance(error, pg.InsufficientPrivilege):
        return RightMissing(f"This login has not the right: {message}.", "See: handrail doctor")
    if isinstance(error, pg.LockNotAvailable):
        return LockNotGranted(
            "Another session holds the lock that is needed.",
            "Wait for it or end it, then resume.",
            sqlstate=state,
        )
    if isinstance(error, pg.QueryCanceled):
        return StatementCancelled("The statement was cancelled.", "Resume when you are ready.", sqlstate=state)
    if state == "HR001":
        return GateClosed(f"{message[0].upper()}{message[1:]}.", "See who has to sign: handrail status")
    if state == "HR003":
        return EvidenceStale(f"{message[0].upper()}{message[1:]}.", "Look at it again before you decide.")
    if state in RAISED:
        kind, hint = RAISED[state]
        return kind(f"{message[0].upper()}{message[1:]}.", hint)
    constraint = error.diag.constraint_name or ""
    return StatementFailed(f"{message} ({state})", sqlstate=state, position=position, constraint=constraint)


def _of_another_version() -> NotPrepared:
    return NotPrepared(
        "This database was prepared by another version of handrail.",
        "Bring it up to this one with: handrail init --target URL --name TARGET",
    )


def _connection_failed(error: psycopg.Error) -> ConnectionFailed:
    """One line of what libpq says over many, without anything that could hold a secret (FM-E10)."""
    text = str(error)
    if "no password supplied" in text:
        return ConnectionFailed(
            "The server wants a password.", "Give it by PGPASSWORD or your password file (~/.pgpass)."
        )
    if found := re.search(r"invalid (\w+) value", text):
        return ConnectionFailed(
            f"The connection setting {found[1]} has a value that libpq does not know.", "Mend --target."
        )
    if "password authentication failed" in text:
        return ConnectionFailed(
            "The server refused the password.", "Check PGPASSWORD or your password file (~/.pgpass)."
        )
    if found := re.search(r'database "([^"]*)" does not exist', text):
        return ConnectionFailed(
            f"There is no database {found[1]!r} on this server.", "Check --target; psql -l lists them."
        )
    if found := re.search(r'role "([^"]*)" does not exist', text):
        return ConnectionFailed(f"The server knows no login {found[1]!r}.", "Check the user in --target.")
    if found := re.search(r'definition of service "([^"]*)" not found', text):
        return ConnectionFailed(f"There is no service {found[1]!r}.", "Check PGSERVICE and ~/.pg_service.conf.")
    if "too many clients" in text or "too many connections" in text or "remaining connection slots" in text:
        return ConnectionFailed("The server has no connection left.", "End one that is not needed, then try again.")
    if "connection is closed" in text or "server closed the connection" in text or "consuming input" in text:
        return ConnectionFailed("The connection was lost.", "Check the server, then resume: the journal is right.")
    if "could not translate host name" in text or "Name or service not known" in text:
        return ConnectionFailed("The server's host name is not known.", "Check the host in --target.")
    return ConnectionFailed(
        "No server answers at this address.", "Check that it runs and that host and port are right."
    )
