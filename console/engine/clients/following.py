"""The SQL by which the index follows a target's tables: which values a client has, and triggers that say it changed.

Everything is put together from names that the description's own grammar allows, quoted once more. What the target
has not got yet is left out: the index is made again when it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from console.engine.clients.described import Column, Description, Source

PREFIX = "handrail_search"
READERS = SQL("handrail_owner, handrail_finder")

DOCUMENTS = SQL("""\
CREATE OR REPLACE FUNCTION handrail_search.documents(ids text[])
    RETURNS TABLE (client text, tenant text, changed_at timestamptz, written text[])
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS {body}""")

BODY = SQL("""
    SELECT wanted, {tenant}, greatest({changed}), ARRAY[{values}]::text[]
    FROM unnest(ids) AS wanted {joins}
    WHERE {there}
""")

FOLLOW = SQL("""\
CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS {body}""")

# What is read of a row may be gone since: then everything that was written is noted, or at least that something was.
FOLLOWING = SQL("""
DECLARE
    ids text[];
BEGIN
    BEGIN
        IF TG_OP = 'INSERT' THEN
            ids := (SELECT array_agg({id}::text) FROM added);
        ELSIF TG_OP = 'DELETE' THEN
            ids := (SELECT array_agg({id}::text) FROM gone);
        ELSIF TG_OP = 'TRUNCATE' THEN
            ids := (SELECT array_agg(client) FROM handrail_search.entry);
        ELSE
            BEGIN
                ids := (SELECT array_agg(DISTINCT id) FROM (
                    (SELECT {id}::text, ARRAY[{columns}]::text[] FROM gone
                     EXCEPT SELECT {id}::text, ARRAY[{columns}]::text[] FROM added)
                    UNION ALL
                    (SELECT {id}::text, ARRAY[{columns}]::text[] FROM added
                     EXCEPT SELECT {id}::text, ARRAY[{columns}]::text[] FROM gone)) AS changed (id, held));
            EXCEPTION WHEN OTHERS THEN
                ids := (SELECT array_agg(DISTINCT id) FROM (
                    SELECT {id}::text FROM gone UNION SELECT {id}::text FROM added) AS written (id));
            END;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        INSERT INTO handrail_search.pending (client, error) VALUES ('', SQLSTATE);
        RETURN NULL;
    END;
    PERFORM handrail_search.note(ids);
    RETURN NULL;
END
""")

EVENTS = {
    "INSERT": SQL("REFERENCING NEW TABLE AS added"),
    "DELETE": SQL("REFERENCING OLD TABLE AS gone"),
    "UPDATE": SQL("REFERENCING OLD TABLE AS gone NEW TABLE AS added"),
    "TRUNCATE": SQL(""),
}


def table(name: str) -> Identifier:
    return Identifier(*name.split(".", 1))


def documents(described: Description, sources: Mapping[str, str]) -> Composed:
    """`sources` are the tables that are there, with the type of their key."""
    there = _there(described, sources)
    alias = {source.table: Identifier(f"s{number}") for number, source in enumerate(there, 1)}
    values = {one.name: _value(one.name, there, alias) for one in described.field}
    changed = [SQL("{}.{}").format(alias[one.table], Identifier(one.changed)) for one in there if one.changed]
    joins = [
        SQL("LEFT JOIN {} AS {} ON {}.{} = wanted::{}").format(
            table(one.table),
            alias[one.table],
            alias[one.table],
            Identifier(one.id),
            SQL(sources[one.table]),
        )
        for one in there
    ]
    is_there = [SQL("{}.{} IS NOT NULL").format(alias[one.table], Identifier(one.id)) for one in there]
    no_time: list[Composable] = [SQL("NULL::timestamptz")]
    body = BODY.format(
        tenant=values[described.tenant],
        changed=SQL(", ").join([*changed] or no_time),
        values=SQL(", ").join(values.values()),
        joins=SQL(" ").join(joins),
        there=SQL(" OR ").join(is_there),
    )
    return DOCUMENTS.format(body=Literal(body.as_string()))


def triggers(source: Source) -> list[Composable]:
    """From these on nothing that is written to the source is missed."""
    name = source.table.replace(".", "_")
    function = Identifier(PREFIX, f"follow_{name}")
    columns = SQL(", ").join(SQL("{}::text").format(_column(None, one)) for one in source.columns)
    body = FOLLOWING.format(id=Identifier(source.id), columns=columns)
    made: list[Composable] = [FOLLOW.format(function=function, body=Literal(body.as_string()))]
    for event, transition in EVENTS.items():
        made.append(
            SQL("CREATE OR REPLACE TRIGGER {} AFTER {} ON {} {} FOR EACH STATEMENT EXECUTE FUNCTION {}()").format(
                Identifier(f"{PREFIX}_{event.lower()}"),
                SQL(event),
                table(source.table),
                transition,
                function,
            )
        )
    return made


def readable(name: str) -> list[Composable]:
    """A table's rows for the two roles that read it, whatever its own policies come to say."""
    policy = Identifier(f"{PREFIX}_read")
    return [
        SQL("GRANT USAGE ON SCHEMA {} TO {}").format(Identifier(name.split(".")[0]), READERS),
        SQL("GRANT SELECT ON {} TO {}").format(table(name), READERS),
        SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, table(name)),
        SQL("CREATE POLICY {} ON {} FOR SELECT TO {} USING (true)").format(policy, table(name), READERS),
    ]


def away(name: str, triggers: Sequence[str]) -> list[Composable]:
    """What readable() and triggers() put on a table, taken off."""
    made: list[Composable] = [SQL("DROP TRIGGER {} ON {}").format(Identifier(one), table(name)) for one in triggers]
    return [
        *made,
        SQL("DROP POLICY IF EXISTS {} ON {}").format(Identifier(f"{PREFIX}_read"), table(name)),
        SQL("REVOKE SELECT ON {} FROM {}").format(table(name), READERS),
    ]


def _there(described: Description, sources: Mapping[str, str]) -> list[Source]:
    return [source for source in described.source if source.table in sources]


def _value(field: str, there: Sequence[Source], alias: Mapping[str, Identifier]) -> Composable:
    """The latest source that has the row and knows the field."""
    known = [source for source in reversed(there) if field in source.fields]
    if not known:
        return SQL("NULL::text")
    cases = [
        SQL("WHEN {}.{} IS NOT NULL THEN {}::text").format(
            alias[one.table], Identifier(one.id), _column(alias[one.table], one.fields[field])
        )
        for one in known
    ]
    return SQL("CASE {} END").format(SQL(" ").join(cases))


def _column(of: Identifier | None, column: Column) -> Composable:
    name, _, key = column.partition(".")
    place = Identifier(name) if of is None else SQL("{}.{}").format(of, Identifier(name))
    return SQL("({} ->> {})").format(place, Literal(key)) if key else place
