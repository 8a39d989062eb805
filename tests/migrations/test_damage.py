"""What goes wrong turns a checkpoint red, and the functions for psql with it (A-18, A-19)."""

from __future__ import annotations

import pytest

from tests.migrations.unified import Unified

pytestmark = pytest.mark.newest  # the plan itself is run on every version, in test_schema_unification

ONE = "(SELECT id FROM clients_enhanced ORDER BY id LIMIT 1)"


def unseen(statement: str) -> str:
    """As damage does it: no trigger, no foreign key (F43)."""
    return f"SET session_replication_role = replica; {statement}"


INTEGRITY = {
    "a row lost on the way": (f"DELETE FROM clients_enhanced WHERE id = {ONE}", {"rows-arrived", "same-count"}),
    "a client lost": (
        unseen(f"DELETE FROM clients WHERE id = {ONE}"), {"rows-known", "rows-of-backup", "same-count"},
    ),
    "a row nobody wrote": (
        "INSERT INTO clients_enhanced (name, email) VALUES ('x', 'x@example.com')", {"rows-known", "same-count"},
    ),
    "an address changed": (f"UPDATE clients_enhanced SET email = 'z' WHERE id = {ONE}", {"values-arrived"}),
    "a time changed": (
        f"UPDATE clients_enhanced SET created_at = created_at - interval '1 us' WHERE id = {ONE}", {"values-arrived"},
    ),
    "a name changed": (f"UPDATE clients_enhanced SET name = name || ' ' WHERE id = {ONE}", {"names-arrived"}),
    "a role changed": (f"UPDATE clients SET role = 'owner' WHERE id = {ONE}", {"login-columns"}),
    "metadata lost": (
        unseen("UPDATE clients SET metadata = NULL WHERE metadata = 'null'"), {"login-columns"},
    ),
    "a log-in set back": (
        "UPDATE clients SET last_login_at = '2001-01-01' WHERE id ="
        " (SELECT id FROM clients WHERE last_login_at IS NOT NULL ORDER BY id LIMIT 1)", {"log-ins-forward"},
    ),
}  # fmt: skip


def test_nothing_is_red_without_damage(copied: Unified, unified: Unified) -> None:
    assert copied.failing("integrity") == []
    for checkpoint in ("backup", "integrity", "foreign-keys", "row-security", "functional"):
        assert unified.failing(checkpoint) == []
    assert unified.failing_functions() == []


@pytest.mark.parametrize(("statement", "red"), INTEGRITY.values(), ids=INTEGRITY)
def test_every_damage_to_data_is_found(copied: Unified, statement: str, red: set[str]) -> None:
    copied.ask(statement)
    assert set(copied.failing("integrity")) == red


def test_what_the_application_does_meanwhile_is_no_damage(copied: Unified) -> None:
    one = f"WHERE id = {ONE}"
    copied.ask(f"UPDATE clients SET last_login_at = now() {one}")
    copied.ask(f"UPDATE clients SET role = 'editor', email = 'other@example.com', updated_at = now() {one}")
    copied.ask("INSERT INTO clients (email) VALUES ('new@example.com')")
    copied.ask("DELETE FROM clients WHERE id = (SELECT id FROM clients ORDER BY id DESC LIMIT 1)")
    assert copied.failing("integrity") == []
    assert copied.failing("backup") == []


STRUCTURE = [
    ("DROP INDEX clients_enhanced_tier_idx", "schema", "indexes-valid"),
    ("ALTER TABLE clients DISABLE TRIGGER clients_mirror_added", "schema", "mirror-stands"),
    ("ALTER TABLE tenant_apps DROP CONSTRAINT tenant_apps_client_id_fkey", "foreign-keys", "references-valid"),
    (unseen("INSERT INTO tenant_apps (client_id) VALUES (gen_random_uuid())"), "foreign-keys", "tenant-apps"),
    (
        unseen("INSERT INTO deployment_tracking_events (deployment_id) VALUES (gen_random_uuid())"),
        "foreign-keys",
        "events-deployment",
    ),
    ("DROP POLICY unified_read ON client_analytics", "row-security", "forced"),
    ("ALTER TABLE clients NO FORCE ROW LEVEL SECURITY", "row-security", "forced"),
    ("ALTER TABLE orphans_quarantine DISABLE ROW LEVEL SECURITY", "row-security", "forced"),
    ("ALTER VIEW clients_unified RESET (security_invoker)", "row-security", "view-of-invoker"),
    ("CREATE POLICY open ON clients FOR SELECT USING (true)", "row-security", "only-the-gateway"),
    ("DROP FUNCTION rollback_schema_unification()", "functional", "way-back-there"),
]


@pytest.mark.parametrize(("statement", "checkpoint", "check"), STRUCTURE)
def test_every_damage_to_the_structure_is_found(unified: Unified, statement: str, checkpoint: str, check: str) -> None:
    unified.ask(statement)
    assert check in unified.failing(checkpoint)
    if check != "way-back-there":
        assert unified.failing_functions() != []
        assert unified.failing("functional") != []


WIDER = {
    "a policy for all who signed in": "CREATE POLICY wide ON clients FOR SELECT TO authenticated USING (true)",
    "one dropped": "DROP POLICY unified_remove ON clients",
    "a view with its owner's rights": "ALTER VIEW clients_unified RESET (security_invoker)",
    "row security off": "ALTER TABLE tenant_apps DISABLE ROW LEVEL SECURITY",
    "a grant too many": "GRANT SELECT ON orphans_quarantine TO service_role",
}


@pytest.mark.parametrize("statement", WIDER.values(), ids=WIDER)
def test_the_access_matrix_finds_what_the_catalog_would_not_say(unified: Unified, statement: str) -> None:
    """FM-P1, FM-P9, FM-P14: it is tried, not read."""
    unified.ask(statement)
    assert "access" in unified.failing("row-security")


def test_the_functions_answer_when_a_table_is_gone(unified: Unified) -> None:
    unified.ask("DROP VIEW clients_unified; DROP TABLE client_billing_info")
    assert {"supporting tables exist", "foreign keys are validated"} <= set(unified.failing_functions())
    assert unified.ask("SELECT count(*) FROM comprehensive_schema_validation()") >= 15
    unified.ask("ALTER TABLE clients_enhanced DROP COLUMN phone")
    assert "clients_enhanced has its columns" in unified.failing_functions()


def test_the_quick_validation_asks_less_and_agrees(unified: Unified) -> None:
    quick = "SELECT count(*) FROM validate_schema_unification()"
    assert 5 <= unified.ask(quick) < unified.ask(quick.replace("validate_schema", "comprehensive_schema")
                                                 .replace("unification", "validation"))  # fmt: skip
    unified.ask("DROP INDEX clients_enhanced_tier_idx")
    assert unified.ask(f"{quick} WHERE status <> 'passed'") == 1


def test_nobody_but_the_owner_may_call_the_functions(unified: Unified) -> None:
    """F39, FM-P13"""
    closed = """SELECT array_agg(oid::regprocedure::text) FROM pg_proc
        WHERE (pronamespace = 'unification'::regnamespace OR proname ~ 'schema_(validation|unification)$')
        AND (has_function_privilege('anon', oid, 'EXECUTE') OR has_function_privilege('service_role', oid, 'EXECUTE'))"""
    assert unified.ask(closed) is None
