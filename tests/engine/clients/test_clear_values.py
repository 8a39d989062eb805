"""No e-mail address and no number is read in clear by support, but by reveal(), which says so in the journal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from db.session import Target
from tests.conftest import cloned
from tests.driving import ask
from tests.servers import Server
from tests.staffed import psql

pytestmark = pytest.mark.newest

READER = "support1"  # sees every tenant
SECRETS = """
SELECT jsonb_agg(DISTINCT secret) FROM handrail_search.entry e,
    unnest(ARRAY[e.shown[3], e.shown[4], nullif(handrail_search.digits(e.shown[4]), '')]) AS secret
WHERE length(secret) > 6
"""
SOME = "SELECT client FROM handrail_search.entry WHERE shown[3] LIKE '%@%' AND shown[4] <> '' ORDER BY n LIMIT 1"
REVEALED = "SELECT count(*) FROM handrail.event WHERE kind = 'revealed'"


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    yield from cloned(server, indexed)


@pytest.fixture(scope="module")
def secrets(target: Target) -> list[str]:
    found: list[str] = ask(target, SECRETS)
    assert len(found) > 600
    return found


@pytest.fixture
def reader(target: Target) -> Iterator[psycopg.Connection]:
    with psql(target, READER) as connection:
        yield connection


def tried(connection: psycopg.Connection, statement: str, *values: object) -> str:
    """All that comes back: rows, or every word of the error."""
    try:
        cursor = connection.execute(statement.encode(), values or None)
        return "\n".join(str(row) for row in cursor.fetchall()) if cursor.description else ""
    except psycopg.Error as error:
        fields = (error.diag.message_primary, error.diag.message_detail, error.diag.message_hint, error.diag.context)
        return " ".join(str(field) for field in fields)


def leaked(secrets: list[str], told: str) -> list[str]:
    return [secret for secret in secrets if secret in told]


def test_no_answer_holds_one(secrets: list[str], reader: psycopg.Connection) -> None:
    told = [
        tried(reader, "SELECT handrail_search.find('[]', NULL, 500)"),
        tried(reader, "SELECT handrail_search.tenants()"),
    ]
    told.append(tried(reader, "SELECT handrail_search.values_of(name, 500) FROM handrail_search.field"))
    found = reader.execute(
        "SELECT jsonb_path_query(handrail_search.find('[]', NULL, 500), '$.rows[*].client') #>> '{}'"
    ).fetchall()
    assert len(found) > 290
    parts = reader.execute(
        "SELECT jsonb_path_query(handrail_search.client(%s), '$.parts[*].relation') #>> '{}'", found[0]
    ).fetchall()
    assert len(parts) >= 4
    for (client,) in found:
        told.append(tried(reader, "SELECT handrail_search.client(%s)", client))
        told += [tried(reader, "SELECT handrail_search.part_of(%s, %s, 500)", client, part[0]) for part in parts]
    assert leaked(secrets, "\n".join(told)) == []


def test_no_relation_that_it_may_read_holds_one(secrets: list[str], reader: psycopg.Connection) -> None:
    """Tables and views of every schema, the server's own among them: statistics, activity, what was prepared."""
    names = reader.execute(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE relkind IN ('r', 'v', 'm', 'p', 'f') AND has_schema_privilege(n.oid, 'USAGE')"
        " AND has_any_column_privilege(c.oid, 'SELECT')"
    ).fetchall()
    assert len(names) > 150
    for (name,) in names:
        assert leaked(secrets, tried(reader, f"SELECT t FROM {name} t")) == [], name


