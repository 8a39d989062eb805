"""What others wrote, as it stands before an undo, in a temporary table of the undo's own transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection, text

from console.engine.captures.beginning import quoted
from console.engine.captures.declared import Capture
from console.engine.statements import send

COLUMNS = text(
    """
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.atttypid::bigint, a.attgenerated::text = '',
           a.attgenerated::text = '' AND a.attidentity::text <> 'a', pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
    """
)

CONSTANT = re.compile(r"('(?:[^']|'')*'|-?[\d.]+|true|false)(::[\w\s\[\]]+(\([\d,]+\))?)?")

# `mapped` are the plan's expressions whose columns others wrote, `mapped_all` all of them
KEEP = SQL(
    """
    CREATE TEMPORARY TABLE {kept} ON COMMIT DROP AS
    SELECT row_number() OVER () AS n, c.key, c.born, c.wrote, c.whole, {there} AS there, to_jsonb(r.*) AS was,
           CASE WHEN {there} THEN {mapped} ELSE '{{}}' END AS mapped,
           CASE WHEN {there} THEN {mapped_all} ELSE '{{}}' END AS mapped_all,
           NULL::jsonb AS removed, NULL::jsonb AS wanted, NULL::jsonb AS entire, NULL::jsonb AS lost,
           NULL::text AS op, NULL::jsonb AS aside
    FROM handrail.captured AS c LEFT JOIN {table} AS r ON {same}
    WHERE c.run_id = {run} AND c.capture = {capture}
    """
)


@dataclass(frozen=True)
class Column:
    """`usual` is the expression of its default; an identity that is always generated is written, and not changed.

    `number` is the type's: one that was dropped and made again has another.
    """

    type: str
    number: int
    writable: bool
    changeable: bool
    usual: str | None


@dataclass(frozen=True)
class Kept:
    """`mapping` are the columns that the plan's expressions fill, each with the columns that it reads.

    `usual` are the defaults that are constants: who writes nothing writes those.
    """

    capture: Capture
    name: Identifier
    table: str
    key: list[str]
    columns: dict[str, Column]
    mapping: dict[str, list[str]]
    usual: dict[str, Any]


def keep(connection: Connection, run: int, capture: Capture, table: str, key: list[str], *, mapped: bool) -> Kept:
    """Nobody writes to the table from here to the end of the transaction; `mapped`: by the plan's expressions."""
    send(connection, SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(quoted(table)).as_string())
    columns = columns_of(connection, table)
    mapping = {name: capture.reads(name) for name in capture.columns if set(capture.reads(name)) <= columns.keys()}
    kept = Kept(capture, Identifier("pg_temp", f"handrail_kept_{capture.id[:40]}"), table, key, columns,
                mapping if mapped else {}, _usual(connection, columns))  # fmt: skip
    of_name = Identifier(f"handrail_kept_{capture.id[:40]}")
    send(connection, KEEP.format(
        kept=of_name, table=quoted(table), run=Literal(run), capture=Literal(capture.id),
        there=SQL("r.{} IS NOT NULL").format(Identifier(key[0])), same=same(kept, columns, SQL("r"), SQL("c")),
        mapped=_mapped(kept, always=False), mapped_all=_mapped(kept, always=True),
    ).as_string())  # fmt: skip
    # what a table refuses is found by halving: each try looks for a few of the rows
    send(connection, SQL("ALTER TABLE {} ADD PRIMARY KEY (n)").format(kept.name).as_string())
    send(connection, SQL("ANALYZE {}").format(kept.name).as_string())
    return kept


def same(kept: Kept, columns: dict[str, Column], row: SQL, other: SQL) -> Composable:
    """Whether `row`, which has `columns`, has the key of `other`: a row of handrail.captured or of what is kept.

    As it is written: 1.00 is another key than 1.0, and what a narrower type would cut off is not cut off.
    """
    parts = []
    for place, name in enumerate(kept.key, 1):
        given = {"row": row, "column": Identifier(name), "other": other, "place": Literal(place)}
        parts.append(SQL("to_jsonb({row}.{column}) #>> '{{}}' = {other}.key[{place}]").format(**given))
        if (columns[name].type, columns[name].number) == (kept.columns[name].type, kept.columns[name].number):
            # by the index
            parts.append(
                SQL("{row}.{column} = ({other}.key[{place}])::{type}").format(**given, type=SQL(columns[name].type))
            )
    return SQL(" AND ").join(parts)


def columns_of(connection: Connection, table: str) -> dict[str, Column]:
    """Those of a table, in order; none where it is not there."""
    return {name: Column(*rest) for name, *rest in connection.execute(COLUMNS, {"table": table})}


def _usual(connection: Connection, columns: dict[str, Column]) -> dict[str, Any]:
    constant = {name: one.usual for name, one in columns.items() if one.usual and CONSTANT.fullmatch(one.usual)}
    if not constant:
        return {}
    pairs = SQL(", ").join(SQL("{}, {}").format(Literal(name), SQL(usual)) for name, usual in constant.items())
    found: dict[str, Any] = send(
        connection, SQL("SELECT jsonb_build_object({})").format(pairs).as_string()
    ).scalar_one()
    return found


def _mapped(kept: Kept, *, always: bool) -> Composable:
    parts = [
        SQL("CASE WHEN {when} THEN jsonb_build_object({name}, ({value})) ELSE '{{}}' END").format(
            when=SQL("true") if always else SQL("c.whole OR c.wrote ?| {}").format(Literal(reads)),
            name=Literal(name), value=SQL(kept.capture.columns[name]),
        )
        for name, reads in kept.mapping.items()
    ]  # fmt: skip
    return SQL(" || ").join([SQL("'{}'::jsonb"), *parts])
