"""Somebody else builds the index already: handrail waits in polls and never drops what is being built (FM-A5, F9)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from console.engine import executor, journey
from console.engine.errors import StepStopped
from console.engine.executor import Executor
from db.session import Target
from tests.driving import ask, begun, drive, look, session_of, state
from tests.online import CREATE, DROP, VALID, cancel, mended, online, phase
from tests.servers import wait_until

pytestmark = pytest.mark.newest  # it is not the server that decides

OLD = "waiting for old snapshots"
BUILDER = "SELECT pid FROM pg_stat_progress_create_index WHERE datname = current_database()"


@contextmanager
def being_built(target: Target) -> Iterator[tuple[ThreadPoolExecutor, Future[Any], int]]:
    """The index while another session builds it, held until the block ends; a pool, the build and its pid."""
    with ThreadPoolExecutor() as pool, session_of(target) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT count(*) FROM handrail.target")
        build = pool.submit(ask, target, CREATE)
        wait_until(lambda: phase(target) == OLD)
        yield pool, build, ask(target, BUILDER)


def waiting(target: Target, number: int) -> str:
    return look(target, number).steps[0].progress.get("waiting") or ""


def test_what_another_session_builds_is_waited_for(sample: Target) -> None:
    number = begun(sample, online())
    with being_built(sample) as (pool, build, pid):
        driving = pool.submit(drive, sample, lambda here: journey.forward(here, number))
        wait_until(lambda: waiting(sample, number) == f"pid {pid} builds it")
        built = ask(sample, "SELECT 'person_email'::regclass::oid")
    driving.result()
    assert build.exception() is None
    assert (ask(sample, VALID), ask(sample, "SELECT 'person_email'::regclass::oid")) == (True, built)
    assert (waiting(sample, number), mended(sample, number)) == ("", None)


def test_what_another_session_gave_up_is_built_again(sample: Target) -> None:
    number = begun(sample, online())
    with being_built(sample) as (pool, build, pid):
        driving = pool.submit(drive, sample, lambda here: journey.forward(here, number))
        wait_until(lambda: waiting(sample, number))
        cancel(sample, pid)
        assert isinstance(build.exception(), psycopg.errors.QueryCanceled)
        wait_until(lambda: not waiting(sample, number))
    driving.result()
    assert (ask(sample, VALID), mended(sample, number)) == (True, ["person_email"])


@pytest.mark.parametrize("way", ["CREATE", "DROP"])
def test_the_wait_can_be_stopped(sample: Target, way: str) -> None:
    """Between two polls there is nothing to cancel; and a DROP waits as a CREATE does."""
    number = begun(sample, online(*((CREATE, DROP) if way == "CREATE" else (DROP, CREATE))))
    stop = threading.Event()
    with being_built(sample) as (pool, build, _):

        def stopped(here: Executor) -> None:
            stop.wait()
            here.stop.wanted.set()

        def driven() -> None:
            with executor.at(sample) as here:
                pool.submit(stopped, here)
                journey.forward(here, number)

        driving = pool.submit(driven)
        wait_until(lambda: waiting(sample, number))
        stop.set()
        assert isinstance(driving.exception(20), StepStopped)
        assert state(sample, number) == "paused"
    assert build.exception() is None
    assert ask(sample, VALID) is True


def test_a_login_that_may_not_see_progress_sees_the_lock(sample: Target) -> None:
    """Without pg_read_all_stats the progress view hides what others build."""
    role = sql.Identifier(f"narrow_{sample.parameters['dbname']}")
    with psycopg.connect(sample.url, autocommit=True) as admin:
        for statement in (
            "CREATE ROLE {} LOGIN",
            "ALTER TABLE person OWNER TO {}",
            "GRANT USAGE, CREATE ON SCHEMA public, handrail TO {}",
            "GRANT ALL ON ALL TABLES IN SCHEMA handrail TO {}",
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA handrail TO {}",
        ):
            admin.execute(sql.SQL(statement).format(role))
    number = begun(sample, online())
    narrow = Target(psycopg.conninfo.make_conninfo(sample.url, user=f"narrow_{sample.parameters['dbname']}"), "sample")
    with being_built(sample) as (pool, build, pid):
        driving = pool.submit(drive, narrow, lambda here: journey.forward(here, number))
        wait_until(lambda: waiting(sample, number) == f"pid {pid} works on its table")
    driving.result()
    assert (build.exception(), ask(sample, VALID)) == (None, True)
    with psycopg.connect(sample.url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
        admin.execute(sql.SQL("DROP ROLE {}").format(role))
