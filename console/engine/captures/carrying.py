"""Around the undo of a step: what others wrote is afterwards in place, as they wrote it, or set aside. Never both.

What an undo leaves as it is needs nothing. What it takes back with its own is written again where the plan says
`carried back` and the table can hold it; whatever is not in place in the end is set aside, with its key.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import psycopg as pg
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
Refused = tuple[str, int, int]  # the capture, which of its statements, the row
# no word of the table's about a row: a conflict, a lock, a shortage, a cancel, the end of a session, a bug
PASSED_ON = ("40", "53", "55P03", "57", "58", "XX", "08")

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
DELETE = SQL("DELETE FROM {table} AS t USING {kept} AS k WHERE k.wrote IS NULL AND {brought} AND {same} AND {within}")
UPDATE = SQL(
    """
    UPDATE {table} AS t SET ({columns}) = (SELECT {values} FROM jsonb_populate_record(t.*, k.wanted) AS v)
    FROM {kept} AS k
    WHERE k.wrote IS NOT NULL AND {same} AND {differs} AND {within}
    """
)
INSERT = SQL(
    """
    INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {values}
    FROM {kept} AS k CROSS JOIN LATERAL jsonb_populate_record(NULL::{table}, k.entire) AS v
    WHERE k.whole AND {taken} AND {within} AND NOT EXISTS (SELECT FROM {table} AS t WHERE {same})
    """
)
# of a row that others made and deleted the undo may have brought an older one, which was never theirs
REMOVED = SQL(
    "UPDATE {kept} AS k SET removed = to_jsonb(t.*) FROM {table} AS t"
    " WHERE k.wrote IS NULL AND k.born AND NOT k.there AND {same}"
)
# before the last undo, a value that the undo has left as it was is not met: our own steps may stand on it
TOUCHED = SQL(
    """
    UPDATE {kept} AS k SET wanted =
        (SELECT coalesce(jsonb_object_agg(e.key, e.value), '{{}}') FROM jsonb_each(k.wanted) AS e
         WHERE to_jsonb(t.*) -> e.key IS DISTINCT FROM k.was -> e.key)
    FROM {table} AS t WHERE k.wrote IS NOT NULL AND k.there AND {same}
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
        WHERE CASE WHEN k.wrote IS NULL THEN {brought} AND {stays} ELSE {present} OR {taken} END
    ) AS a
    WHERE a.n = k.n AND (a.op = 'delete' OR a.row <> '{{}}')
    """
)
ASIDE = SQL(
    """
    INSERT INTO handrail.set_aside (run_id, step, source, row)
    SELECT {run}, {step}, {source}, jsonb_build_object(
        'op', coalesce(k.op, 'removed'), 'key', jsonb_object({key}, k.key),
        'row', CASE WHEN k.op IS NULL THEN k.removed ELSE k.aside END)
    FROM {kept} AS k WHERE k.op IS NOT NULL OR k.removed IS NOT NULL ORDER BY k.n
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
    whole: dict[str, bool] = {}
    for capture in captures:
        if (found := beginning.begun(work.connection, work.run, capture.id)) is not None:
            mapped = capture.into is None or capture.since == work.step
            whole[capture.id] = beginning.stands(work.connection, work.run, capture)
            kept.append(images.keep(work.connection, work.run, capture, *found, mapped=mapped))
    said = undo()
    if not kept:
        return said
    beginning.pin(work.connection)
    # what a deferred constraint has to say of a row that is carried, it says while that row can still be set aside
    work.connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    places = [_place(work, one) for one in kept]
    for place in places:
        if place.columns:
            _sort_out(work.connection, place)
    carried = _carry_all(work.connection, places)
    told = [_told(work, place, carried[place.kept.capture.id]) for place in places]
    told = [one if whole[str(one["capture"])] else {**one, "interrupted": True} for one in told]
    return {**said, "captures": told}


@dataclass(frozen=True)
class Place:
    """Where what was kept belongs once a step is undone; `last` where nothing of the capture is left then."""

    kept: Kept
    table: str
    columns: dict[str, Column]
    last: bool

    def words(self) -> dict[str, Composable]:
        """Whether the undo brought a row, or took one away; in the end each is as others left it."""
        return {
            "brought": SQL("NOT k.there" if not self.last else "true" if self.columns else "NOT k.born"),
            "taken": SQL("true" if self.last else "k.there"),
        }


def _place(work: Work, kept: Kept) -> Place:
    last = kept.capture.since == work.step
    table = (kept.capture.into or kept.table) if last else kept.table
    columns = images.columns_of(work.connection, table)
    return Place(kept, table, columns if columns.keys() >= set(kept.key) else {}, last)


def _carry_all(connection: Connection, places: list[Place]) -> dict[str, int]:
    """Again and again, as long as other rows are refused: one may wait for another row, or for its key."""
    carried = {place.kept.capture.id: 0 for place in places}
    wanted = [place for place in places if place.columns and place.kept.capture.rule == "carried back"]
    seen: list[set[Refused]] = [set()]
    while True:
        refused: set[Refused] = set()
        for place in wanted:
            taken, left = _carry(connection, place)
            carried[place.kept.capture.id] += taken
            refused |= left
        if refused in seen:
            return carried
        seen.append(refused)


