"""Who may do what, asked of the catalog: every object of handrail's schemas, by every kind of login."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from db.session import Target
from tests.searched import NOBODY, NONE

KINDS = {"engineer": "oncall1", "approver": "dba1", "auditor": "audit1", "admin": "admin1", "support": "support1",
         "support of two": "support2", "support of none": NONE, "no group": NOBODY, "anon": "anon",
         "authenticated": "authenticated", "service role": "service_role", "finder": "handrail_finder"}  # fmt: skip
SCHEMAS = ("handrail", "handrail_search")

# A right to a whole table is a right to each of its columns, and is said once. MAINTAIN came with 17.
CELLS = """
WITH who AS (SELECT * FROM unnest(%(kinds)s::text[], %(logins)s::text[]) AS w (kind, login)),
relation AS (
    SELECT c.oid, n.nspname || '.' || c.relname AS name,
           CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                ELSE 'table' END AS sort
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
), asked AS (
    SELECT 'schema' AS sort, nspname::text AS name, '' AS part, wanted AS right, 0 AS place,
           kind, has_schema_privilege(login, nspname, wanted) AS may
    FROM pg_namespace, unnest(ARRAY['USAGE', 'CREATE']) AS wanted, who WHERE nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT sort, name, '', wanted, 0, kind, has_sequence_privilege(login, oid, wanted)
    FROM relation, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) AS wanted, who WHERE sort = 'sequence'
    UNION ALL
    SELECT sort, name, '', wanted, 0, kind, has_table_privilege(login, oid, wanted)
    FROM relation, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
                          || %(more)s::text[]) AS wanted, who WHERE sort <> 'sequence'
    UNION ALL
    SELECT sort, name, attname, wanted, attnum, kind,
           has_column_privilege(login, r.oid, attnum, wanted) AND NOT has_table_privilege(login, r.oid, wanted)
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND attnum > 0 AND NOT attisdropped,
         unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS wanted, who WHERE sort <> 'sequence'
    UNION ALL
    SELECT CASE prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           n.nspname || '.' || proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', '', 'EXECUTE', 0,
           kind, has_function_privilege(login, p.oid, 'EXECUTE')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, who WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'type', n.nspname || '.' || typname, '', 'USAGE', 0, kind, has_type_privilege(login, t.oid, 'USAGE')
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid, who
    WHERE n.nspname = ANY (%(schemas)s) AND t.typelem = 0 AND (t.typtype <> 'c' OR c.relkind = 'c')
)
SELECT sort || ' ' || name, part, "right", kind, may FROM asked
ORDER BY sort, name, "right", place, array_position(%(kinds)s::text[], kind)
"""

Cell = tuple[str, str, str, str]
"""Object, column or nothing, privilege, kind of login."""


def cells(target: Target) -> dict[Cell, bool]:
    """Each cell, and whether the login has it."""
    with psycopg.connect(target.url) as connection:
        return asked_of(connection)


def asked_of(connection: psycopg.Connection) -> dict[Cell, bool]:
    values = {"kinds": [*KINDS], "logins": [*KINDS.values()], "schemas": list(SCHEMAS),
              "more": ["MAINTAIN"] if connection.info.server_version >= 170000 else []}  # fmt: skip
    found = connection.execute(CELLS.encode(), values).fetchall()
    return {(row[0], row[1], row[2], row[3]): row[4] for row in found}


def written(found: dict[Cell, bool]) -> str:
    """An object a line, and below it a line a privilege: its columns, if it is of some, and who has it."""
    return "".join(f"{line}\n" for line in _lines(found))


def read(text: str) -> tuple[set[str], set[Cell]]:
    """The objects that are written of, and the cells that are held; every other cell of them is not."""
    objects, held, here = set[str](), set[Cell](), ""
    for line in text.splitlines():
        if not line.startswith(" "):
            here = line
            objects.add(here)
            continue
        right, who = line.strip().split(": ")
        right, _, columns = right.rstrip(")").partition(" (")
        held |= {(here, column, right, kind) for column in columns.split(", ") for kind in who.split(", ")}
    return objects, held


def _lines(found: dict[Cell, bool]) -> Iterator[str]:
    for name in dict.fromkeys(cell[0] for cell in found):
        yield name
        held = [cell for cell, may in found.items() if may and cell[0] == name]
        for right in dict.fromkeys(cell[2] for cell in held):
            # kinds with the same columns stand on one line
            columns: dict[str, list[str]] = {}
            for _, column, _, kind in (cell for cell in held if cell[2] == right):
                columns.setdefault(kind, []).append(column)
            kinds: dict[tuple[str, ...], list[str]] = {}
            for kind in (kind for kind in KINDS if kind in columns):
                kinds.setdefault(tuple(columns[kind]), []).append(kind)
            for some, who in kinds.items():
                yield f"    {right}{' (' + ', '.join(some) + ')' if some != ('',) else ''}: {', '.join(who)}"
