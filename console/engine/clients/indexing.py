"""Making the search index beside a target that is in use.

The triggers come first and only note which clients change; then the clients are read in batches, the terms written
and the indexes built on tables that nobody reads yet; at last the triggers are told to keep the index in step
themselves, and what was noted meanwhile is looked up. Only a trigger and a policy want a lock on the target's tables:
each in a transaction of its own, tried with short timeouts (I-8). Stopped anywhere, it is made again from the start.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

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
NOTES = 1_000
LITE_UP_TO = 20_000
PATIENCE = 2.0

Tell = Callable[[str], None]
T = TypeVar("T")

# state too: a transaction with an older view must not take the index for finished
EMPTY = """
TRUNCATE handrail_search.state, handrail_search.entry, handrail_search.token, handrail_search.pending,
    handrail_search.field, handrail_search.part;
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

# the indexes are sorted a quarter faster than with the 64 MB that servers have by default
SORTING = """
SELECT set_config('maintenance_work_mem', '256MB', false)
WHERE pg_size_bytes(current_setting('maintenance_work_mem')) < pg_size_bytes('256MB')
"""
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
        connection.execute(SORTING)
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

    def empty() -> list[str]:
        connection.execute(EMPTY)
        connection.execute(
            "INSERT INTO handrail_search.state (profile, ready, digest, tenant_field) VALUES (%s, false, %s, %s)",
            (profile, described.digest, described.tenant),
        )
        related = parts.describe(connection, described, sources)
        connection.execute(following.documents(described, sources))
        connection.execute("ALTER FUNCTION handrail_search.documents(text[]) OWNER TO handrail_owner")
        return related

    related = _briefly(connection, empty)  # the application writes to the tables of an index that is there
    for source in described.source:
        if source.table in sources:
            on_table(connection, source.table, [*following.readable(source.table), *following.triggers(source)])
    for name in related:
        on_table(connection, name, following.readable(name))
    connection.execute(rights.OWN)
    connection.execute("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA handrail_search FROM PUBLIC")


def on_table(connection: psycopg.Connection, name: str, statements: list[Any]) -> None:
    """One short transaction on a table of the target's."""

    def send() -> None:
        for statement in statements:
            connection.execute(statement)

    _briefly(connection, send)


def _briefly(connection: psycopg.Connection, send: Callable[[], T]) -> T:
    """One short transaction that waits for no lock longer than the application can bear."""

    def tried(patience: float) -> T:
        with translated(), connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{int(patience * 1000)}ms'".encode())
            return send()

    return retrying.retried(tried, PATIENCE, time.sleep, lambda _: None)


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
    # one pass: who writes faster than this reads would never let it come to an end
    noted = connection.execute("SELECT count(*) FROM handrail_search.pending").fetchone()
    changed = _drain(connection, noted[0] // NOTES + 1 if noted else 1)
    connection.execute("UPDATE handrail_search.state SET ready = true, made_at = clock_timestamp()")
    while True:
        # a transaction that began before it, or before the last look, may still note, and not look up
        _outlive(connection)
        more = _drain(connection)
        if not more:
            return changed
        changed += more


def _outlive(connection: psycopg.Connection) -> None:
    """Waits until every transaction that writes now has ended."""
    now = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchone()
    while True:
        oldest = connection.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint").fetchone()
        if now and oldest and oldest[0] > now[0]:
            return
        time.sleep(0.05)


def _drain(connection: psycopg.Connection, most: int | None = None) -> int:
    """Looks up who was noted; at most so many times as many as one transaction takes."""

    def few() -> int | None:
        row = connection.execute(
            "WITH few AS (DELETE FROM handrail_search.pending WHERE ctid = ANY (ARRAY("
            " SELECT ctid FROM handrail_search.pending LIMIT %s)) RETURNING client)"
            " SELECT array_agg(DISTINCT client), array_agg(DISTINCT client) FILTER (WHERE client <> '') FROM few",
            (NOTES,),
        ).fetchone()
        if not row or not row[0]:
            return None
        connection.execute("SELECT handrail_search.refresh(%s)", (row[1] or [],))
        return len(row[1] or [])

    changed = 0
    for _ in itertools.count() if most is None else range(most):
        done = _briefly(connection, few)  # the application holds clients too, in an order of its own
        if done is None:
            break
        changed += done
    return changed


def _rows(connection: psycopg.Connection, sources: dict[str, str]) -> int:
    """How many rows the largest source has, counted up to what decides: one just filled has no statistics yet."""
    counted = 0
    for name in sources:
        few = SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS few").format(following.table(name), LITE_UP_TO + 1)
        row = connection.execute(few).fetchone()
        counted = max(counted, row[0] if row else 0)
    return counted


assert groups.OWNER == rights.OWNER
