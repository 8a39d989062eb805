"""The index says what the tables say after every write, whoever writes and however; and fails nobody's write."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest

from console.engine.clients import finding
from db.searching import Searching
from db.session import Target
from tests.driving import ask, session_of
from tests.engine.clients import crowd
from tests.engine.clients.stepping import in_step
from tests.servers import wait_until
from tests.staffed import as_login

SEED = 20_261_121
SOME = "(SELECT id FROM {} ORDER BY md5(id::text || %s) LIMIT {})"
NAMES = crowd.FIRST


def added(line: psycopg.Connection, chance: random.Random) -> None:
    crowd.fill(line, chance.randrange(1, 40), chance)


def renamed(line: psycopg.Connection, chance: random.Random) -> None:
    line.execute(
        "UPDATE clients SET metadata = coalesce(nullif(metadata, 'null'), '{}') || jsonb_build_object('name', %s::text)"
        " WHERE jsonb_typeof(metadata) = 'object' AND id IN " + SOME.format("clients", 15),
        (chance.choice(NAMES), str(chance.random())),
    )
    line.execute("UPDATE clients_enhanced SET name = name || %s, updated_at = now() WHERE id IN "
                 + SOME.format("clients_enhanced", 15), (chance.choice(NAMES), str(chance.random())))  # fmt: skip


def moved(line: psycopg.Connection, chance: random.Random) -> None:
    """To another tenant, which may be new."""
    company = chance.choice([*crowd.COMPANY, f"New {chance.randrange(1000)}"])
    line.execute("UPDATE clients_enhanced SET company_name = %s WHERE id IN " + SOME.format("clients_enhanced", 9),
                 (company, str(chance.random())))  # fmt: skip


def touched(line: psycopg.Connection, chance: random.Random) -> None:
    """What the index does not hold."""
    line.execute("UPDATE clients SET preferences = '{\"a\": 1}', last_login_at = now()")
    line.execute("UPDATE clients_enhanced SET industry = %s", (str(chance.random()),))


def emptied(line: psycopg.Connection, chance: random.Random) -> None:
    line.execute("UPDATE clients SET metadata = NULL, role = NULL WHERE id IN " + SOME.format("clients", 5),
                 (str(chance.random()),))  # fmt: skip
    line.execute("UPDATE clients_enhanced SET name = NULL, company_name = NULL, phone = NULL WHERE id IN "
                 + SOME.format("clients_enhanced", 5), (str(chance.random()),))  # fmt: skip


def gone(line: psycopg.Connection, chance: random.Random) -> None:
    for table in ("clients", "clients_enhanced"):
        line.execute(
            f"DELETE FROM {table} WHERE id IN ".encode() + SOME.format(table, 12).encode(), (str(chance.random()),)
        )


def rekeyed(line: psycopg.Connection, chance: random.Random) -> None:
    for table in ("clients", "clients_enhanced"):
        line.execute(f"UPDATE {table} SET id = gen_random_uuid() WHERE id IN ".encode() + SOME.format(table, 6).encode(),
                     (str(chance.random()),))  # fmt: skip


def copied(line: psycopg.Connection, chance: random.Random) -> None:
    with line.cursor().copy("COPY clients (email, metadata) FROM STDIN") as copy:
        for name, company, email, phone in crowd.rows(300, chance):
            held = json.dumps({"name": name, "company": company, "phone": phone})
            copy.write_row((email, held))


def upserted(line: psycopg.Connection, chance: random.Random) -> None:
    line.execute(
        "INSERT INTO clients_enhanced (id, name, status) SELECT id, 'upserted', 'lead' FROM clients"
        " WHERE id IN " + SOME.format("clients", 20) + " ON CONFLICT (id) DO UPDATE SET status = 'paused', name = NULL",
        (str(chance.random()),),
    )


def rolled_back(line: psycopg.Connection, chance: random.Random) -> None:
    with line.transaction():
        for change in (added, renamed, gone, moved):
            change(line, chance)
        raise psycopg.Rollback


CHANGES: tuple[Callable[[psycopg.Connection, random.Random], None], ...] = (
    added, renamed, moved, touched, emptied, gone, rekeyed, copied, upserted, rolled_back)  # fmt: skip


def test_it_is_in_step_after_every_batch(full: Target) -> None:
    chance = random.Random(SEED)
    with psycopg.connect(full.url, autocommit=True) as line:
        for _ in range(2):
            for change in chance.sample(CHANGES, len(CHANGES)):
                with line.transaction():
                    change(line, chance)
                assert in_step(full), f"seed {SEED}: {change.__name__}"
        line.execute("TRUNCATE clients_enhanced")
        assert in_step(full)
        line.execute("TRUNCATE clients")
        assert in_step(full)
        assert ask(full, "SELECT count(*) FROM handrail_search.entry") == 0
        added(line, chance)
        assert in_step(full)


def test_the_lite_profile_is_in_step_too(lite: Target) -> None:
    chance = random.Random(SEED)
    with psycopg.connect(lite.url, autocommit=True) as line:
        for change in CHANGES:
            with line.transaction():
                change(line, chance)
            assert in_step(lite), f"seed {SEED}: {change.__name__}"
        line.execute("TRUNCATE clients, clients_enhanced")
        assert in_step(lite)


def test_many_changes_of_one_transaction(full: Target) -> None:
    """Added, changed and gone before anybody could see it."""
    with psycopg.connect(full.url) as line:
        for n in range(20):
            line.execute("INSERT INTO clients_enhanced (name, company_name) VALUES ('Soon Gone', %s)", (f"Soon {n}",))
            line.execute("UPDATE clients_enhanced SET name = 'Sooner Gone' WHERE company_name = %s", (f"Soon {n}",))
            if n % 2:
                line.execute("DELETE FROM clients_enhanced WHERE company_name = %s", (f"Soon {n}",))
    assert in_step(full)
    assert ask(full, "SELECT count(*) FROM handrail_search.token WHERE term = 'n:sooner'") == 10


def test_a_search_sees_a_change_at_once(full: Target) -> None:
    searching = Searching(as_login(full, "support1"))
    ask(full, "INSERT INTO clients_enhanced (name) VALUES ('Brandneu')")
    assert finding.find(searching, finding.read(searching, "brandn")).count == 1
    searching.close()


ID = "00000000-0000-4000-8000-000000000001"
FIRST: LiteralString = (
    "INSERT INTO clients (id, email, metadata, role) VALUES (%s, 'two@example.com', '{\"name\": \"One\"}', 'admin')"
)
SECOND: LiteralString = "INSERT INTO clients_enhanced (id, name, status) VALUES (%s, 'Two', 'lead')"


@pytest.mark.parametrize("later", [SECOND, FIRST], ids=["second", "first"])
def test_two_who_add_one_client_in_two_tables_at_once(full: Target, later: LiteralString) -> None:
    """The later one has not seen what the earlier one wrote, and waits for it in the index."""
    earlier: LiteralString = FIRST if later is SECOND else SECOND
    with session_of(full) as one, ThreadPoolExecutor() as pool:
        one.execute(earlier, (ID,))
        other = pool.submit(ask, full, later, ID)
        wait_until(lambda: ask(full, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
        one.commit()
        other.result(30)
    assert in_step(full)
    assert (
        ask(full, "SELECT shown[1] || shown[5] || shown[6] FROM handrail_search.entry WHERE client = %s", ID)
        == "Twoadminlead"
    )


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("UPDATE clients SET role = 'owner'", "UPDATE clients_enhanced SET status = 'paused'"),
     ("UPDATE clients_enhanced SET name = 'Three'", "DELETE FROM clients"),
     ("DELETE FROM clients", "DELETE FROM clients_enhanced"),
     ("DELETE FROM clients_enhanced", "UPDATE clients SET metadata = '{\"name\": \"Four\"}'")],
    ids=lambda words: words.split()[0],
)  # fmt: skip
def test_two_who_change_one_client_in_two_tables_at_once(full: Target, earlier: str, later: str) -> None:
    for statement in (FIRST, SECOND):
        ask(full, statement, ID)
    with session_of(full) as one, ThreadPoolExecutor() as pool:
        one.execute(f"{earlier} WHERE id = '{ID}'".encode())
        other = pool.submit(ask, full, f"{later} WHERE id = '{ID}'")
        wait_until(lambda: ask(full, "SELECT count(*) FROM pg_locks WHERE NOT granted"))
        one.commit()
        other.result(30)
    assert in_step(full)


def test_writers_side_by_side_leave_it_in_step(full: Target) -> None:
    """Two writers of the same few clients in both tables, with new tenants, again and again."""

    def write(table: str, column: str) -> None:
        chance = random.Random(f"{SEED} {table}")
        with psycopg.connect(full.url, autocommit=True) as line:
            for n in range(60):
                id = f"00000000-0000-4000-8000-0000000000{chance.randrange(10, 14)}"
                if chance.random() < 0.4:
                    line.execute(f"DELETE FROM {table} WHERE id = %s".encode(), (id,))
                else:
                    line.execute(f"INSERT INTO {table} (id, email, {column}) VALUES (%s, %s, %s) ON CONFLICT (id)"
                                 f" DO UPDATE SET {column} = excluded.{column}".encode(),
                                 (id, f"{id}@example.com", "admin" if column == "role" else f"Tenant {n % 7}"))  # fmt: skip

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(write, "clients", "role"), pool.submit(write, "clients_enhanced", "company_name")]:
            done.result(60)
    assert in_step(full)


@pytest.mark.parametrize("column", ["name", "status", "updated_at", "company_name"])
def test_a_column_that_went_away_fails_no_write(full: Target, column: str) -> None:
    """What cannot be looked up is noted, with the reason; the index is made again when somebody sees it."""
    ask(full, f"ALTER TABLE clients_enhanced DROP COLUMN {column}")
    for statement in (
        "INSERT INTO clients_enhanced (id, email) VALUES ('00000000-0000-4000-8000-000000000001', 'x')",
        "UPDATE clients_enhanced SET email = 'y' WHERE id = '00000000-0000-4000-8000-000000000001'",
        "DELETE FROM clients_enhanced WHERE id = '00000000-0000-4000-8000-000000000001'",
        "UPDATE clients SET role = 'changed' WHERE id = (SELECT id FROM clients LIMIT 1)",
    ):
        before = ask(full, "SELECT count(*) FROM handrail_search.pending")
        ask(full, statement)
        assert ask(full, "SELECT count(*) FROM handrail_search.pending WHERE error = '42703'") == before + 1, statement


def test_a_key_that_went_away_fails_no_write(full: Target) -> None:
    ask(full, "ALTER TABLE clients_enhanced RENAME COLUMN id TO key")
    ask(full, "INSERT INTO clients_enhanced (name) VALUES ('Keyless')")
    ask(full, "UPDATE clients_enhanced SET name = 'Key' WHERE name = 'Keyless'")
    ask(full, "DELETE FROM clients_enhanced WHERE name = 'Key'")
    assert ask(full, "SELECT array_agg(DISTINCT error) FROM handrail_search.pending") == ["42703"]


def test_an_index_that_is_broken_fails_no_write(full: Target) -> None:
    ask(full, "DROP TABLE handrail_search.token")
    ask(full, "INSERT INTO clients_enhanced (name) VALUES ('Unheard')")
    assert ask(full, "SELECT count(*) FROM handrail_search.pending WHERE error = '42P01'") == 1


def test_what_is_to_be_kept_leaves_its_history(full: Target) -> None:
    id = ask(
        full,
        "INSERT INTO clients_enhanced (name, status, tier, email) VALUES ('H', 'lead', 'basic', 'h@x') RETURNING id::text",
    )
    for change in (
        "status = 'active'",
        "tier = 'premium', status = 'paused'",
        "email = 'i@x'",
        "status = 'paused'",
        "tier = NULL",
    ):
        ask(full, f"UPDATE clients_enhanced SET {change} WHERE id = %s", id)
    kept = ask(full, "SELECT array_agg(concat_ws(' ', field, before, '>', after) ORDER BY id) FROM handrail_search.history"
                     " WHERE client = %s", id)  # fmt: skip
    assert kept == ["status lead > active", "status active > paused", "tier basic > premium", "tier premium >"]


def test_the_application_needs_no_right_to_the_index(full: Target) -> None:
    """Its role writes as before, row security and all, and sees nothing of handrail's."""
    with psycopg.connect(full.url, autocommit=True) as line:
        line.execute("SET ROLE authenticated")
        line.execute(SECOND, (ID,))
        line.execute("UPDATE clients_enhanced SET name = 'By App' WHERE id = %s", (ID,))
        line.execute("UPDATE clients SET role = 'app'")
        for table in ("entry", "token", "pending", "history"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                line.execute(f"SELECT FROM handrail_search.{table}".encode())
        for call in ("note(ARRAY['x'])", "refresh(ARRAY['x'])", "fill(ARRAY['x'])", "documents(ARRAY['x'])"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                line.execute(f"SELECT handrail_search.{call}".encode())
        assert in_step(full)
        line.execute("DELETE FROM clients_enhanced WHERE id = %s", (ID,))
        line.execute("TRUNCATE clients_enhanced")
    assert in_step(full)