def _told(work: Work, place: Place, carried: int) -> dict[str, object]:
    connection, kept = work.connection, place.kept
    written = "SELECT count(*) FROM {} WHERE wrote IS NOT NULL OR NOT born"
    wrote = send(connection, SQL(written).format(kept.name).as_string()).scalar_one()
    send(connection, _missed(place).as_string())
    of = {"kept": kept.name, "run": Literal(work.run), "capture": Literal(kept.capture.id)}
    words = {"step": Literal(work.step), "source": Literal(kept.table), "key": _names(kept.key)}
    aside = send(connection, ASIDE.format(**of, **words).as_string()).rowcount
    if place.last:
        beginning.end(connection, work.run, kept.capture.id, kept.table)
    else:
        send(connection, FOLLOW.format(**of, there=_names(list(place.columns))).as_string())
        send(connection, LEAVE.format(**of).as_string())
    send(connection, SQL("DROP TABLE {}").format(kept.name).as_string())
    return {"capture": kept.capture.id, "written": wrote, "carried": carried, "aside": aside}


def _sort_out(connection: Connection, place: Place) -> None:
    kept, columns = place.kept, place.columns
    covered = {read for name, reads in kept.mapping.items() if name in columns for read in reads}
    # a column that is generated now and was not is looked at, and cannot be written
    held = [name for name, column in columns.items()
            if column.writable or (name in kept.columns and kept.columns[name].writable)]  # fmt: skip
    send(connection, SORTED_OUT.format(
        kept=kept.name, held=_names(held), there=_names(list(columns)), covered=_names(sorted(covered)),
        usual=SQL("{}::jsonb").format(Literal(json.dumps(kept.usual))),
    ).as_string())  # fmt: skip
    here = {"kept": kept.name, "table": quoted(place.table), "same": same(kept, columns, SQL("t"), SQL("k"))}
    send(connection, REMOVED.format(**here).as_string())
    if not place.last:
        send(connection, TOUCHED.format(**here).as_string())


def _carry(connection: Connection, place: Place) -> tuple[int, set[Refused]]:
    """Deletes, changes and inserts, as far as the table takes them: how many rows it took, and which it refused."""
    kept, columns = place.kept, place.columns
    count = send(connection, SQL("SELECT count(*) FROM {}").format(kept.name).as_string()).scalar_one()
    if not count:
        return 0, set()
    given = {"table": quoted(place.table), "kept": kept.name, "same": same(kept, columns, SQL("t"), SQL("k")),
             "differs": DIFFERS, **place.words()}  # fmt: skip
    ours = [name for name in columns if name in kept.columns or name in kept.mapping]
    changed = [name for name in ours if name not in kept.key and columns[name].changeable]
    statements = [partial(DELETE.format, **given)]
    if changed:
        statements.append(partial(UPDATE.format, **given, **_listed(changed)))
    written = [name for name in ours if columns[name].writable]
    statements.append(partial(INSERT.format, **given, **_listed(written)))
    sent = [_sent(connection, statement, (1, count)) for statement in statements]
    refused = {(kept.capture.id, turn, row) for turn, (_, rows) in enumerate(sent) for row in rows}
    return sum(taken for taken, _ in sent), refused


def _listed(names: list[str]) -> dict[str, Composable]:
    values = [SQL("v.{}").format(Identifier(name)) for name in names]
    return {"columns": SQL(", ").join(map(Identifier, names)), "values": SQL(", ").join(values)}


def _sent(connection: Connection, statement: Callable[..., Composable], rows: Range) -> tuple[int, list[int]]:
    """Halves what the table refuses, down to the rows that it does not take: how many it took, and which not."""
    first, last = rows
    within = SQL("k.n BETWEEN {} AND {}").format(Literal(first), Literal(last))
    with connection.begin_nested() as tried:
        try:
            return send(connection, statement(within=within).as_string()).rowcount, []
        except DBAPIError as error:
            code = error.orig.sqlstate if isinstance(error.orig, pg.Error) else None
            if code is None or code.startswith(PASSED_ON):
                raise
            tried.rollback()
    if first == last:
        return 0, [first]
    middle = (first + last) // 2
    halves = [_sent(connection, statement, half) for half in ((first, middle), (middle + 1, last))]
    return sum(taken for taken, _ in halves), [row for _, rows in halves for row in rows]


def _missed(place: Place) -> Composable:
    kept, words = place.kept, place.words()
    if not place.columns:
        return MISSED.format(
            kept=kept.name, present=SQL("false"), stays=SQL("true"), now=SQL("NULL::jsonb"), joined=SQL(""), **words
        )
    joined = SQL("LEFT JOIN {} AS t ON {}").format(quoted(place.table), same(kept, place.columns, SQL("t"), SQL("k")))
    there = SQL("t.{} IS NOT NULL").format(Identifier(kept.key[0]))
    return MISSED.format(kept=kept.name, present=there, stays=there, now=SQL("to_jsonb(t.*)"), joined=joined, **words)


def _names(names: list[str]) -> Composable:
    return SQL("{}::text[]").format(Literal(names))
