"""FM-P5: what one user of the pool leaves on a connection never reaches the next."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import perf_counter
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from db import pool
from db.session import Target
from tests.driving import ask
from tests.staffed import as_login

LOGIN, ROLE = "pooled", "worn"
DIRTIED = ("search_path", "statement_timeout", "lock_timeout", "work_mem", "TimeZone", "row_security", "DateStyle",
           "IntervalStyle", "default_transaction_read_only", "default_transaction_isolation",
           "session_replication_role", "application_name", "client_encoding")  # fmt: skip
STATE = f"""
SELECT session_user::text, current_user::text, ARRAY[{", ".join(f"current_setting('{name}')" for name in DIRTIED)}],
       coalesce(current_setting('app.tenant', true), ''),
       (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
       ARRAY(SELECT pg_listening_channels()),
       (SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()),
       (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_cursors WHERE is_holdable)
"""
EVERYTHING = "SELECT array_agg(name || '=' || setting ORDER BY name) FROM pg_settings WHERE name NOT LIKE 'app.%'"

Dirty = Callable[[Connection, random.Random], None]


def sent(statement: str, *, kept: bool = True) -> Dirty:
    """Committed, or left open in its transaction."""

    def dirty(connection: Connection, _: random.Random) -> None:
        connection.exec_driver_sql(statement)
        if kept:
            connection.commit()

    return dirty


def a_setting(connection: Connection, chance: random.Random) -> None:
    name, value = chance.choice([("search_path", "public"), ("statement_timeout", "1h"), ("lock_timeout", "1h"),
                                 ("work_mem", "64kB"), ("TimeZone", "Asia/Tokyo"), ("row_security", "off"),
                                 ("DateStyle", "German"), ("default_transaction_read_only", "on"),
                                 ("application_name", "other"), ("app.tenant", "7")])  # fmt: skip
    connection.exec_driver_sql(f"SET {name} = '{value}'")
    if chance.random() < 0.8:
        connection.commit()


def local_in_autocommit(connection: Connection, _: random.Random) -> None:
    """FM-P6: it only warns."""
    alone = connection.execution_options(isolation_level="AUTOCOMMIT")
    alone.exec_driver_sql("SET LOCAL app.tenant = '7'")
    alone.exec_driver_sql("SET work_mem = '64kB'")


def an_error(connection: Connection, chance: random.Random) -> None:
    """Left in a transaction, of which SQLAlchemy knows or does not."""
    connection.exec_driver_sql("SET LOCAL work_mem = '64kB'")
    if chance.random() < 0.5:
        connection.rollback()
        driver_of(connection).execute("SET TimeZone = 'Asia/Tokyo'")
    with suppress(DBAPIError, psycopg.Error):
        driver_of(connection).execute("SELECT 1 / 0")


def a_temporary_table(connection: Connection, chance: random.Random) -> None:
    connection.exec_driver_sql(f"CREATE TEMP TABLE pg_class_{chance.randrange(9)} (a int)")
    if chance.random() < 0.5:
        connection.commit()


def raw_autocommit(connection: Connection, _: random.Random) -> None:
    """What a user of the driver does, and does not put back."""
    driver = driver_of(connection)
    driver.autocommit = True
    driver.execute(f"SET ROLE {ROLE}".encode())


DIRT: dict[str, Dirty] = {
    "setting": a_setting,
    "local in autocommit": local_in_autocommit,
    "role": sent(f"SET ROLE {ROLE}"),
    "role, open": sent(f"SET ROLE {ROLE}", kept=False),
    "advisory lock": sent("SELECT pg_advisory_lock(42)"),
    "shared lock": sent("SELECT pg_advisory_lock_shared(7, 7)", kept=False),
    "listening": sent("LISTEN somewhere"),
    "temporary table": a_temporary_table,
    "prepared": sent("PREPARE asked AS SELECT 1"),
    "cursor": sent("DECLARE held CURSOR WITH HOLD FOR SELECT 1"),
    "error": an_error,
    "driver": raw_autocommit,
    "nothing": sent("SELECT 1"),
}


@pytest.fixture
def login(sample: Target) -> Iterator[Target]:
    """A login of its own that may become a role; the owner of the database has settings of theirs for it."""
    for role in (f"{LOGIN} LOGIN", ROLE):
        ask(sample, f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    ask(sample, f"GRANT {ROLE} TO {LOGIN}")
    name = database(sample)
    ask(sample, f"ALTER DATABASE {name} SET statement_timeout = '100ms'")
    ask(sample, f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    ask(sample, f"ALTER DATABASE {name} SET TimeZone = 'Asia/Kolkata'")
    made = as_login(sample, LOGIN)
    yield made
    made.close()


def stays_clean(login: Target, times: int, seed: int) -> None:
    print(f"seed {seed}")  # the whole of a failure can be had again
    chance, engine, done = random.Random(seed), login.questions(), Counter[str]()
    with engine.connect() as first:
        clean, everything = first.execute(text(STATE)).one(), first.scalar(text(EVERYTHING))
    assert (clean[:2], clean[3:]) == ((LOGIN, LOGIN), ("", 0, [], 0, 0, 0))
    last, backends = "nothing", set[int]()
    for number in range(times):
        with engine.connect() as connection:
            backends.add(backend(connection))
            assert connection.execute(text(STATE)).one() == clean, f"checkout {number}, after: {last}"
            if number % 100 == 0:
                assert connection.scalar(text(EVERYTHING)) == everything, f"checkout {number}, after: {last}"
            connection.rollback()
            last = chance.choice(list(DIRT))
            DIRT[last](connection, chance)
            done[last] += 1
    assert set(done) == set(DIRT)
    assert len(backends) < 3  # they were cleaned, not thrown away


@pytest.mark.newest
def test_ten_thousand_users_of_one_pool(login: Target) -> None:
    stays_clean(login, 10_000, random.randrange(2**32))


def test_two_hundred_users_of_one_pool(login: Target) -> None:
    stays_clean(login, 200, 1)


def test_another_session_user_comes_back(sample: Target) -> None:
    """Only a superuser may become somebody else altogether, or switch triggers off."""
    for _ in range(3):
        with sample.questions().connect() as connection:
            assert connection.scalar(text("SELECT session_user || ' ' || current_user")) == "postgres postgres"
            assert connection.scalar(text("SHOW session_replication_role")) == "origin"
            connection.exec_driver_sql("SET session_replication_role = replica")
            connection.exec_driver_sql("SET SESSION AUTHORIZATION pg_monitor")
            connection.commit()


def test_a_role_of_the_logins_own_stays(sample: Target, login: Target) -> None:
    """ALTER ROLE ... SET role is how some sites log in."""
    ask(sample, f"ALTER ROLE {LOGIN} IN DATABASE {database(sample)} SET role = {ROLE}")
    for _ in range(3):
        with login.questions().connect() as connection:
            assert connection.scalar(text("SELECT session_user || ' ' || current_user")) == f"{LOGIN} {ROLE}"
            connection.exec_driver_sql("SET ROLE NONE")
            connection.commit()


@pytest.mark.newest
def test_a_session_that_ended_is_replaced_without_a_word(login: Target, capfd: pytest.CaptureFixture[str]) -> None:
    """A terminal that a screen is painted on is no place for a log."""
    with login.questions().connect() as connection:
        before = backend(connection)
        connection.rollback()
        ask(login, f"SELECT pg_terminate_backend({before})")
    with login.questions().connect() as connection:
        assert backend(connection) != before
    assert capfd.readouterr().err == ""


@pytest.mark.newest
def test_a_connection_that_cannot_be_cleaned_is_closed(
    login: Target, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pool, "CLEAN", "SELECT 1 / 0")
    seen = set()
    for _ in range(3):
        with login.questions().connect() as connection:
            assert connection.scalar(text("SHOW TimeZone")) == "UTC"
            connection.exec_driver_sql("SET TimeZone = 'Asia/Tokyo'")
            connection.commit()
            seen.add(backend(connection))
    assert len(seen) == 3
    assert capfd.readouterr().err == ""


@pytest.mark.newest
def test_a_copy_that_was_left_half_way_ends_with_its_connection(login: Target) -> None:
    with login.questions().connect() as connection:
        before = backend(connection)
        connection.rollback()
        driver_of(connection).pgconn.exec_(b"COPY (SELECT generate_series(1, 100000)) TO STDOUT")
    with login.questions().connect() as connection:
        assert backend(connection) != before


@pytest.mark.newest
def test_it_costs_a_round_trip(login: Target) -> None:
    """0.2 ms on a machine at rest."""
    costs = []
    for _ in range(300):
        with login.questions().connect() as connection:
            connection.exec_driver_sql("SET work_mem = '64kB'")
            connection.commit()
            began = perf_counter()
        costs.append(perf_counter() - began)
    print(f"median {sorted(costs)[150] * 1000:.3f} ms")
    assert sorted(costs)[150] < 0.003


def driver_of(connection: Connection) -> psycopg.Connection[Any]:
    driver: Any = connection.connection.driver_connection
    return cast("psycopg.Connection[Any]", driver)


def backend(connection: Connection) -> int:
    return driver_of(connection).info.backend_pid


def database(target: Target) -> str:
    return str(target.parameters["dbname"])
