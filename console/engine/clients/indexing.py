"""Making the search index beside a target that is in use.

The triggers come first and only note which clients change; then the clients are read in batches, the terms written
and the indexes built on tables that nobody reads yet; at last the triggers are told to keep the index in step
themselves, and what was noted meanwhile is looked up. Only a trigger and a policy want a lock on the target's tables:
each in a transaction of its own, tried with short timeouts (I-8). Stopped anywhere, it is made again from the start.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Identifier
from sqlalchemy import text

from console.engine import retrying
from console.engine import rights as groups
from console.engine.clients import following, parts, rights
from console.engine.clients.described import Description
from console.engine.errors import RunRefused
from db import revisions
from db.session import EXECUTOR_SETTINGS, Target
from db.translation import translated

APPLICATION = "handrail: clients index"
BATCH = 20_000
LITE_UP_TO = 100_000
PATIENCE = 2.0

Tell = Callable[[str], None]

EMPTY = """
TRUNCATE handrail_search.entry, handrail_search.token, handrail_search.pending, handrail_search.field,
    handrail_search.part;
DROP INDEX IF EXISTS handrail_search.token_term, handrail_search.token_tenant, handrail_search.entry_tenant,
    handrail_search.entry_activity;
DROP TRIGGER IF EXISTS entry_added ON handrail_search.entry;
DROP TRIGGER IF EXISTS entry_changed ON handrail_search.entry;
DROP TRIGGER IF EXISTS entry_gone ON handrail_search.entry;
"""
TOKENS = """
INSERT INTO handrail_search.token (n, tenant, term)
SELECT s.n, s.tenant, s.term FROM handrail_search.entry e, handrail_search.split(e.n, e.tenant, e.terms) AS s
"""
INDEXES = (
    "CREATE UNIQUE INDEX token_term ON handrail_search.token (term, n) INCLUDE (tenant)",
    "CREATE INDEX token_tenant ON handrail_search.token (tenant, term)",
)
BY_TENANT = (
    "CREATE INDEX entry_tenant ON handrail_search.entry (tenant, n)",
    "CREATE INDEX entry_activity ON handrail_search.entry (tenant, changed_at)",
)
IN_STEP = (
    "CREATE TRIGGER entry_added AFTER INSERT ON handrail_search.entry REFERENCING NEW TABLE AS added"
    " FOR EACH STATEMENT EXECUTE FUNCTION handrail_search.entry_added()",
    "CREATE TRIGGER entry_changed AFTER UPDATE ON handrail_search.entry REFERENCING OLD TABLE AS gone"
    " NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION handrail_search.entry_changed()",
    "CREATE TRIGGER entry_gone AFTER DELETE ON handrail_search.entry REFERENCING OLD TABLE AS gone"
    " FOR EACH STATEMENT EXECUTE FUNCTION handrail_search.entry_gone()",
)

THERE = """
SELECT wanted.name, format_type(a.atttypid, a.atttypmod) AS type
FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (name, quoted, key)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(wanted.quoted) AND c.relkind IN ('r', 'p')
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = wanted.key AND NOT a.attisdropped
"""


@dataclass(frozen=True)
class Made:
    """`clients` in the index, `changed` while it was made, `seconds` it took; `bytes` on disk."""

    profile: str
    clients: int
    changed: int
    seconds: float
    bytes: int


def make(target: Target, described: Description, profile: str = "", tell: Tell = lambda _: None) -> Made:
    """Makes the index, or makes it anew; `profile` is full, lite, or chosen by the number of clients."""
    began = time.monotonic()
    with target.connect(EXECUTOR_SETTINGS, APPLICATION) as connection, translated():
        connection.autocommit = True
        _require_room(connection)
        _prepare(target, connection)
        named = [one.table for one in described.source]
        wanted = (named, [parts.quoted(name) for name in named], [one.id for one in described.source])
        sources: dict[str, str] = dict(connection.execute(THERE, wanted).fetchall())
        if not sources:
            raise RunRefused("None of the tables that the description names is here.", "Is it another target's?")
        profile = profile or ("lite" if _rows(connection, sources) <= LITE_UP_TO else "full")
        _begin(connection, described, sources, profile)
        tell("reading the clients")
        clients = _fill(connection, described, sources, tell)
        tell("building the indexes")
        for statement in (*((TOKENS, *INDEXES) if profile == "full" else ()), *BY_TENANT):
            connection.execute(statement)
        if profile == "full":
            for statement in IN_STEP:
                connection.execute(statement)
        connection.execute("VACUUM (ANALYZE) handrail_search.entry, handrail_search.token, handrail_search.tenant")
        changed = _catch_up(connection)
        size = connection.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'handrail_search'::regnamespace"
            " AND relkind = 'r'"
        ).fetchone()
    return Made(profile, clients, changed, time.monotonic() - began, int(size[0]) if size else 0)


def _require_room(connection: psycopg.Connection) -> None:
    encoding = connection.execute("SHOW server_encoding").fetchone()
    if encoding != ("UTF8",):
        raise RunRefused("The index folds letters of every script, which needs a database in UTF8.")
    if connection.execute("SELECT to_regrole('handrail_owner')").fetchone() == (None,):
        raise RunRefused("The group roles are not made yet.", "Make them: handrail init")


def _prepare(target: Target, connection: psycopg.Connection) -> None:
    """Roles, tables, functions and rights; nothing of the target's own is touched."""
    connection.execute(rights.ROLE)
    connection.execute("CREATE SCHEMA IF NOT EXISTS handrail_search")
    with target.executor_connection(APPLICATION) as line, line.begin():
        # bodies that are bound where they are made must be bound to the server's own functions
        line.execute(text("SET LOCAL search_path = pg_catalog, pg_temp"))
        revisions.upgrade_all(line, revisions.SEARCH)
        for statement in rights.script():
            line.exec_driver_sql(statement, execution_options={"no_parameters": True})


