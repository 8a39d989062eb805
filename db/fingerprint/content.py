"""What tables hold: rows counted, and hashes of rows summed, so that their order does not matter.

A sum, not an xor, which lets pairs cancel (F51). A row is hashed by hash_record_extended, which takes no text output
and so no setting of the session (F52), and is no cryptography. A column whose type has no such hash, or one that calls
unlike values equal (1.0 and 1.00, a case-blind text) or that differs from database to database (the numbers of enum
values), is hashed as its text, under settings that are set for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection, text

FORMULA = "2:"  # how a hash was made: others are compared by their rows alone; another is another format of files
BUCKETS = 1024
CHUNK = 2000

PINNED = {
    "search_path": "pg_catalog, pg_temp",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "jit": "off",
    "enable_sort": "off",  # a thousand buckets are taken for a million, and all rows would be sorted
}
PIN = text(
    "SELECT pg_catalog.set_config(name, value, true)"
    " FROM unnest(CAST(:names AS text[]), CAST(:values AS text[])) AS wanted (name, value)"
)

TABLES = text(
    """
    SELECT n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
           coalesce(array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
           coalesce(array_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, NULL)
                              ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
           coalesce(array_agg(CASE
               WHEN t.typname IN ('bool', 'int2', 'int4', 'int8', 'oid', 'uuid', 'bytea', 'date', 'time', 'timetz',
                                  'timestamp', 'timestamptz', 'inet', 'cidr', 'macaddr', 'macaddr8', 'name')
                 OR t.typname IN ('text', 'varchar') AND k.collisdeterministic THEN 'itself'
               WHEN t.typname IN ('text', 'varchar', 'bpchar') THEN 'bytes' ELSE 'text' END
               ORDER BY a.attnum) FILTER (WHERE a.attnum > 0), '{}'),
           coalesce((SELECT array_agg(o.attname::text ORDER BY place)
                     FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY AS key (number, place)
                          JOIN pg_attribute o ON o.attrelid = i.indrelid AND o.attnum = key.number
                     WHERE i.indrelid = c.oid AND i.indisprimary AND place <= i.indnkeyatts), '{}')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                                     AND a.attgenerated <> 'v'
         LEFT JOIN pg_type t ON t.oid = a.atttypid AND t.typnamespace = 'pg_catalog'::regnamespace
         LEFT JOIN pg_collation k ON k.oid = a.attcollation
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('handrail', 'handrail_search', 'information_schema')
      AND n.nspname NOT LIKE 'pg\\_%'
    GROUP BY c.oid, n.nspname, c.relname ORDER BY n.nspname, c.relname
    """
)


class Row(NamedTuple):
    """`place` is the hash of the key, and its bucket place % 1024; `key` is None in a table without a primary key."""

    place: int
    key: tuple[str, ...] | None
    hash: int


@dataclass(frozen=True)
class Table:
    """`columns` are names with their types, `key` the names of the primary key's columns, which may be none."""

    schema: str
    name: str
    title: str
    columns: tuple[str, ...]
    hashed: dict[str, Composable]
    key: tuple[str, ...]

    @property
    def row(self) -> Composable:
        return _hash(list(self.hashed.values()))

    @property
    def place(self) -> Composable:
        return _hash([self.hashed[name] for name in self.key]) if self.key else self.row

    @property
    def source(self) -> Composable:
        return SQL("ONLY {} t").format(Identifier(self.schema, self.name))


def listed(connection: Connection) -> list[Table]:
    """The tables that hold rows themselves, partitions among them, by name; settings of the transaction are pinned."""
    connection.execute(PIN, {"names": list(PINNED), "values": list(PINNED.values())})
    return [
        Table(
            schema, name, title, tuple(columns),
            {column: _hashed(column, how) for column, how in zip(names, hows, strict=True)}, tuple(key),
        )
        for schema, name, title, names, columns, hows, key in connection.execute(TABLES)
    ]  # fmt: skip


def summed(connection: Connection, table: Table) -> list[Any]:
    """[rows, hash]"""
    rows, total = _sent(
        connection, SQL("SELECT count(*), coalesce(sum({}), 0)::text FROM {}").format(table.row, table.source)
    ).one()
    return [rows, FORMULA + total]


def bucketed(connection: Connection, table: Table) -> tuple[list[Any], dict[int, str]]:
    """[rows, hash] as summed() says them, and the hash of each bucket that holds a row."""
    found = _sent(
        connection,
        SQL("SELECT ({} & 1023)::int, count(*), sum({}) FROM {} GROUP BY 1").format(
            table.place, table.row, table.source
        ),
    ).all()
    whole = [sum(rows for _, rows, _ in found), f"{FORMULA}{sum(int(total) for _, _, total in found)}"]
    return whole, {bucket: str(total) for bucket, _, total in sorted(found)}


def rows(connection: Connection, table: Table, buckets: Sequence[int] | None = None) -> Iterator[Row]:
    """The rows of these buckets, of all where none are named: by bucket, then by place. Read as they are wanted."""
    key = SQL("ARRAY[{}]").format(SQL(", ").join(SQL("t.{}::text").format(Identifier(one)) for one in table.key))
    chosen = SQL("WHERE bucket IN ({})").format(SQL(", ").join(map(Literal, buckets))) if buckets else SQL("")
    statement = SQL(
        "SELECT place, key, hash FROM (SELECT *, (place & 1023)::int AS bucket"
        " FROM (SELECT {} AS place, {} AS key, {} AS hash FROM {}) one) two {} ORDER BY bucket, place"
    ).format(table.place, key if table.key else SQL("NULL::text[]"), table.row, table.source, chosen)
    options = {"no_parameters": True, "stream_results": True, "yield_per": CHUNK}
    with connection.exec_driver_sql(statement.as_string(), execution_options=options) as found:
        for place, columns, total in found:
            yield Row(place, None if columns is None else tuple(columns), total)


def _hashed(column: str, how: str) -> Composable:
    name = SQL("t.{}").format(Identifier(column))
    if how == "itself":
        return name
    return SQL('{}::text COLLATE "C"').format(name)


def _hash(columns: list[Composable]) -> Composable:
    # ROW(t.a, ...) and not t, which a column of that name would hide
    return SQL("hash_record_extended(ROW({}), 0)").format(SQL(", ").join(columns))


def _sent(connection: Connection, statement: Composable) -> Any:
    # sent as it is: a name with : or % in it would hold a parameter for text()
    return connection.exec_driver_sql(statement.as_string(), execution_options={"no_parameters": True})
