"""Who may act here: logins, people, sign-off roles."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from db.models import Operator, Person, SignOffRole

GROUPS = ("engineer", "approver", "support", "auditor", "admin")

MINE = text(
    """
    SELECT session_user::text AS login, coalesce(p.id, session_user::text) AS person,
           coalesce(p.name, session_user::text) AS name, coalesce(o.shared, false) AS shared,
           ARRAY(SELECT r.role FROM handrail.sign_off_role r WHERE r.person = o.person AND r.removed_at IS NULL
                 ORDER BY r.role) AS roles,
           ARRAY(SELECT substr(rolname, 10) FROM pg_roles WHERE rolname = ANY (:groups)
                 AND pg_has_role(session_user, oid, 'MEMBER') ORDER BY rolname) AS groups
    FROM (SELECT) one LEFT JOIN handrail.operator o ON o.login = session_user AND o.removed_at IS NULL
    LEFT JOIN handrail.person p ON p.id = o.person
    """
)


@dataclass(frozen=True)
class Me:
    """Who asks: the login, the person behind it, what they may sign as, and the groups that the login is in."""

    login: str
    person: str
    name: str
    shared: bool
    roles: tuple[str, ...]
    groups: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether this login may run plans. Where there are no groups, its own rights decide."""
        return "engineer" in self.groups or not self.groups

    @property
    def told(self) -> str:
        """Olu Adeyemi (oncall1); postgres"""
        return self.name if self.name == self.login else f"{self.name} ({self.login})"


def me(session: Session) -> Me:
    row = session.execute(MINE, {"groups": [f"handrail_{group}" for group in GROUPS]}).one()
    return Me(row.login, row.person, row.name, row.shared, tuple(row.roles), tuple(row.groups))


def person_of(session: Session, named: str) -> str | None:
    """The person of that id, or behind that login; None where there is neither."""
    found = session.get(Person, named)
    login = session.get(Operator, named)
    return found.id if found else login.person if login else None


def operators(session: Session) -> list[tuple[Operator, Person, list[str]]]:
    """Every login that is not removed, whose it is, and the roles that person signs as."""
    roles: dict[str, list[str]] = {}
    for role in session.scalars(select(SignOffRole).where(SignOffRole.removed_at.is_(None)).order_by(SignOffRole.role)):
        roles.setdefault(role.person, []).append(role.role)
    found = (
        select(Operator, Person)
        .join(Person, Person.id == Operator.person)
        .where(Operator.removed_at.is_(None))
        .order_by(Operator.login)
    )
    return [(operator, person, roles.get(person.id, [])) for operator, person in session.execute(found)]


def holders(session: Session, roles: list[str]) -> dict[str, list[str]]:
    """Who holds each of these sign-off roles, by a login that may sign."""
    signers = select(Operator.person).where(Operator.removed_at.is_(None), ~Operator.shared)
    found = select(SignOffRole).where(
        SignOffRole.role.in_(roles), SignOffRole.removed_at.is_(None), SignOffRole.person.in_(signers)
    )
    held: dict[str, list[str]] = {role: [] for role in roles}
    for one in session.scalars(found.order_by(SignOffRole.person)):
        held[one.role].append(one.person)
    return held
