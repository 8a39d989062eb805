"""Ways past row security and grants that nobody meant: what there is of them in a schema, and what to do.

view               FM-P1   its owner's rights answer for everybody (F33)
materialized view  FM-P2   it has no policies at all
search path        FM-P3   a caller's temporary table stands in for one of the function's (F40)
no force, owner    FM-P4   policies do not bind the owner, who may log in (F32)
policy             FM-P9   permissive policies OR together (F37): `true` takes away what another keeps
policies unused    FM-P9   they are written, and row security is off
execute            FM-P13  it runs with its owner's rights, and everybody may call it (F39)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from db.queries import leaks

OURS = ("handrail", "handrail_search")

# What is wrong, and what to do about it.
WORDS = {
    "view": (
        "reads {about} with its owner's rights, past the row security there",
        "ALTER VIEW {name} SET (security_invoker = true)",
    ),
    "materialized view": (
        "holds rows of {about} without its row security, and others than its owner may read them",
        "REVOKE SELECT ON {name} FROM them, or keep it in a schema that they may not use",
    ),
    "search path": (
        "runs with its owner's rights, and finds a caller's temporary tables first",
        "ALTER FUNCTION {name} SET search_path = the schemas that it needs, pg_temp",
    ),
    "execute": (
        "runs with its owner's rights, and everybody may call it",
        "REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC; then GRANT it to those who need it",
    ),
    "policy": (
        "lets every row through, so that policy {about} keeps nothing back",
        "Drop it, or make the other one AS RESTRICTIVE",
    ),
    "policies unused": (
        "has policies, and its row security is off",
        "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, or drop the policies",
    ),
    "no force": (
        "does not keep rows from its owner {about}, which is a login",
        "ALTER TABLE {name} FORCE ROW LEVEL SECURITY, or give it an owner that is none",
    ),
    "owner": (
        "does not keep rows from its owner {about}, which is a login that no policy binds",
        "ALTER TABLE {name} OWNER TO a role that is none",
    ),
}


@dataclass(frozen=True)
class Finding:
    """`kind` is one of the above; `object` is quoted as SQL wants it; `hint` is what to do."""

    kind: str
    object: str
    sentence: str
    hint: str


def look(connection: Connection, schemas: Sequence[str] = OURS) -> list[Finding]:
    """What there is of them in these schemas; empty means none."""
    return [_told(leak) for leak in leaks.found(connection, schemas)]


def elsewhere(connection: Connection) -> list[Finding]:
    """The same in the target's own schemas."""
    return look(connection, [schema for schema in leaks.schemas(connection) if schema not in OURS])


def _told(leak: leaks.Leak) -> Finding:
    wrong, hint = (words.format(name=leak.name, about=leak.about) for words in WORDS[leak.kind])
    return Finding(leak.kind, leak.name, f"{leak.name} {wrong}", f"{hint}.")
