"""A capture's triggers: put on with the step that changes the table, taken off with its undo or by `finish`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from zlib import crc32

from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection, text

from console.engine.captures.declared import Capture
from console.engine.errors import StepFailed
from console.engine.statements import send
from console.engine.steps.common import Found
from console.engine.work import Work
from db.session import EXECUTOR_SETTINGS

KEY = text(
    """
    SELECT array_agg(a.attname::text ORDER BY k.n) FROM pg_index i
    CROSS JOIN unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, n)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = to_regclass(:table) AND i.indisprimary
    """
)
KIND = text("SELECT relkind::text FROM pg_class WHERE oid = to_regclass(:table)")
# why a table cannot be captured: the triggers would miss a write, stop one, or take two rows for one
UNFIT = text(
    """
    WITH RECURSIVE held (type) AS (
        SELECT atttypid FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum > 0 AND NOT attisdropped
        UNION
        SELECT part.type FROM held JOIN pg_type t ON t.oid = held.type CROSS JOIN LATERAL (
            SELECT unnest(ARRAY[nullif(t.typbasetype, 0), nullif(t.typelem, 0)])
            UNION ALL SELECT atttypid FROM pg_attribute
                      WHERE attrelid = nullif(t.typrelid, 0) AND attnum > 0 AND NOT attisdropped) AS part (type)
        WHERE part.type IS NOT NULL
    )
    SELECT CASE
        WHEN EXISTS (SELECT FROM pg_inherits WHERE c.oid = inhparent)
            THEN 'has parts: what is written to them is not seen; capture the parts'
        WHEN EXISTS (SELECT FROM held WHERE type = 'json'::regtype)
            THEN 'has a column of type json, of which some values cannot be kept: jsonb can'
        WHEN EXISTS (SELECT FROM held JOIN pg_cast ON castsource = type AND casttarget = 'json'::regtype
                     WHERE type <> 'jsonb'::regtype)
            THEN 'has a column of a type that is turned into json in a way of its own, and may not come back the same'
        WHEN NOT EXISTS (
            SELECT FROM pg_index i
            WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
            AND (SELECT bool_and(a.attnotnull) AND array_agg(a.attname::text) <@ CAST(:key AS text[])
                 FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (n, at)
                 LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.n WHERE k.at <= i.indnkeyatts))
          OR (SELECT count(*) FROM pg_attribute WHERE attrelid = c.oid AND attname = ANY (CAST(:key AS text[])))
             <> cardinality(CAST(:key AS text[]))
            THEN 'has no unique index, without nulls and not deferrable, over the columns of its key'
        WHEN EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
                     WHERE a.attrelid = c.oid AND a.attname = ANY (CAST(:key AS text[]))
                       AND (t.typcategory IN ('A', 'C') OR t.typtype = 'c' OR t.oid = 'jsonb'::regtype))
            THEN 'has an array, a composite type or jsonb in its key'
    END
    FROM pg_class c WHERE c.oid = to_regclass(:table)
    """
)
# how many of the triggers are there and fire, and how many columns of the key have kept their names
STANDING = text(
    """
    SELECT count(*) FILTER (WHERE tgenabled = 'A' AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = tgrelid))
               AS triggers,
           (SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname = ANY (:key)) AS columns
    FROM pg_trigger WHERE tgrelid = to_regclass(:table) AND tgname = ANY (:names)
    """
)
BEGUN = text("SELECT source, key FROM handrail.capture WHERE run_id = :run AND capture = :capture")
BEGIN = text("INSERT INTO handrail.capture (run_id, capture, source, key) VALUES (:run, :capture, :table, :key)")
OF_RUN = text("SELECT capture, source FROM handrail.capture WHERE run_id = :run ORDER BY capture")
FORGET = (
    text("DELETE FROM handrail.captured WHERE run_id = :run AND capture = :capture"),
    text("DELETE FROM handrail.capture WHERE run_id = :run AND capture = :capture"),
)
READING = ("search_path", "TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output")
PIN = text(
    """
    SELECT count(set_config(name, value, true))
    FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS wanted (name, value)
    """
)
# of each row, before any trigger of the application's (they fire by name) that changes the row once more
TRIGGERS = {
    "written": "AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW WHEN (handrail.is_other())"
    " EXECUTE FUNCTION handrail.capture",
    "truncated": "BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_truncate",
}


def pin(connection: Connection) -> None:
    """Puts back, for the open transaction, what a step may have set for it and what decides how a value reads."""
    wanted = {name: EXECUTOR_SETTINGS[name] for name in READING}
    connection.execute(PIN, {"names": list(wanted), "values": list(wanted.values())})


def begin(connection: Connection, run: int, capture: Capture) -> None:
    """In the open transaction; the table must be there. Safe to call again."""
    if begun(connection, run, capture.id) is not None:
        return
    kind = _kind(connection, capture.table)
    if kind != "r":
        raise StepFailed(
            f"capture {capture.id}: {capture.table} {'is no plain table' if kind else 'is not there'}.",
            "Capture a plain table; of one that has parts, its parts.",
        )
    key = list(capture.key) or connection.execute(KEY, {"table": capture.table}).scalar()
    if not key:
        raise StepFailed(
            f"capture {capture.id}: {capture.table} has no primary key.", "Say which columns tell its rows apart: key"
        )
    if why := connection.execute(UNFIT, {"table": capture.table, "key": key}).scalar():
        raise StepFailed(f"capture {capture.id}: {capture.table} {why}.", "Leave the capture out, or change the table.")
    connection.execute(BEGIN, {"run": run, "capture": capture.id, "table": capture.table, "key": key})
    words = SQL(", ").join([Literal(str(run)), Literal(capture.id), *map(Literal, key)])
    for end, declared in TRIGGERS.items():
        name, table = Identifier(named(run, capture.id, end)), quoted(capture.table)
        _send(connection, SQL("CREATE TRIGGER {} {}({})").format(name, SQL(declared).format(table=table), words))
        _send(connection, SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(table, name))


def stands(connection: Connection, run: int, capture: Capture) -> bool:
    """Whether what others write now is kept: nobody took a trigger away, stopped it, or renamed what it reads."""
    found = begun(connection, run, capture.id)
    if found is None:
        return True
    names = [named(run, capture.id, one) for one in TRIGGERS]
    seen = connection.execute(STANDING, {"table": found[0], "key": found[1], "names": names}).one()
    return (seen.triggers, seen.columns) == (len(TRIGGERS), len(found[1]))


def require_standing(connection: Connection, run: int, captures: Sequence[Capture]) -> None:
    """Raises StepFailed for the first capture that has a hole, or that a step would tear one into."""
    if captures:
        pin(connection)
    for capture in captures:
        if not stands(connection, run, capture):
            raise StepFailed(
                f"capture {capture.id}: the triggers on {capture.table} are not all there, or its key has other names.",
                "A step may not rename or drop a captured table or its key; a trigger that somebody else stopped has"
                f" let writes pass: put it back (ENABLE ALWAYS), or roll back: handrail rollback {run}",
            )


def begun_with(work: Work, captures: Sequence[Capture], do: Callable[[], Found]) -> Found:
    """Does a step; what others write from it on is captured. A table that the step makes, from its end on.

    In the step's own transaction, or for a step that has several in one before them.
    """
    if not work.connection.in_transaction():
        for capture in captures:
            work.retried(partial(_alone, work, capture))
        return do()
    for capture in captures:
        if _kind(work.connection, capture.table):
            begin(work.connection, work.run, capture)
    found = do()
    if captures:
        pin(work.connection)
    for capture in captures:
        begin(work.connection, work.run, capture)
    return found


def _alone(work: Work, capture: Capture, patience: float) -> None:
    with work.changing(patience):
        begin(work.connection, work.run, capture)


def begun(connection: Connection, run: int, capture: str) -> tuple[str, list[str]] | None:
    """The table that is captured and the columns of its key; None where nothing is captured."""
    found = connection.execute(BEGUN, {"run": run, "capture": capture}).one_or_none()
    return (found.source, found.key) if found else None


def end(connection: Connection, run: int, capture: str, table: str) -> None:
    """Takes the triggers off, where the table is still there, and forgets what was captured."""
    if _kind(connection, table):
        for one in TRIGGERS:
            _send(connection, SQL("DROP TRIGGER IF EXISTS {} ON {}").format(
                Identifier(named(run, capture, one)), quoted(table)))  # fmt: skip
    for statement in FORGET:
        connection.execute(statement, {"run": run, "capture": capture})


def end_all(connection: Connection, run: int) -> list[str]:
    """Ends each capture of a run; their names."""
    found = connection.execute(OF_RUN, {"run": run}).all()
    for capture, table in found:
        end(connection, run, capture, table)
    return [capture for capture, _ in found]


def named(run: int, capture: str, end: str) -> str:
    """Which the fingerprint knows for ours (db/own.py); at most 63 bytes."""
    return f"!handrail_capture_{run}_{capture[:15]}_{crc32(capture.encode()):08x}_{end}"


def quoted(table: str) -> Identifier:
    """As to_regclass() reads it."""
    return Identifier(*table.lower().split("."))


def _kind(connection: Connection, table: str) -> str:
    """r: a plain table; empty where there is none."""
    return connection.execute(KIND, {"table": table}).scalar() or ""


def _send(connection: Connection, sql: Composable) -> None:
    send(connection, sql.as_string())
