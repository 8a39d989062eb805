"""Support with a connection and no console: nothing of another tenant is told, whatever is set, shadowed or forged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from db.session import Target
from tests.conftest import cloned
from tests.driving import ask
from tests.searched import NOBODY, NONE, OWN
from tests.servers import Server
from tests.staffed import psql

pytestmark = pytest.mark.newest

MINE = "support2"  # sees two tenants
REFUSED, UNKNOWN = "42501", "HR011"
FIND = "SELECT handrail_search.find(%s)"
ANY = json.dumps([])


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    yield from cloned(server, indexed)


@pytest.fixture
def mine(target: Target) -> Iterator[psycopg.Connection]:
    with psql(target, MINE) as connection:
        yield connection


def said(*words: str, field: str | None = None) -> str:
    return json.dumps([{"text": word, "field": field, "not": False} for word in words])


def one(connection: psycopg.Connection, question: str, *values: object) -> Any:
    row = connection.execute(question.encode(), values).fetchone()
    assert row is not None
    return row[0]


def state(connection: psycopg.Connection, question: str, *values: object) -> str:
    """The SQLSTATE with which it is refused, and its message; empty where it is not."""
    try:
        connection.execute(question.encode(), values).fetchall()
    except psycopg.Error as error:
        return f"{error.sqlstate} {error.diag.message_primary}"
    return ""


def rows(target: Target, whose: str) -> list[tuple[str, str, list[str]]]:
    """Clients as the index has them: id, tenant, values; `whose` is a condition on the tenant's name."""
    found: list[tuple[str, str, list[str]]] = ask(
        target,
        f"SELECT jsonb_agg(jsonb_build_array(e.client, t.name, e.shown) ORDER BY n) FROM handrail_search.entry e JOIN handrail_search.tenant t ON t.id = e.tenant WHERE t.name {whose}",
    )
    return found


def theirs(target: Target) -> list[tuple[str, str, list[str]]]:
    """Clients of other tenants, and those of none."""
    return rows(target, f"NOT IN {OWN}")


def test_all_that_is_found_is_ones_own(target: Target, mine: psycopg.Connection) -> None:
    own = rows(target, f"IN {OWN}")
    found = one(mine, FIND, ANY)
    assert [row["client"] for row in found["rows"]] == [client for client, _, _ in own]
    assert {row["tenant"] for row in found["rows"]} == set(OWN)
    assert (found["count"], found["counted"]) == (len(own), "exact")
    listed = mine.execute("SELECT name, clients FROM handrail_search.tenants()").fetchall()
    assert dict(listed) == {name: sum(tenant == name for _, tenant, _ in own) for name in OWN}


def test_no_client_of_another_is_found_by_anything_it_has(target: Target, mine: psycopg.Connection) -> None:
    """By id, name, e-mail, phone or company, whole: no row, no count, no spelling help that names what is theirs."""
    own = {client for client, _, _ in rows(target, f"IN {OWN}")}
    words = {word for _, _, shown in rows(target, f"IN {OWN}") for word in folded(target, shown)}
    others = theirs(target)
    assert len(others) > 200
    for client, tenant, shown in others[::4]:
        for text in [client, tenant, *(value for value in shown[:4] if value and value.strip())]:
            found = one(mine, FIND, said(text))
            assert {row["client"] for row in found["rows"]} <= own, text
            assert found["count"] == len(found["rows"]), text
    for word in {word for _, _, shown in others for word in folded(target, shown)}:
        for slip in (word[:-1], word + "x"):
            assert all(near in words or any(w.startswith(near) for w in words)
                       for near in one(mine, "SELECT handrail_search.meant(%s)", slip)), slip  # fmt: skip


def folded(target: Target, shown: list[str]) -> list[str]:
    found: list[str] = ask(target, "SELECT to_jsonb(handrail_search.words(%s))", " ".join(v or "" for v in shown[:2]))
    return found


