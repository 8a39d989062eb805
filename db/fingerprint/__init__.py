"""What a database looks like: every object of its schemas and around them, and its content by count and hash.

Two fingerprints are equal exactly when the catalogs say the same, INVALID indexes, FORCE flags, settings and
memberships included, which pg_dump leaves out (F50, FM-H3). Sequences' positions are left out: they never go back
(FM-H6). So is what handrail itself keeps (db/own.py). The kinds of objects are in first.py, relations.py and
surroundings.py; content.py hashes rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from db.fingerprint import content as held
from db.fingerprint import first, relations, surroundings

KINDS = first.KINDS | relations.KINDS | surroundings.KINDS
SERVER_KINDS = surroundings.SERVER_KINDS
# Of this very database and not of what it holds: a restored dump has its own.
APART = frozenset({"database", "setting", "subscription", "version of extension", "enforcement of"})

# What is new or gone with the object of that name.
PARTS = {
    "owner of schema": "schema",
    "options of sequence": "sequence",
    "partitioning of": "table",
    "owner of function": "function",
    "aggregate": "function",
    "owner of type": "type",
    "domain": "type",
    "attributes of type": "type",
    "range of type": "type",
    "version of extension": "extension",
}
RELATIONS = ("table", "view", "materialized view")
WITHIN = ("column", "constraint", "trigger", "rule", "policy")  # each named by its relation and a dot

QUERIES = (relations.RELATIONS, relations.ROUTINES, surroundings.SURROUNDINGS)
DATABASE = text("SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()")


@dataclass(frozen=True)
class Fingerprint:
    """`objects` maps an object's name to the digest of its definition, `content` a table to [rows, hash].

    A name begins with its kind, and `kinds` are those that were looked for; `database` is the server's number of it, 0
    where that is not known.
    """

    objects: dict[str, str]
    content: dict[str, list[Any]]
    kinds: frozenset[str] = first.KINDS
    database: int = 0

    @property
    def digest(self) -> str:
        return digest(json.dumps(self.objects, sort_keys=True))

    def stored(self) -> dict[str, Any]:
        return {"objects": self.objects, "content": self.content, "kinds": sorted(self.kinds),
                "database": self.database}  # fmt: skip

    @classmethod
    def restored(cls, stored: dict[str, Any]) -> Fingerprint:
        """Of a handrail that did not say its kinds yet, too: it knew the first ones."""
        kinds = frozenset(stored.get("kinds", first.KINDS))
        return cls(stored["objects"], stored["content"], kinds, stored.get("database", 0))

    def of(self, kinds: frozenset[str]) -> dict[str, str]:
        """Its objects of these kinds. No kind's words, with the blank after them, begin another's."""
        begins = tuple(f"{kind} " for kind in kinds)
        return {name: seen for name, seen in self.objects.items() if name.startswith(begins)}


def take(connection: Connection, *, content: bool = True, server: bool = False) -> Fingerprint:
    """The fingerprint of the whole database but handrail's own schema, in the transaction of `connection`.

    With `server` also what is of all its databases: memberships of roles, and their settings.
    """
    queries = (*QUERIES, surroundings.SERVER) if server else QUERIES
    objects = {name: digest(definition) for name, definition in _defined(connection, queries)}
    database = connection.execute(DATABASE).scalar_one()
    kinds = KINDS | SERVER_KINDS if server else KINDS
    return Fingerprint(objects, tables(connection) if content else {}, kinds, database)


def tables(connection: Connection) -> dict[str, list[Any]]:
    """[rows, hash] of each table; the hash does not depend on the order of rows."""
    return {f"{one.schema}.{one.name}": held.summed(connection, one) for one in held.listed(connection)}


def differences(before: Fingerprint, after: Fingerprint, *, apart: bool = False) -> list[str]:
    """Each object that is new, gone or changed, by name; empty means equal.

    Only kinds that both looked for are compared; between two databases, not what is of the database itself, unless
    that is asked for (`apart`).
    """
    kinds = before.kinds & after.kinds
    if before.database != after.database and not apart:
        kinds -= APART
    was, now = before.of(kinds), after.of(kinds)
    return [
        *(f"new: {name}" for name in _wholes(now.keys() - was.keys())),
        *(f"gone: {name}" for name in _wholes(was.keys() - now.keys())),
        *(f"changed: {name}" for name in sorted(was.keys() & now.keys()) if was[name] != now[name]),
    ]


def content_differences(before: Fingerprint, after: Fingerprint) -> dict[str, list[int]]:
    """[rows before, rows after] of each table whose content is not the same."""
    return {
        table: [before.content[table][0], after.content[table][0]]
        for table in sorted(before.content.keys() & after.content.keys())
        if not _same(before.content[table], after.content[table])
    }


def digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _same(before: list[Any], after: list[Any]) -> bool:
    """Hashes made in two ways say nothing of each other: then the rows are counted."""
    alike = before[1].startswith(held.FORMULA) == after[1].startswith(held.FORMULA)
    return before == after if alike else bool(before[0] == after[0])


def _wholes(names: set[str]) -> list[str]:
    """Without what comes and goes with another of them."""
    parts = {f"{part} {name.removeprefix(f'{whole} ')}" for part, whole in PARTS.items() for name in names
             if name.startswith(f"{whole} ")}  # fmt: skip
    within = {f"{part} {name.removeprefix(f'{whole} ')}" for part in WITHIN for whole in RELATIONS for name in names
              if name.startswith(f"{whole} ")}  # fmt: skip
    return sorted(name for name in names - parts if name.rpartition(".")[0] not in within)


def _defined(connection: Connection, queries: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, definition in connection.execute(text(first.OBJECTS)):
        yield name, definition
    for query in queries:
        for kind, name, definition in connection.execute(text(query)):
            yield f"{kind} {name}", definition or ""
