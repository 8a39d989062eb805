"""Back from schema-unification: as before, and what was written since is kept (A-1A, FM-H7)."""

from __future__ import annotations

import threading
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from console.engine import journey
from console.engine.executor import Executor
from db import fingerprint
from db.session import Target
from tests.driving import ask, begun, drive, fingerprinted
from tests.migrations.unified import PLAN, Unified, claims

CREATOR = UUID(int=3)


def written_since(unified: Unified) -> None:
    """What people do after the plan, through every door."""
    made = unified.as_(
        "authenticated",
        claims(CREATOR, "member"),
        "INSERT INTO clients_enhanced (name, email, tier) VALUES ('Made', 'made@example.com', 'premium') RETURNING id",
    )[0][0]
    unified.ask("INSERT INTO clients_unified (email, role) VALUES ('seen@example.com', 'editor')")
    unified.ask(
        "UPDATE clients_enhanced SET email = 'moved@example.com', updated_at = now()"
        " WHERE id = (SELECT id FROM clients WHERE role = 'viewer' AND email LIKE '%.2_@%' ORDER BY id LIMIT 1)"
    )
    unified.ask("UPDATE clients_enhanced SET industry = 'ships' WHERE email LIKE '%.5_@%'")
    unified.ask("INSERT INTO client_billing_info (client_id, account_balance) VALUES (%s, 12.50)", made)
    unified.ask("INSERT INTO system_configurations (configuration_key, configuration_value) VALUES ('k', '{}')")
    unified.ask("INSERT INTO tenant_apps (client_id, name) VALUES (%s, 'since')", made)
    unified.ask("DELETE FROM clients_unified WHERE email LIKE '%.70@%'")


KEPT = "SELECT array_agg(email::text ORDER BY email) FROM clients WHERE email ~ '^(made|seen|moved)@'"
SINCE = ["made@example.com", "moved@example.com", "seen@example.com"]


def is_as_after(unified: Unified) -> None:
    """All of it is there: in the old tables where these have a column, else set aside."""
    assert unified.ask(KEPT) == SINCE
    assert unified.ask("SELECT role FROM clients WHERE email = 'seen@example.com'") == "editor"
    assert unified.ask("SELECT count(*) FROM clients WHERE email LIKE '%%.70@%%'") == 0
    assert unified.ask("SELECT count(*) FROM tenant_apps WHERE name = 'since'") == 1
    aside = "SELECT count(*) FROM handrail.set_aside WHERE source = %s"
    assert unified.ask(aside, "clients_enhanced") == 11
    assert unified.ask(aside, "client_billing_info") == 1
    assert unified.ask(aside, "system_configurations") == 1
    premium = "SELECT row ->> 'tier' FROM handrail.set_aside WHERE row ->> 'email' = 'made@example.com'"
    assert unified.ask(premium) == "premium"


def test_what_was_written_since_is_kept_and_counted(agency: Target) -> None:
    before = fingerprinted(agency)
    number = begun(agency, PLAN)
    drive(agency, lambda here: journey.forward(here, number))
    unified = Unified(agency, number)
    written_since(unified)
    assert unified.kept() == {
        "Clients who came since": 2,
        "Clients changed since": 1,
        "Clients who left since": 1,
        "Rows of dependents written since": 1,
        "Business records edited since": 11,
        "Configurations written since": 1,
        "Billing rows written since": 1,
    }
    unified.back()
    assert fingerprint.differences(before, fingerprinted(agency)) == []
    is_as_after(unified)
    assert unified.set_aside() == {"clients_enhanced": 11, "client_billing_info": 1, "system_configurations": 1}


def test_the_emergency_way_back_does_the_same(agency: Target) -> None:
    """A-18: from psql alone."""
    before = fingerprinted(agency)
    number = begun(agency, PLAN)
    drive(agency, lambda here: journey.forward(here, number))
    unified = Unified(agency, number)
    written_since(unified)
    with psycopg.connect(agency.url) as connection:
        said: dict[str, int] = dict(connection.execute("SELECT * FROM rollback_schema_unification()").fetchall())
    assert said["set aside: business values"] == 11
    assert said["set aside: settings and billing"] == 2
    assert said["orphans put back"] > 5
    assert fingerprint.differences(before, fingerprinted(agency)) == []
    is_as_after(unified)
    assert ask(agency, "SELECT version_num FROM alembic_version") == "agency_0001"
    again = begun(agency, PLAN)
    drive(agency, lambda here: journey.forward(here, again))