def test_a_client_of_another_is_as_one_that_is_not_there(target: Target, mine: psycopg.Connection) -> None:
    for client, _, _ in [*theirs(target)[::20], ("00000000-0000-0000-0000-000000000000", "", [])]:
        refused = f"{UNKNOWN} no client {client} is to be seen by this login"
        assert state(mine, "SELECT handrail_search.client(%s)", client) == refused
        for relation in ("public.clients", "public.tenant_apps", "no.such"):
            assert state(mine, "SELECT handrail_search.part_of(%s, %s)", client, relation) == refused
        for field in ("email", "no such"):
            assert state(mine, "SELECT handrail_search.reveal(%s, %s, 'a good reason')", client, field) == refused
    assert ask(target, "SELECT count(*) FROM handrail.event WHERE kind = 'revealed'") == 0


def test_a_tenant_of_another_is_as_one_that_is_not_there(target: Target, mine: psycopg.Connection) -> None:
    empty = one(mine, "SELECT handrail_search.find(%s, %s)", ANY, "no such tenant")
    assert (empty["rows"], empty["count"]) == ([], 0)
    for _, tenant, _ in theirs(target)[::10]:
        assert one(mine, "SELECT handrail_search.find(%s, %s)", ANY, tenant) == empty
        assert one(mine, "SELECT handrail_search.tenant_size(%s)", tenant) == 0
        named = mine.execute("SELECT name FROM handrail_search.tenants(%s)", (tenant,)).fetchall()
        assert {row[0] for row in named} <= set(OWN)
        assert mine.execute("SELECT FROM handrail_search.tenants('', %s)", (OWN[-1],)).fetchall() == []


def test_values_are_those_of_ones_own_clients(target: Target, mine: psycopg.Connection) -> None:
    own = rows(target, f"IN {OWN}")
    for place, field in enumerate(("name", "company", "email", "phone", "role", "status", "tier", "manager")):
        seen = {shown[place].lower() for _, _, shown in own if shown[place]} if place > 3 else set()
        assert set(one(mine, "SELECT handrail_search.values_of(%s, 100)", field)) == seen, field


def test_without_a_tenant_there_is_nothing(target: Target) -> None:
    client = theirs(target)[0][0]
    with psql(target, NONE) as none:
        found = one(none, FIND, ANY)
        assert (found["rows"], found["count"], found["counted"]) == ([], 0, "exact")
        assert one(none, FIND, said("gmbh"))["count"] == 0
        assert none.execute("SELECT FROM handrail_search.tenants()").fetchall() == []
        assert one(none, "SELECT handrail_search.tenant_size(%s)", OWN[0]) == 0
        assert one(none, "SELECT handrail_search.values_of('role')") == []
        assert one(none, "SELECT handrail_search.meant('gmbx')") == []
        assert state(none, "SELECT handrail_search.client(%s)", client)[:5] == UNKNOWN


ASKED = ["find('[]')", "meant('ana')", "client('x')", "part_of('x', 'public.clients')", "reveal('x', 'email', 'why not')", "revealed(1)",
         "tenants()", "tenant_size('x')", "values_of('role')", "exported('x', 1)", "about(ARRAY['n:a'])", "sees_all()",
         "my_tenants()", "seen('x')", "say('revealed', '{}')", "documents('{x}')", "fill('{x}')", "refresh('{x}')",
         "note('{x}')", "grant_tenant('support2', '*')", "revoke_tenant('support1', '*')", "tenant_of('x')"]  # fmt: skip
MAY = {MINE: ASKED[:10], NONE: ASKED[:10], "admin1": ASKED[19:21]}


@pytest.mark.parametrize("login", [MINE, NONE, "dba1", "audit1", "admin1", NOBODY])
def test_what_is_refused_is_refused_by_name(target: Target, login: str) -> None:
    with psql(target, login) as connection:
        connection.autocommit = False
        for call in ASKED:
            refused = state(connection, f"SELECT handrail_search.{call}")
            connection.rollback()
            assert (refused[:5] == REFUSED) == (call not in MAY.get(login, [])), f"{call}: {refused}"


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
def test_the_applications_roles_are_nobody_here(target: Target, role: str) -> None:
    with psql(target, "oncall1") as connection:
        connection.execute(f"SET ROLE {role}".encode())
        for call in ASKED:
            assert state(connection, f"SELECT handrail_search.{call}").startswith(f"{REFUSED} permission denied"), call