def _begin(connection: psycopg.Connection, described: Description, sources: dict[str, str], profile: str) -> None:
    """From its end on, every client that changes is noted."""
    with connection.transaction():
        connection.execute("DELETE FROM handrail_search.state")
        connection.execute(EMPTY)
        connection.execute(
            "INSERT INTO handrail_search.state (profile, ready, digest, tenant_field) VALUES (%s, false, %s, %s)",
            (profile, described.digest, described.tenant),
        )
        related = parts.describe(connection, described, sources)
        connection.execute(following.documents(described, sources))
        connection.execute("ALTER FUNCTION handrail_search.documents(text[]) OWNER TO handrail_owner")
    for source in described.source:
        if source.table in sources:
            on_table(connection, source.table, [*following.readable(source.table), *following.triggers(source)])
    for name in related:
        on_table(connection, name, following.readable(name))
    connection.execute(rights.OWN)
    connection.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA handrail_search FROM PUBLIC")


def on_table(connection: psycopg.Connection, name: str, statements: list[Any]) -> None:
    """One short transaction that waits for no lock longer than the application can bear."""

    def send(patience: float) -> None:
        with translated(), connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{int(patience * 1000)}ms'".encode())
            for statement in statements:
                connection.execute(statement)

    retrying.retried(send, PATIENCE, time.sleep, lambda _: None)


def _fill(connection: psycopg.Connection, described: Description, sources: dict[str, str], tell: Tell) -> int:
    """Every client of every source, by the source's key; one of two sources is met once."""
    done, before = 0, list[Composable]()
    for source in described.source:
        if source.table not in sources:
            continue
        name, key, kind = following.table(source.table), Identifier(source.id), SQL(sources[source.table])
        batch = SQL(
            "WITH ids AS MATERIALIZED (SELECT s.{key} AS id FROM {name} s WHERE (%(last)s::text IS NULL"
            " OR s.{key} > %(last)s::text::{kind}) ORDER BY s.{key} LIMIT {size})"
            " SELECT handrail_search.fill((SELECT array_agg(id::text) FROM ids WHERE true{but})), max_id"
            " FROM (SELECT (SELECT id::text FROM ids ORDER BY ids.id DESC LIMIT 1) AS max_id) AS m"
        ).format(key=key, name=name, kind=kind, size=BATCH, but=SQL("").join(before))
        last: str | None = None
        while True:
            filled, last = connection.execute(batch, {"last": last}).fetchone() or (0, None)
            if last is None:
                break
            done += filled or 0
            tell(f"{done:,} clients")
        before.append(SQL(" AND NOT EXISTS (SELECT FROM {} o WHERE o.{} = ids.id)").format(name, key))
    return done


def _catch_up(connection: psycopg.Connection) -> int:
    """The triggers keep step from now on; what was noted meanwhile is looked up, until none can be noted any more."""
    changed = _drain(connection)
    row = connection.execute(
        "WITH on_ AS (UPDATE handrail_search.state SET ready = true, made_at = clock_timestamp() RETURNING 1)"
        " SELECT pg_current_xact_id()::text::bigint FROM on_"
    ).fetchone()
    turned = int(row[0]) if row else 0
    while True:
        # a transaction that began before it may still note, and not look up
        oldest = connection.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").fetchone()
        changed += _drain(connection)
        if oldest and int(oldest[0]) > turned:
            return changed
        time.sleep(0.2)


def _drain(connection: psycopg.Connection) -> int:
    changed = 0
    while True:
        with connection.transaction():
            row = connection.execute(
                "WITH few AS (DELETE FROM handrail_search.pending WHERE ctid = ANY (ARRAY("
                " SELECT ctid FROM handrail_search.pending LIMIT 5000)) RETURNING client)"
                " SELECT array_agg(DISTINCT client) FROM few"
            ).fetchone()
            if not row or not row[0]:
                return changed
            connection.execute("SELECT handrail_search.refresh(%s)", (row[0],))
            changed += len(row[0])


def _rows(connection: psycopg.Connection, sources: dict[str, str]) -> int:
    """About how many clients there are."""
    row = connection.execute(
        "SELECT max(reltuples)::bigint FROM pg_class WHERE oid = ANY (SELECT to_regclass(n) FROM unnest(%s::text[]) n)",
        ([parts.quoted(name) for name in sources],),
    ).fetchone()
    return int(row[0]) if row and row[0] is not None else 0


assert groups.OWNER == rights.OWNER
