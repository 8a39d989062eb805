"""Around the undo of a step: what others wrote is afterwards in place, as they wrote it, or set aside. Never both.

What an undo leaves as it is needs nothing. What it takes back with its own is written again where the plan says
`carried back` and the table can hold it; whatever is not in place in the end is set aside, with its key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

from psycopg import errors as pg
from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from console.engine.captures import beginning, images
from console.engine.captures.beginning import quoted
from console.engine.captures.declared import Capture
from console.engine.captures.images import Column, Kept, same
from console.engine.statements import send
from console.engine.steps.common import Found
from console.engine.work import Work

Range = tuple[int, int]
REFUSED = (pg.IntegrityError, pg.DataError, pg.RaiseException, pg.ObjectNotInPrerequisiteState)

# `wanted` is what others wrote and the table can hold, `entire` the whole row, `lost` what has no column any more
SORTED_OUT = SQL(
    """
    UPDATE {kept} AS k SET
        wanted = (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{{}}') FROM jsonb_each(k.wrote || k.mapped) AS e
                  WHERE e.key = ANY ({held})),
        entire = (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{{}}')
                  FROM jsonb_each(k.wrote || k.mapped_all) AS e WHERE e.key = ANY ({held})),
        lost = (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{{}}') FROM jsonb_each(k.wrote) AS e
                WHERE e.key <> ALL ({there}) AND e.key <> ALL ({covered})
                  AND NOT (k.whole AND (e.value = 'null' OR e.value IS NOT DISTINCT FROM {usual} -> e.key)))
    WHERE k.wrote IS NOT NULL
    """
)
DIFFERS = SQL("EXISTS (SELECT FROM jsonb_each(k.wanted) AS e WHERE to_jsonb(t.*) -> e.key IS DISTINCT FROM e.value)")
DELETE = SQL("DELETE FROM {table} AS t USING {kept} AS k WHERE k.wrote IS NULL AND NOT k.born AND {same} AND {within}")
UPDATE = SQL(
    """
    UPDATE {table} AS t SET {values}
    FROM {kept} AS k CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, k.wanted) AS v
    WHERE k.wrote IS NOT NULL AND {same} AND {differs} AND {within}
    """
)
INSERT = SQL(
    """
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values}
    FROM {kept} AS k CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, k.entire) AS v
    WHERE k.whole AND {within} AND NOT EXISTS (SELECT FROM {table} AS t WHERE {same})
    """
)
# what is not in place: all of it where there is no row, or no table any more
MISSED = SQL(
    """
    UPDATE {kept} AS k SET op = a.op, aside = a.row
    FROM (
        SELECT k.n, CASE WHEN k.wrote IS NULL THEN 'delete' WHEN k.whole AND NOT {present} THEN 'insert'
                    ELSE 'update' END AS op,
               CASE WHEN NOT {present} THEN k.wrote ELSE k.lost ||
                   (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{{}}') FROM jsonb_each(k.wanted) AS e
                    WHERE {now} -> e.key IS DISTINCT FROM e.value) END AS row
        FROM {kept} AS k {joined}
        WHERE CASE WHEN k.wrote IS NULL THEN NOT k.born AND {stays} ELSE true END
    ) AS a
    WHERE a.n = k.n AND (a.op = 'delete' OR a.row <> '{{}}')
    """
)
ASIDE = SQL(
    """
    INSERT INTO handrail.set_aside (run_id, step, source, row)
    SELECT {run}, {step}, {source}, jsonb_build_object('op', k.op, 'key', jsonb_object({key}, k.key), 'row', k.aside)
    FROM {kept} AS k WHERE k.op IS NOT NULL ORDER BY k.n
    """
)
# from here on what the expressions filled counts as written, and what has no column or was set aside is not met again
FOLLOW = SQL(
    """
    UPDATE handrail.captured AS c
    SET wrote = (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{{}}') FROM jsonb_each(c.wrote || k.mapped) AS e
                 WHERE e.key = ANY ({there}) AND NOT (k.op IS NOT NULL AND k.aside ? e.key))
    FROM {kept} AS k
    WHERE c.run_id = {run} AND c.capture = {capture} AND c.key = k.key AND c.wrote IS NOT NULL
      AND (k.mapped <> '{{}}' OR k.op = 'update' OR NOT {there} @> ARRAY(SELECT jsonb_object_keys(c.wrote)))
    """
)
LEAVE = SQL(
    """
    DELETE FROM handrail.captured AS c USING {kept} AS k
    WHERE c.run_id = {run} AND c.capture = {capture} AND c.key = k.key
      AND (k.op IN ('insert', 'delete') OR c.wrote = '{{}}')
    """
)


def around(work: Work, captures: Sequence[Capture], undo: Callable[[], Found]) -> Found:
    """Undoes a step in the open transaction; what the journal should keep of it."""
    kept: list[Kept] = []
    for capture in captures:
        if (found := beginning.begun(work.connection, work.run, capture.id)) is not None:
            mapped = capture.into is None or capture.since == work.step
            kept.append(images.keep(work.connection, work.run, capture, *found, mapped=mapped))
    said = undo()
    told = [_put(work.connection, work.run, work.step, one) for one in kept]
    return {**said, "captures": told} if told else said


def _put(connection: Connection, run: int, step: str, kept: Kept) -> dict[str, object]:
    last = kept.capture.since == step
    table = (kept.capture.into or kept.table) if last else kept.table
    columns = images.columns_of(connection, table)
    carried = 0
    if columns:
        _sort_out(connection, kept, columns)
        if kept.capture.rule == "carried back":
            carried = _carry(connection, kept, table, columns)
    written = "SELECT count(*) FROM {} WHERE wrote IS NOT NULL OR NOT born"
    wrote = send(connection, SQL(written).format(kept.name).as_string()).scalar_one()
    send(connection, _missed(kept, table if columns else "").as_string())
    of = {"kept": kept.name, "run": Literal(run), "capture": Literal(kept.capture.id)}
    words = {"step": Literal(step), "source": Literal(kept.table), "key": _names(kept.key)}
    aside = send(connection, ASIDE.format(**of, **words).as_string()).rowcount
    if last:
        beginning.end(connection, run, kept.capture.id, kept.table)
    else:
        send(connection, FOLLOW.format(**of, there=_names(list(columns))).as_string())
        send(connection, LEAVE.format(**of).as_string())
    send(connection, SQL("DROP TABLE {}").format(kept.name).as_string())
    return {"capture": kept.capture.id, "written": wrote, "carried": carried, "aside": aside}


def _sort_out(connection: Connection, kept: Kept, columns: dict[str, Column]) -> None:
    covered = {read for name, reads in kept.mapping.items() if name in columns for read in reads}
    held = [name for name, column in columns.items() if column.writable]
    send(connection, SORTED_OUT.format(
        kept=kept.name, held=_names(held), there=_names(list(columns)), covered=_names(sorted(covered)),
        usual=SQL("{}::jsonb").format(Literal(json.dumps(kept.usual))),
    ).as_string())  # fmt: skip


def _carry(connection: Connection, kept: Kept, table: str, columns: dict[str, Column]) -> int:
    """Deletes, changes and inserts, as far as the table takes them; how many rows it took."""
    count = send(connection, SQL("SELECT count(*) FROM {}").format(kept.name).as_string()).scalar_one()
    if not count:
        return 0
    given = {"table": quoted(table), "kept": kept.name, "same": same(kept, SQL("t"), SQL("k")), "differs": DIFFERS}
    writable = [name for name, column in columns.items() if column.writable]
    changed = [name for name in writable if name in kept.columns or name in kept.mapping]
    values = [
        SQL("{name} = CASE WHEN k.wanted ? {word} THEN v.{name} ELSE t.{name} END").format(
            name=Identifier(name), word=Literal(name)
        )
        for name in changed
        if name not in kept.key
    ]
    statements = [partial(DELETE.format, **given)]
    if values:
        statements.append(partial(UPDATE.format, **given, values=SQL(", ").join(values)))
    names, taken = map(Identifier, changed), [SQL("v.{}").format(Identifier(name)) for name in changed]
    statements.append(partial(INSERT.format, **given, columns=SQL(", ").join(names), values=SQL(", ").join(taken)))
    return sum(_sent(connection, statement, (1, count)) for statement in statements)


def _sent(connection: Connection, statement: Callable[..., Composable], rows: Range) -> int:
    """Halves what the table refuses, down to the rows that it does not take: those are set aside."""
    first, last = rows
    within = SQL("k.n BETWEEN {} AND {}").format(Literal(first), Literal(last))
    with connection.begin_nested() as tried:
        try:
            return send(connection, statement(within=within).as_string()).rowcount
        except DBAPIError as error:
            if not isinstance(error.orig, REFUSED):
                raise
            tried.rollback()
    if first == last:
        return 0
    middle = (first + last) // 2
    return _sent(connection, statement, (first, middle)) + _sent(connection, statement, (middle + 1, last))


def _missed(kept: Kept, table: str) -> Composable:
    if not table:
        return MISSED.format(
            kept=kept.name, present=SQL("false"), stays=SQL("true"), now=SQL("NULL::jsonb"), joined=SQL("")
        )
    joined = SQL("LEFT JOIN {} AS t ON {}").format(quoted(table), same(kept, SQL("t"), SQL("k")))
    there = SQL("t.{} IS NOT NULL").format(Identifier(kept.key[0]))
    return MISSED.format(kept=kept.name, present=there, stays=there, now=SQL("to_jsonb(t.*)"), joined=joined)


def _names(names: list[str]) -> Composable:
    return SQL("{}::text[]").format(Literal(names))
