"""The demo's people: a login each, what it may do, and what the person behind it signs as."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier

from console.engine import operators
from db.session import Target


@dataclass(frozen=True)
class Staff:
    """`login` ends in a digit, as there may be more than one of a kind; `tenants` are whose clients it sees."""

    login: str
    name: str
    group: str
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()

    @property
    def person(self) -> str:
        return self.name.split()[0].lower()

    @property
    def work(self) -> str:
        """on-call engineer; signs as security"""
        if self.roles:
            return f"signs as {', '.join(self.roles)}"
        return f"{self.group}, of {len(self.tenants)} companies" if len(self.tenants) > 1 else self.group


ON_CALL = Staff("oncall1", "Olu Adeyemi", "engineer", tenants=("*",))
STAFF = (
    ON_CALL,
    Staff("dba1", "Dina Berg", "approver", ("database administrator",)),
    Staff("sec1", "Sam Cole", "approver", ("security",)),
    Staff("owner1", "Petra Owusu", "approver", ("product owner",)),
    Staff("support1", "Suri Patel", "support", tenants=("*",)),
    Staff("support2", "Sofia Lund", "support", tenants=("Blue Harbour GmbH", "Lantern BV")),
    Staff("audit1", "Ada Finch", "auditor"),
    Staff("admin1", "Amir Nasser", "admin"),
)
# what the agency's first revision would make, had the on-call engineer the right to
PLATFORM = ("anon", "authenticated", "service_role")
MONITORS = ("pg_monitor", "pg_signal_backend")


def make_logins(connection: psycopg.Connection) -> None:
    """The logins on a server, safe to call again. The on-call engineer owns the target and needs no superuser."""
    for role in PLATFORM:
        _make(connection, role, "NOLOGIN" + (" BYPASSRLS" if role == "service_role" else ""))
    for one in STAFF:
        _make(connection, one.login, "LOGIN" + (" CREATEDB BYPASSRLS" if one is ON_CALL else ""))
    for role in (*PLATFORM, *MONITORS):
        connection.execute(SQL("GRANT {} TO {}").format(Identifier(role), Identifier(ON_CALL.login)))


def make_operators(target: Target) -> None:
    """Says on a target who its people are; asked of the one who prepared it."""
    with target.session() as session:
        for one in STAFF:
            operators.add(session, one.login, one.person, name=one.name, roles=one.roles, groups=[one.group])


def open_tenants(target: Target) -> None:
    """Gives them the tenants that are theirs, on a target whose clients are indexed."""
    with target.session() as session:
        for one in STAFF:
            for tenant in one.tenants:
                operators.open_tenant(session, one.login, tenant)


def _make(connection: psycopg.Connection, role: str, rights: str) -> None:
    there = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    if there is None:
        connection.execute(SQL("CREATE ROLE {} {}").format(Identifier(role), SQL(rights)))
