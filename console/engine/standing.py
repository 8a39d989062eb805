"""What a step may not change under us: the transaction, the role, handrail's own tables (FM-D1, FM-D3, FM-D4).

Most of it is refused when the plan is read (refusals.py). What hides in a function, a DO block or a revision's Python
is caught here, before the journal says `done` and before COMMIT.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from db.errors import StatementFailed

NOW = text("SELECT pg_current_xact_id_if_assigned()::text AS xid, current_user AS role, session_user AS login")

# triggers, rules, policies, columns and functions of the schema `handrail`: what could write in our name
OWN = text(
    """
    SELECT md5(string_agg(found, E'\\n' ORDER BY found)) FROM (
        SELECT 't' || t.oid || t.tgenabled::text || t.tgfoid AS found
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'handrail'::regnamespace
        UNION ALL
        SELECT 'r' || r.oid || r.ev_enabled::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
        WHERE c.relnamespace = 'handrail'::regnamespace
        UNION ALL
        SELECT 'p' || p.oid FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
        WHERE c.relnamespace = 'handrail'::regnamespace
        UNION ALL
        SELECT 'f' || oid || md5(prosrc) FROM pg_proc WHERE pronamespace = 'handrail'::regnamespace
        UNION ALL
        SELECT concat_ws(' ', 'c', c.oid, a.attnum, a.atttypid, pg_get_expr(d.adbin, d.adrelid), c.relacl)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
             LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'handrail'::regnamespace
        UNION ALL
        SELECT 'k' || k.oid || k.convalidated::text FROM pg_constraint k WHERE k.connamespace = 'handrail'::regnamespace
        UNION ALL
        SELECT 'i' || c.oid FROM pg_class c WHERE c.relnamespace = 'handrail'::regnamespace AND c.relkind = 'i'
        UNION ALL
        SELECT 'e' || epoch || pid FROM handrail.fence
    ) AS own
    """
)


@dataclass(frozen=True)
class Standing:
    """In which transaction and as whom a step began."""

    xid: str
    role: str
    login: str

    @classmethod
    def of(cls, connection: Connection) -> Standing:
        now = connection.execute(NOW).one()
        return cls(now.xid, now.role, now.login)

    def require(self, connection: Connection, place: str) -> None:
        """After each statement; `place` says which."""
        now = connection.execute(NOW).one()
        if now.xid != self.xid:
            raise StatementFailed(
                f"{place}: it ended the transaction of the step. What it did until then stands.",
                "Mend it by hand, then say so: handrail resolve RUN STEP --done (or --undone) --reason TEXT",
            )
        if (now.role, now.login) != (self.role, self.login):
            raise StatementFailed(
                f"{place}: it changed the role to {now.role}.",
                "A step runs as the login that runs handrail; leave SET ROLE and its kin out.",
            )


def own(connection: Connection) -> str:
    """A digest of how handrail's own tables are defined, and of the fence."""
    return str(connection.execute(OWN).scalar_one())


def require_own(connection: Connection, before: str, place: str) -> None:
    """Once, at the end of a step: handrail's own tables are as they were."""
    if own(connection) != before:
        raise StatementFailed(
            f"{place}: it changed handrail's own tables.", "Leave the schema `handrail` alone; nothing was kept."
        )
