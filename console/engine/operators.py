"""Who may act here: logins of people, the groups that a login is in, the roles that a person signs as."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from console.engine.errors import UnknownOperator
from db.models import Operator, Person, SignOffRole
from db.own import readable
from db.queries.people import GROUPS

# as the database checks them
PERSON = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
ROLE = re.compile(r"[A-Za-z][A-Za-z ]{0,39}")


def add(
    session: Session,
    login: str,
    person: str,
    *,
    name: str = "",
    roles: Sequence[str] = (),
    groups: Sequence[str] = (),
    shared: bool = False,
) -> None:
    """Says whose a login is; gives the person roles to sign as, and the login groups. Safe to say again.

    The login must be one of the server's. Raises UnknownOperator where it is not, or is another person's.
    """
    if not session.scalar(select(func.count()).select_from(text("pg_roles")).where(text("rolname = :login")),
                          {"login": login}):  # fmt: skip
        raise UnknownOperator(f"The server has no login {login!r}.", f"Make it first: CREATE ROLE {login} LOGIN")
    if not PERSON.fullmatch(person):
        raise UnknownOperator(f"{person!r} is no id of a person.", "Small letters, digits, dots and dashes.")
    for role in roles:
        if not ROLE.fullmatch(role):
            raise UnknownOperator(f"{role!r} is no sign-off role.", "Letters and spaces, 40 at most.")
    if session.get(Person, person) is None:
        session.add(Person(id=person, name=name or person))
        session.flush()
    known = session.get(Operator, login)
    if known is not None and known.person != person:
        raise UnknownOperator(
            f"Login {login} is {known.person}'s, and what it signed stays theirs.", "Make another login."
        )
    if known is None:
        session.add(Operator(login=login, person=person, shared=shared))
    else:
        known.removed_at, known.shared = None, shared
    session.flush()
    for role in roles:
        held = session.get(SignOffRole, (person, role))
        if held is None:
            session.add(SignOffRole(person=person, role=role))
        elif held.removed_at is not None:
            held.removed_at = None
        session.flush()
    for group in groups:
        _group(session, "admit", login, group)


def remove(session: Session, login: str, roles: Sequence[str] = (), groups: Sequence[str] = ()) -> None:
    """Takes the login away here; or only roles, from the person behind it, or groups, which are the whole server's.

    What it signed counts no more at a gate that has not been passed.
    """
    known = session.get(Operator, login)
    if known is None or known.removed_at is not None:
        raise UnknownOperator(f"Login {login!r} is no operator here.", "handrail operator list shows them.")
    for role in roles:
        held = session.get(SignOffRole, (known.person, role))
        if held is None or held.removed_at is not None:
            raise UnknownOperator(f"{known.person} does not hold the role {role!r}.", "See: handrail operator list")
        held.removed_at = func.clock_timestamp()
    for group in groups:
        _group(session, "dismiss", login, group)
    if not roles and not groups:
        known.removed_at = func.clock_timestamp()
    session.flush()


def open_tenant(session: Session, login: str, tenant: str) -> None:
    """Lets a login look up the clients of a tenant, or of all: `*`. Safe to say again."""
    session.execute(text("SELECT handrail_search.grant_tenant(:login, :tenant)"), {"login": login, "tenant": tenant})


def close_tenant(session: Session, login: str, tenant: str) -> None:
    session.execute(text("SELECT handrail_search.revoke_tenant(:login, :tenant)"), {"login": login, "tenant": tenant})


def tenants_of(session: Session) -> dict[str, list[str]]:
    """The tenants that each login may look up; nothing where no clients are indexed, or one may not know."""
    if not readable(session, "handrail_search", "tenant_access"):
        return {}
    found = session.execute(
        text("SELECT login, array_agg(tenant ORDER BY tenant) FROM handrail_search.tenant_access GROUP BY 1")
    )
    return {row[0]: list(row[1]) for row in found}


def groups_of(session: Session) -> dict[str, list[str]]:
    """The groups that each login is in by name."""
    found = session.execute(
        text(
            "SELECT m.rolname AS login, array_agg(substr(g.rolname, 10) ORDER BY g.rolname) AS groups"
            " FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = a.member"
            " WHERE g.rolname = ANY (:groups) AND m.rolcanlogin GROUP BY 1"
        ),
        {"groups": [f"handrail_{group}" for group in GROUPS]},
    )
    return {row.login: list(row.groups) for row in found}


def _group(session: Session, verb: str, login: str, group: str) -> None:
    session.execute(text(f"SELECT handrail.{verb}(:login, :group)"), {"login": login, "group": group})