BECOME = ["SET ROLE support1", "SET ROLE oncall1", "SET ROLE handrail_finder", "SET ROLE handrail_owner", "SET ROLE postgres",
          "SET SESSION AUTHORIZATION support1", "SET session_replication_role = replica", "SET ROLE service_role",
          "ALTER ROLE support2 BYPASSRLS", "GRANT handrail_admin TO support2", "SELECT handrail.admit('support2', 'admin')",
          "INSERT INTO handrail_search.tenant_access (login, tenant) VALUES ('support2', '*')",
          "UPDATE handrail_search.state SET ready = false", "DELETE FROM handrail_search.history",
          "TRUNCATE handrail_search.saved_search", "INSERT INTO handrail_search.saved_search (owner, name, asked) VALUES ('support1', 'x', 'y')",
          "CREATE FUNCTION handrail_search.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE TABLE public.token (a int)",
          "INSERT INTO handrail.event (kind, detail) VALUES ('revealed', '{}')",
          "CREATE TRIGGER t AFTER UPDATE ON handrail_search.saved_search EXECUTE FUNCTION handrail_search.entry_added()",
          "ALTER FUNCTION handrail_search.find(jsonb, text, int, int, bigint) RESET search_path", "LOAD 'auto_explain'"]  # fmt: skip


@pytest.mark.parametrize("statement", BECOME)
def test_nobody_becomes_another(mine: psycopg.Connection, statement: str) -> None:
    refused = state(mine, statement)
    assert refused.startswith(REFUSED), refused


FORGED = ["request.jwt.claims", "request.jwt.claim.sub", "app.tenant", "handrail.tenant", "handrail_search.tenant",
          "handrail.login", "handrail_search.sees_all"]  # fmt: skip
SHADOWS = """
CREATE TEMP TABLE tenant_access AS SELECT 'support2'::text AS login, '*'::text AS tenant;
CREATE TEMP TABLE tenant AS SELECT n AS id, 'Blue Harbour GmbH'::text AS name FROM generate_series(1, 500) n;
CREATE TEMP TABLE entry (n bigint, client text, tenant int, changed_at timestamptz, terms text, shown text[]);
CREATE TEMP TABLE token (n bigint, tenant int, term text);
CREATE TEMP TABLE pg_roles AS SELECT 'support2'::name AS rolname, true AS rolsuper;
CREATE TEMP TABLE field AS SELECT 1 AS position, 'name'::text AS name, false AS masked, 'words'::text AS kind;
CREATE TEMP TABLE unnest (word text);
CREATE DOMAIN pg_temp.int AS bigint;
CREATE FUNCTION pg_temp.sees_all() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION pg_temp.my_tenants() RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY(SELECT generate_series(1, 500))';
CREATE FUNCTION pg_temp.mask(text, text) RETURNS text LANGUAGE sql AS 'SELECT $2';
CREATE FUNCTION pg_temp.strpos(text, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION pg_temp.session_user() RETURNS name LANGUAGE sql AS $$ SELECT 'support1'::name $$;
"""


def everything(connection: psycopg.Connection, client: str) -> list[Any]:
    """What this login is told by each way there is; an error of the server stands for what it would have been."""

    def told(question: str, *values: object) -> Any:
        try:
            return connection.execute(question.encode(), values).fetchall()
        except psycopg.Error as error:
            return error.sqlstate

    find = "SELECT f -> 'count', jsonb_path_query_array(f, '$.rows[*].client')::text, jsonb_path_query_array(f, '$.rows[*].shown')::text FROM handrail_search.find(%s) f"
    return [told(find, ANY), told(find, said("gmbh")), told("SELECT name, clients FROM handrail_search.tenants()"),
            told("SELECT handrail_search.values_of('role')"), told("SELECT handrail_search.meant('lanterx')"),
            told("SELECT handrail_search.client(%s) -> 'fields'", client)]  # fmt: skip


@pytest.fixture(scope="module")
def another(target: Target) -> str:
    return theirs(target)[7][0]


@pytest.fixture(scope="module")
def usual(target: Target, another: str) -> list[Any]:
    with psql(target, MINE) as connection:
        return everything(connection, another)