TRICKS = [
    "SELECT shown FROM handrail_search.entry", "SELECT term FROM handrail_search.token", "TABLE handrail_search.history",
    "SELECT email FROM public.clients", "SELECT count(*) FROM public.clients", "SELECT email FROM auth.users",
    "COPY handrail_search.entry TO STDOUT", "COPY (SELECT email FROM public.clients) TO STDOUT",
    "COPY handrail_search.entry TO PROGRAM 'cat'", "COPY public.clients TO '/tmp/clients'",
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM handrail_search.entry", "PREPARE p AS SELECT * FROM handrail_search.entry; EXECUTE p",
    "SELECT lo_from_bytea(0, shown[3]::bytea) FROM handrail_search.entry", "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/x')", "SELECT table_to_xml('handrail_search.entry', true, false, '')",
    "SELECT query_to_xml('SELECT * FROM handrail_search.entry', true, false, '')",
    "SELECT cursor_to_xml('c', 1, true, false, '')", "SELECT schema_to_xml('handrail_search', true, false, '')",
    "SELECT database_to_xml(true, false, '')", "SELECT ts_stat('SELECT to_tsvector(email) FROM public.clients')",
    "SELECT most_common_vals FROM pg_stats WHERE schemaname IN ('public', 'handrail_search')",
    "SELECT stavalues1 FROM pg_statistic", "SELECT most_common_vals FROM pg_stats_ext", "SELECT stxdmcv FROM pg_statistic_ext_data",
    "EXPLAIN ANALYZE SELECT * FROM handrail_search.entry WHERE shown[3]::int = 1", "SELECT 1 / (SELECT count(*) FROM handrail_search.entry)",
    "DO 'BEGIN PERFORM handrail_search.documents(NULL);END'",
    "CREATE TEMP TABLE kept AS SELECT * FROM handrail_search.entry", "CREATE TEMP VIEW seen AS SELECT * FROM handrail_search.entry; SELECT * FROM pg_temp.seen",
    "CREATE TEMP TABLE child (LIKE handrail_search.entry); SELECT * FROM handrail_search.entry",
    "CREATE FUNCTION pg_temp.spy() RETURNS SETOF handrail_search.entry LANGUAGE sql SECURITY DEFINER AS 'TABLE handrail_search.entry'; SELECT pg_temp.spy()",
    "SELECT pg_read_file('PG_VERSION')", "SELECT pg_ls_dir('base')",
    "SELECT handrail_search.lines('x', ARRAY['x'])", "SELECT handrail_search.split(1, 1, 'x')", "SELECT handrail_search.mask('x', 'x')",
    "CREATE PUBLICATION p FOR TABLE handrail_search.entry", "SELECT pg_create_logical_replication_slot('s', 'pgoutput')",
    "CREATE STATISTICS s ON n, tenant FROM handrail_search.entry", "ANALYZE handrail_search.entry", "VACUUM FULL handrail_search.entry",
    "CREATE INDEX ON handrail_search.entry (n)", "ALTER TABLE handrail_search.entry DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY p ON handrail_search.entry USING (true)", "CREATE RULE r AS ON SELECT TO handrail_search.entry DO INSTEAD SELECT 1",
    "GRANT SELECT ON handrail_search.entry TO support1",
    "COMMENT ON TABLE handrail_search.entry IS 'x'", "SECURITY LABEL ON TABLE handrail_search.entry IS 'x'",
    "MERGE INTO handrail_search.entry e USING (SELECT 1 AS n) o ON e.n = o.n WHEN MATCHED THEN DELETE",
]  # fmt: skip
NOTHING = ("SELECT most_common_vals", "SELECT table_to_xml", "SELECT query_to_xml", "SELECT schema_to_xml", "SELECT database_to_xml", "SELECT cursor_to_xml", "SELECT ts_stat",
           "SELECT pg_create_logical", "SECURITY LABEL", "ANALYZE", "VACUUM", "GRANT SELECT")  # fmt: skip


@pytest.mark.parametrize("statement", TRICKS)
def test_no_other_sql_tells_one(secrets: list[str], target: Target, reader: psycopg.Connection, statement: str) -> None:
    """Refused with 42501; or, where the server answers, with nothing of these in the answer."""
    for one in statement.split("; "):
        before = ask(target, "SELECT count(*) FROM handrail_search.entry")
        told = tried(reader, one)
        assert leaked(secrets, told) == []
        assert ask(target, "SELECT count(*) FROM handrail_search.entry") == before
    refused = any(word in told for word in ("permission denied", "must be owner", "must be able to"))
    assert refused or statement.startswith(NOTHING), told


CASTS = ["$.rows[*].shown[2]", "$.rows[*].shown[3]", "$.rows[*].why", "$.rows"]


@pytest.mark.parametrize("path", CASTS)
def test_an_error_quotes_what_is_masked(secrets: list[str], reader: psycopg.Connection, path: str) -> None:
    told = tried(reader, f"SELECT (jsonb_path_query_array(handrail_search.find('[]'), '{path}') #>> '{{}}')::int")
    assert "invalid input syntax" in told
    assert leaked(secrets, told) == []