def test_the_emergency_way_back_gives_back_the_content_too(agency: Target) -> None:
    before = fingerprinted(agency)
    number = begun(agency, PLAN)
    drive(agency, lambda here: journey.forward(here, number))
    ask(agency, "SELECT count(*) FROM rollback_schema_unification()")
    after = fingerprinted(agency)
    assert fingerprint.differences(before, after) == []
    assert after.content == before.content


def test_a_lost_client_comes_back_from_the_backup(agency: Target) -> None:
    before = fingerprinted(agency)
    number = begun(agency, PLAN)
    drive(agency, lambda here: journey.forward(here, number))
    ask(agency, "SET session_replication_role = replica; DELETE FROM clients WHERE email LIKE '%.1_@%'")
    Unified(agency, number).back()
    assert fingerprinted(agency).content == before.content


def test_damage_to_the_new_table_does_not_spread_to_the_old(copied: Unified) -> None:
    before = copied.ask("SELECT array_agg(c ORDER BY id)::text FROM clients c")
    copied.ask("UPDATE clients_enhanced SET email = 'damage' || id, name = 'damage'")
    copied.ask("DELETE FROM clients_enhanced WHERE name IS NOT NULL AND email < 'damage8'")
    copied.back()
    assert copied.ask("SELECT array_agg(c ORDER BY id)::text FROM clients c") == before


def test_a_table_with_rows_is_not_dropped_unseen(unified: Unified) -> None:
    """Rows that an operator wrote between two undo steps stop the rollback, and are not lost."""
    drive(unified.target, lambda here: journey.back(here, unified.run, "settings"))
    unified.ask("INSERT INTO system_configurations (configuration_key, configuration_value) VALUES ('late', '1')")
    with pytest.raises(Exception, match="system_configurations or client_billing_info still holds rows"):
        drive(unified.target, lambda here: journey.back(here, unified.run))
    assert unified.ask("SELECT count(*) FROM system_configurations") == 1


def test_the_application_loses_its_right_before_rows_are_counted(unified: Unified) -> None:
    drive(unified.target, lambda here: journey.back(here, unified.run, "policies"))
    with pytest.raises(errors.InsufficientPrivilege):
        unified.as_("authenticated", claims(CREATOR, "admin"), "UPDATE clients_enhanced SET tier = 'basic'")


@pytest.mark.parametrize(
    "until",
    [None, *(pytest.param(step, marks=pytest.mark.newest) for step in ("create", "copy", "references", "policies"))],
)
def test_writers_go_on_there_and_back(agency: Target, until: str | None) -> None:
    """FM-C6, FM-H7: every write that was acknowledged is there at the end, none twice, however far the run went."""
    over = threading.Event()
    expected: dict[UUID, str | None] = {}
    apps: list[UUID] = []

    def write() -> None:
        with psycopg.connect(agency.url, autocommit=True) as connection:
            turn = 0
            while not over.is_set():
                turn += 1
                try:
                    made = connection.execute(
                        "INSERT INTO clients (email) VALUES (%s) RETURNING id", (f"w{turn}@example.com",)
                    ).fetchall()[0][0]
                    expected[made] = f"w{turn}@example.com"
                    some = list(expected)[turn // 2]
                    if turn % 5 == 0 and expected[some]:
                        connection.execute("DELETE FROM clients WHERE id = %s", (some,))
                        expected[some] = None
                    elif expected[some]:
                        connection.execute(
                            "UPDATE clients SET email = %s, updated_at = now() WHERE id = %s", (f"m{turn}@x", some)
                        )
                        expected[some] = f"m{turn}@x"
                    app = "INSERT INTO tenant_apps (client_id) VALUES (%s) RETURNING id"
                    apps.append(connection.execute(app, (made,)).fetchall()[0][0])
                except errors.DeadlockDetected:
                    continue

    def there_and_back(here: Executor) -> None:
        number = journey.begin(here, PLAN)
        journey.forward(here, number, until=until)
        journey.back(here, number)

    before = fingerprinted(agency)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        drive(agency, there_and_back)
    finally:
        over.set()
        writer.join()
    with psycopg.connect(agency.url) as connection:
        rows = connection.execute("SELECT id, email FROM clients WHERE id = ANY (%s)", (list(expected),)).fetchall()
        found = connection.execute("SELECT count(*) FROM tenant_apps WHERE id = ANY (%s)", (apps,)).fetchall()
    assert dict(rows) == {id: email for id, email in expected.items() if email}
    assert found == [(len(apps),)]
    assert len(expected) > 20
    after = fingerprinted(agency)
    assert fingerprint.differences(before, after) == []
    assert set(fingerprint.content_differences(before, after)) == {"public.clients", "public.tenant_apps"}
