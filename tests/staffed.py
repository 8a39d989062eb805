"""A target with people, and a run that stands before a closed gate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from console.engine import inbox, journey, operators, signing
from console.engine.preparation import arrange
from console.engine.sample import people
from db.errors import GateClosed
from db.models import GateStatus
from db.queries import gates
from db.session import Target
from tests.driving import drive, tiny

GATED = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one (a int)"
undo = "DROP TABLE one"

[phase.checkpoint]
id = "fine"
title = "Fine"

[phase.checkpoint.gate]
roles = ["database administrator", "security"]
lasts = "1h"

[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = "One is there"
sql = "SELECT to_regclass('one') IS NOT NULL"
equals = true

[[phase]]
title = "Then"

[[phase.step]]
id = "two"
kind = "sql"
title = "Two"
estimate = "1s"
sql = "CREATE TABLE two (a int)"
undo = "DROP TABLE two"
"""
DBA, SECURITY = "database administrator", "security"


def staffed(target: Target) -> None:
    """The groups, the demo's people, and some that are awkward: a second login of the on-call engineer who may sign,
    a shared login, and one that is nobody's."""
    with psycopg.connect(target.url, autocommit=True) as connection:
        people.make_logins(connection)
        for login in ("oncall2", "room", "nobody1", "sec2"):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (login,)).fetchone() is None:
                connection.execute(f"CREATE ROLE {login} LOGIN".encode())
        connection.execute("GRANT ALL ON SCHEMA public TO oncall1")
        connection.execute("GRANT CREATE ON DATABASE " + connection.info.dbname + " TO oncall1")
        connection.execute("ALTER TABLE person OWNER TO oncall1")
    arrange(target, "sample")
    people.make_operators(target)
    with target.session() as session:
        operators.add(session, "oncall2", people.ON_CALL.person, roles=[SECURITY], groups=["approver"])
        operators.add(session, "sec2", "sam", groups=["approver"])
        operators.add(session, "room", "room", roles=[SECURITY], groups=["approver"], shared=True)
        session.connection().exec_driver_sql("GRANT handrail_approver TO nobody1")


def as_login(target: Target, login: str) -> Target:
    """The same database, reached as somebody else."""
    return Target(target.url.replace("postgres@", f"{login}@"), target.name)


def waiting(target: Target, plan: str = GATED, asked_by: str | None = None) -> int:
    """A run of the on-call engineer's, up to the gate that is closed."""
    engineer = as_login(target, people.ON_CALL.login)
    number = drive(engineer, lambda here: journey.begin(here, tiny(plan), asked_by))
    onward(engineer, number)
    return number


def onward(target: Target, number: int) -> str:
    """Goes on as far as it may; what it waits for, or nothing."""
    try:
        drive(as_login(target, people.ON_CALL.login) if "postgres@" in target.url else target,
              lambda here: journey.resume(here, number, said=True))  # fmt: skip
    except GateClosed as closed:
        return closed.message
    return ""


def signed(target: Target, login: str, number: int, gate: str = "fine", word: signing.Word = "approve",
           reason: str = "", role: str | None = None) -> None:  # fmt: skip
    mine = as_login(target, login)
    with mine.session() as session:
        intent = signing.intend(session, number, gate, word, role)
    with mine.session() as session:
        signing.sign(session, intent, reason)
    mine.close()


def all_signed(target: Target, number: int, gate: str = "fine") -> None:
    signed(target, "dba1", number, gate)
    signed(target, "sec1", number, gate)


def status(target: Target, number: int, gate: str = "fine") -> GateStatus:
    with target.session() as session:
        found = gates.one(session, number, gate)
    assert found is not None
    return found


def inbox_of(target: Target, login: str) -> inbox.Inbox:
    mine = as_login(target, login)
    with mine.session() as session:
        found = inbox.look(session)
    mine.close()
    return found


@contextmanager
def psql(target: Target, login: str) -> Iterator[psycopg.Connection]:
    """What anybody has who has the login and no console."""
    with psycopg.connect(target.url.replace("postgres@", f"{login}@"), autocommit=True) as connection:
        yield connection


def refused(target: Target, login: str, statement: str) -> str:
    """The SQLSTATE with which the database refuses a statement; empty where it does not."""
    with psql(target, login) as connection:
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            return f"{error.sqlstate} {error.diag.constraint_name or ''}".strip()
    return ""


def taken_back(target: Target) -> None:
    drive(as_login(target, people.ON_CALL.login), lambda here: journey.back(here, 1))
