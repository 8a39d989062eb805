"""The agency before any plan, its demo rows, and each of its revisions there and back (A-01 to A-04)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from console.engine.sample import dirt
from console.engine.sample.agency import COLUMNS, fill
from db import fingerprint, revisions
from db.fingerprint import Fingerprint
from db.session import Target
from tests.driving import ask, fingerprinted
from tests.servers import Server

ROLES = ["anon", "authenticated", "service_role"]
OLD_POLICIES = ["clients_service_role", "clients_update_own", "clients_view_own"]
DEPENDENTS = [table for table in COLUMNS if table not in ("clients", "auth.users")]


@pytest.fixture
def empty(server: Server) -> Iterator[Target]:
    """A database with nothing in it."""
    name = f"agency_{uuid4().hex[:12]}"
    target = Target(server.create(name), "agency")
    yield target
    target.close()
    server.drop(name)


def up(target: Target, revision: str) -> None:
    with target.executor_connection("test") as connection, connection.begin():
        revisions.upgrade(connection, "agency", revision)


def down(target: Target, revision: str) -> None:
    with target.executor_connection("test") as connection, connection.begin():
        revisions.downgrade(connection, "agency", revision)


def filled(target: Target, rows: int, seed: int = 7) -> Fingerprint:
    up(target, "agency_0001")
    with psycopg.connect(target.url) as connection:
        fill(connection, rows, seed)
    return fingerprinted(target)


def test_baseline_there_and_back_leaves_nothing_but_the_roles(empty: Target) -> None:
    before = fingerprinted(empty)
    up(empty, "agency_0001")
    assert ask(empty, "SELECT array_agg(policyname::text ORDER BY 1) FROM pg_policies") == OLD_POLICIES
    down(empty, "agency_0001")
    left = fingerprint.differences(before, fingerprinted(empty))
    assert [name for name in left if "alembic_version" not in name] == []
    assert (
        ask(empty, "SELECT array_agg(rolname::text ORDER BY 1) FROM pg_roles WHERE rolname = ANY (%s)", ROLES) == ROLES
    )


def test_a_real_auth_schema_stays_as_it_is(empty: Target) -> None:
    ask(empty, "CREATE SCHEMA auth CREATE TABLE users (id uuid PRIMARY KEY, phone text)")
    ask(empty, "CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE RETURN gen_random_uuid()")
    before = fingerprinted(empty)
    up(empty, "agency_0001")
    changed = fingerprint.differences(before, fingerprinted(empty))
    assert [name for name in changed if " auth" in name] == ["new: function auth.jwt()"]
    down(empty, "agency_0001")
    assert not [name for name in fingerprint.differences(before, fingerprinted(empty)) if " auth" in name]


def test_nobody_is_signed_in_without_a_token(empty: Target) -> None:
    up(empty, "agency_0001")
    assert ask(empty, "SELECT auth.uid() IS NULL AND auth.jwt() IS NULL")
    with psycopg.connect(empty.url) as connection:
        sub = str(uuid4())
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", (f'{{"sub": "{sub}"}}',))
        assert str(connection.execute("SELECT auth.uid()").fetchall()[0][0]) == sub
        connection.commit()
        # what is left of the setting is an empty string, not NULL (F36)
        assert connection.execute("SELECT current_setting('request.jwt.claims'), auth.uid()").fetchall() == [("", None)]


def test_rows_follow_from_the_seed(server: Server, empty: Target) -> None:
    first = filled(empty, 1000)
    for seed, same in ((7, True), (8, False)):
        name = f"agency_{uuid4().hex[:12]}"
        again = Target(server.create(name), "agency")
        found = filled(again, 1000, seed)
        again.close()
        server.drop(name)
        assert (found.content == first.content) is same
        assert [rows for rows, _ in found.content.values()] == [rows for rows, _ in first.content.values()]


DIRT = {
    "addresses that differ by case alone": "SELECT count(*) - count(DISTINCT lower(email)) FROM clients",
    "malformed addresses": "SELECT count(*) FROM clients WHERE email !~ '^[^@[:space:]]+@[^@[:space:]]+[.]'",
    "unknown roles": "SELECT count(*) FROM clients WHERE role NOT IN ('admin', 'editor', 'viewer')",
    "nothing where nothing may be": """SELECT count(*) FROM clients WHERE num_nulls(
        role, last_login_at, last_logout_at, metadata, preferences) = 5""",
    "null as jsonb has it": "SELECT count(*) FROM clients WHERE metadata = 'null'",
    "4-byte characters": "SELECT count(*) FROM clients WHERE metadata ->> 'name' LIKE '%🦊%'",
    "right to left": "SELECT count(*) FROM clients WHERE metadata ->> 'name' ~ '[א-ת].*|[ا-ي].*'",
    "very long names": f"SELECT count(*) FROM clients WHERE length(metadata ->> 'name') > {dirt.LONG * 0.9}",
    "addresses as long as may be": "SELECT count(*) FROM clients WHERE length(email) = 255",
    "terminal sequences": "SELECT count(*) FROM clients WHERE metadata ->> 'name' ~ E'\\x1b]52;.*\\x07'",
    "terminal sequences in one byte": "SELECT count(*) FROM clients WHERE metadata ->> 'name' ~ E'\\u009b'",
    "markup": "SELECT count(*) FROM clients WHERE metadata ->> 'name' LIKE '[bold]%[/]%[@click=%'",
    "formulas": "SELECT count(*) FROM clients WHERE metadata ->> 'company' LIKE '=%'",
} | {
    f"orphans of {table}": f"""SELECT count(*) FROM {table} d WHERE client_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM clients c WHERE c.id = d.client_id)"""
    for table in DEPENDENTS
}  # fmt: skip
DIRT["events without their deployment"] = """SELECT count(*) FROM deployment_tracking_events e
    WHERE deployment_id IS NOT NULL AND NOT EXISTS (SELECT FROM client_deployments d WHERE d.id = e.deployment_id)"""


@pytest.mark.parametrize("rows", [10, 3000])
def test_every_kind_of_dirt_is_there(empty: Target, rows: int) -> None:
    filled(empty, rows)
    assert ask(empty, "SELECT count(*) FROM clients") == rows
    assert [kind for kind, question in DIRT.items() if not ask(empty, question)] == []


def test_blocks_are_told_of(empty: Target) -> None:
    up(empty, "agency_0001")
    told: list[tuple[str, int, int]] = []
    with psycopg.connect(empty.url) as connection:
        fill(connection, 4500, tell=lambda *block: told.append(block))
    assert [block for block in told if block[0] == "clients"] == [
        ("clients", 2000, 4500),
        ("clients", 4000, 4500),
        ("clients", 4500, 4500),
    ]


def test_each_revision_there_and_back(agency: Target) -> None:
    """With rows in the tables; the plan's other steps are not needed for it (FM-H1)."""
    for revision in revisions.known("agency")[1:]:
        before = fingerprinted(agency)
        up(agency, revision)
        assert fingerprinted(agency) != before
        down(agency, revision)
        assert fingerprint.differences(before, fingerprinted(agency)) == [], revision
        assert fingerprinted(agency).content == before.content, revision
        up(agency, revision)


def test_each_revision_can_say_its_sql_offline() -> None:
    for revision in revisions.known("agency"):
        for back in (False, True):
            assert revisions.rendered("agency", revision, down=back)