HOSTILE: list[tuple[str, tuple[object, ...]]] = [
    ("SELECT handrail_search.find(%s)", ('[{"text": "x", "field": "email", "not": "x"}]',)),
    ("SELECT handrail_search.find(%s)", ('{"text": "x"}',)),
    ("SELECT handrail_search.find(%s)", ('[{"text": "\') OR true --", "field": null, "not": false}]',)),
    ("SELECT handrail_search.find(%s)", ('[{"text": "x\\n%1$s %L", "field": "email\'", "not": true}]',)),
    ("SELECT handrail_search.find(%s, %s)", ("[]", "' OR true --")),
    ("SELECT handrail_search.find('[]', NULL, %s, %s, %s)", (2**31 - 1, -(2**31), 2**63 - 1)),
    ("SELECT handrail_search.find('[]', NULL, NULL, NULL, NULL)", ()),
    ("SELECT handrail_search.find(NULL)", ()),
    ("SELECT handrail_search.values_of(%s, 500)", ("email",)),
    ("SELECT handrail_search.values_of(%s, 500)", ("phone",)),
    ("SELECT handrail_search.values_of(NULL, NULL)", ()),
    ("SELECT handrail_search.meant(%s)", ("exampel",)),
    ("SELECT handrail_search.tenants(%s, NULL, NULL)", ("%",)),
    ("SELECT handrail_search.part_of(client, 'auth.users', 500) FROM (SELECT jsonb_path_query(handrail_search.find('[]', NULL, 500), '$.rows[*].client') #>> '{}' AS client) c", ()),
    ("SELECT handrail_search.part_of(client, 'handrail_search.entry', 500) FROM (SELECT jsonb_path_query(handrail_search.find('[]', NULL, 500), '$.rows[*].client') #>> '{}' AS client) c", ()),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "values"), HOSTILE)
def test_what_is_asked_oddly_is_answered_masked(
    secrets: list[str], reader: psycopg.Connection, statement: str, values: tuple[object, ...]
) -> None:
    assert leaked(secrets, tried(reader, statement, *values)) == []


REVEAL, TOLD = "SELECT handrail_search.reveal(%s, %s, %s)", "SELECT handrail_search.revealed(%s)"


def test_reveal_tells_one_value_and_says_who_what_and_why(target: Target, reader: psycopg.Connection) -> None:
    client, before = ask(target, SOME), ask(target, REVEALED)
    clear = ask(target, "SELECT shown[3] FROM handrail_search.entry WHERE client = %s", client)
    number = reader.execute(REVEAL, (client, "email", "she asked for it")).fetchone()
    assert number
    assert tried(reader, TOLD, *number) == str((clear,))
    assert ask(target, REVEALED) == before + 1
    said: Any = ask(target, "SELECT to_jsonb(e) FROM handrail.event e WHERE kind = 'revealed' ORDER BY id DESC LIMIT 1")
    assert (said["id"], said["by_login"]) == (number[0], READER)
    del said["detail"]["transaction"]
    assert said["detail"] == {"client": client, "field": "email", "reason": "she asked for it"}
    # without a reason, of no field, or where nothing can be written, there is no number
    for values in (
        (client, "email", ""),
        (client, "email", "   \t"),
        (client, "email", None),
        (client, "none", "a reason"),
    ):
        assert not tried(reader, REVEAL, *values).startswith("(")
    reader.execute("SET default_transaction_read_only = on")
    assert "read-only transaction" in tried(reader, REVEAL, client, "email", "she asked for it")
    assert ask(target, REVEALED) == before + 1


def test_a_value_that_is_told_stays_said(target: Target, secrets: list[str], reader: psycopg.Connection) -> None:
    """Not in the transaction that said why, nor in one within it; not to another login; not for ever."""
    client, before = ask(target, SOME), ask(target, REVEALED)
    reader.autocommit = False
    for within in ("", "SAVEPOINT a"):
        if within:
            reader.execute(within.encode())
        number = reader.execute(REVEAL, (client, "email", "she asked for it")).fetchone()
        assert number
        if within:
            reader.execute("RELEASE SAVEPOINT a")
        assert leaked(secrets, tried(reader, TOLD, *number)) == []
        reader.rollback()
    assert ask(target, REVEALED) == before
    number = reader.execute(REVEAL, (client, "email", "she asked for it")).fetchone()
    reader.commit()
    assert number
    with psql(target, "support2") as other:
        assert leaked(secrets, tried(other, TOLD, *number)) == []
    assert leaked(secrets, tried(reader, TOLD, *number)) != []
    reader.rollback()
    for event in ask(target, "SELECT array_agg(id) FROM handrail.event WHERE kind <> 'revealed'"):
        assert leaked(secrets, tried(reader, TOLD, event)) == []
        reader.rollback()