def test_any_setting_changes_nothing(target: Target, another: str, usual: list[Any], mine: psycopg.Connection) -> None:
    """Every one that a login may set, the other way round; what it breaks is refused, and never more than before."""
    names = mine.execute(
        "SELECT name, CASE vartype WHEN 'bool' THEN ARRAY[CASE setting WHEN 'on' THEN 'off' ELSE 'on' END]"
        " ELSE enumvals END FROM pg_settings WHERE context = 'user' AND vartype IN ('bool', 'enum') AND name <> 'exit_on_error' AND name NOT LIKE 'transaction%'"
    ).fetchall()
    assert len(names) > 60
    for name, values in names:
        for value in values:
            mine.execute(b"SELECT set_config(%s, %s, false)", (name, value))
            now = everything(mine, another)
            mine.execute(f"RESET {name}".encode())
            for told, before in zip(now, usual, strict=True):
                assert told == before or isinstance(told, str), f"{name} = {value}: {told}"


@pytest.mark.parametrize("claim", FORGED)
def test_no_claim_is_believed(another: str, usual: list[Any], mine: psycopg.Connection, claim: str) -> None:
    for value in ("*", "support1", "true", json.dumps({"sub": another, "role": "service_role", "tenant": "*"})):
        mine.execute(b"SELECT set_config(%s, %s, false)", (claim, value))
        assert everything(mine, another) == usual
        assert state(mine, "SELECT email FROM public.clients").startswith(REFUSED)


def test_what_is_shadowed_is_not_met(target: Target, another: str, usual: list[Any], mine: psycopg.Connection) -> None:
    """FM-P3: temporary tables, types and functions of the same names, in front of every other."""
    mine.execute(SHADOWS.encode())
    for path in ("pg_temp, handrail_search, pg_catalog", "pg_temp, pg_catalog", "public, pg_temp", ""):
        mine.execute(b"SELECT set_config('search_path', %s, false)", (path,))
        assert everything(mine, another) == usual, path


def test_a_search_path_from_the_connection_is_as_good_as_none(target: Target, another: str, usual: list[Any]) -> None:
    options = "-c search_path=pg_temp,public -c role=handrail_support -c request.jwt.claims={}"
    with psycopg.connect(target.url.replace("postgres@", f"{MINE}@"), options=options, autocommit=True) as connection:
        connection.execute(SHADOWS.encode())
        assert everything(connection, another) == usual


def test_plans_and_estimates_are_not_told(mine: psycopg.Connection) -> None:
    """FM-P10: EXPLAIN stops at the function, and what the server logs for its developers does not reach the caller."""
    heard: list[str] = []
    mine.add_notice_handler(lambda told: heard.append(told.message_primary or ""))
    for explain in ("EXPLAIN", "EXPLAIN (ANALYZE, VERBOSE, BUFFERS)"):
        for call in ("find('[]')", "tenants()", "tenant_size('Paper Crane GmbH')", "values_of('role')", "meant('ana')"):
            plan = " ".join(row[0] for row in mine.execute(f"{explain} SELECT * FROM handrail_search.{call}".encode()))
            assert not {"entry", "token", "tenant_access"} & set(plan.replace(".", " ").split()), plan
    mine.execute("SET client_min_messages = 'debug5'")
    mine.execute("SET debug_print_plan = on")
    heard.clear()
    mine.execute("SELECT 1")
    assert "plan:" in heard  # the caller's own is
    client = one(mine, FIND, ANY)["rows"][0]["client"]
    quiet = [
        f"find('{said('gmbh')}')", "meant('lanterx')", "values_of('role')", "tenants()", "tenant_size('Lantern BV')",
        f"client('{client}')", f"part_of('{client}', 'public.clients')",
    ]  # fmt: skip
    for call in quiet:
        heard.clear()
        mine.execute(f"SELECT handrail_search.{call}".encode())
        assert heard.count("plan:") <= 1, call  # the caller's own statement


def test_row_security_off_is_an_error(mine: psycopg.Connection) -> None:
    mine.execute("SET row_security = off")
    for call in ("find('[]')", "tenants()", "tenant_size('Lantern BV')", "meant('lanterx')", "client('x')"):
        assert state(mine, f"SELECT handrail_search.{call}").startswith(REFUSED), call
