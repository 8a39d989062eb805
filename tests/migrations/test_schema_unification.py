"""The plan schema-unification on a real server: there, in use, and back (A-1x)."""

from __future__ import annotations

import pytest
from psycopg import errors

from console.engine import journey
from console.engine.plan import Checkpoint
from db import fingerprint
from db.session import Target
from tests.driving import begun, done, drive, fingerprinted
from tests.migrations.unified import PLAN, Unified


def test_there_and_back_is_as_before(agency: Target) -> None:
    before = fingerprinted(agency)
    run = Unified(agency, done(agency, PLAN))
    assert fingerprinted(agency) != before
    run.back()
    after = fingerprinted(agency)
    assert fingerprint.differences(before, after) == []
    assert after.content == before.content


@pytest.mark.newest
def test_every_prefix_goes_back_as_it_came(agency: Target) -> None:
    """FM-H1"""
    number = begun(agency, PLAN)
    for item in PLAN.items:
        before = fingerprinted(agency)
        drive(agency, lambda here: journey.forward(here, number, "one"))
        drive(agency, lambda here: journey.back(here, number, one=True))
        after = fingerprinted(agency)
        assert fingerprint.differences(before, after) == [], item.id
        assert after.content == before.content, item.id
        drive(agency, lambda here: journey.forward(here, number, "one"))


def test_titles_fit_into_eighty_columns() -> None:
    titles = [item.what.title for item in PLAN.items]
    titles += [c.title for item in PLAN.items if isinstance(item.what, Checkpoint) for c in item.what.check]
    assert [title for title in titles if len(title) > 34] == []
    assert len(PLAN.written.phase) == 10
    assert [item.id for item in PLAN.items if item.kind == "checkpoint"] == [
        "backup", "schema", "integrity", "foreign-keys", "row-security", "functional",
    ]  # fmt: skip


# old queries, and both tables written


def test_a_write_through_the_view_reaches_both_tables(unified: Unified) -> None:
    assert unified.ask("INSERT INTO clients_unified (email) VALUES ('New@example.com') RETURNING role") == "viewer"
    both = "SELECT c.email || ' ' || e.name || ' ' || e.status FROM clients c JOIN clients_enhanced e USING (id)"
    assert unified.ask(f"{both} WHERE e.email = 'New@example.com'") == "New@example.com New active"
    moved = unified.ask(
        "UPDATE clients_unified SET email = 'moved@example.com' WHERE email = 'New@example.com' RETURNING id"
    )
    assert unified.ask(f"{both} WHERE e.id = %s", moved) == "moved@example.com moved active"
    assert unified.ask("DELETE FROM clients_unified WHERE id = %s RETURNING email", moved) == "moved@example.com"
    assert (
        unified.ask(f"SELECT count(*) FROM ({both.replace('SELECT', 'SELECT e.id,', 1)}) b WHERE id = %s", moved) == 0
    )
    assert unified.ask("SELECT count(*) FROM clients_enhanced WHERE id = %s", moved) == 0


def test_an_upsert_through_the_view_works_as_on_the_table(unified: Unified) -> None:
    upsert = """INSERT INTO clients_unified (email, role) VALUES ('up@example.com', %s)
        ON CONFLICT (email) DO UPDATE SET role = excluded.role RETURNING role"""
    assert [unified.ask(upsert, role) for role in ("editor", "admin")] == ["editor", "admin"]


def test_a_client_made_in_the_new_table_may_log_in(unified: Unified) -> None:
    made = unified.ask("INSERT INTO clients_enhanced (name, email) VALUES ('N', 'n@example.com') RETURNING id")
    found = unified.ask(
        "SELECT email || ' ' || role || metadata || preferences FROM clients_unified WHERE id = %s", made
    )
    assert found == "n@example.com viewer{}{}"
    unified.ask("UPDATE clients_enhanced SET email = 'm@example.com' WHERE id = %s", made)
    assert unified.ask("SELECT email FROM clients WHERE id = %s", made) == "m@example.com"
    unified.ask("DELETE FROM clients_enhanced WHERE id = %s", made)
    assert unified.ask("SELECT count(*) FROM clients WHERE id = %s", made) == 0
    assert unified.failing_functions() == []


def test_a_name_follows_the_login_record_until_somebody_edits_it(unified: Unified) -> None:
    unified.ask("INSERT INTO clients (email, metadata) VALUES ('f@example.com', '{\"name\": \"First\"}')")
    name = "SELECT name FROM clients_enhanced WHERE email = 'f@example.com'"
    rename = "UPDATE clients SET metadata = jsonb_build_object('name', %s::text) WHERE email = 'f@example.com'"
    unified.ask(rename, "Second")
    assert unified.ask(name) == "Second"
    unified.ask("UPDATE clients_enhanced SET name = 'Edited' WHERE email = 'f@example.com'")
    unified.ask(rename, "Third")
    assert unified.ask(name) == "Edited"


@pytest.mark.parametrize("table", ["clients", "clients_enhanced"])
def test_truncate_is_refused(unified: Unified, table: str) -> None:
    """F70: the mirror would not see it."""
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        unified.ask(f"TRUNCATE {table} CASCADE")


def test_a_bad_address_of_old_stays_editable_and_a_new_one_is_refused(unified: Unified) -> None:
    """F13"""
    bad = unified.ask("SELECT id FROM clients WHERE email LIKE 'not an address%'")
    unified.ask("UPDATE clients_enhanced SET tier = 'premium' WHERE id = %s", bad)
    unified.ask("UPDATE clients SET role = 'editor', updated_at = now() WHERE id = %s", bad)
    with pytest.raises(errors.CheckViolation):
        unified.ask("INSERT INTO clients_enhanced (name, email, created_by) VALUES ('x', 'x y', gen_random_uuid())")


def test_a_client_leaves_and_the_dependents_stay(unified: Unified) -> None:
    client = unified.ask("INSERT INTO clients (email) VALUES ('leaves@example.com') RETURNING id")
    app = unified.ask("INSERT INTO tenant_apps (client_id) VALUES (%s) RETURNING id", client)
    run = unified.ask("INSERT INTO client_deployments (client_id) VALUES (%s) RETURNING id", client)
    unified.ask("DELETE FROM clients WHERE id = %s", client)
    assert unified.ask("SELECT client_id IS NULL FROM tenant_apps WHERE id = %s", app)
    assert unified.ask("SELECT client_id IS NULL FROM client_deployments WHERE id = %s", run)
