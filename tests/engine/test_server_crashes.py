"""Crashes of the server under a run, and connections that come and go (FM-B1, FM-A8)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import psutil
import psycopg
import pytest
from sqlalchemy import Engine, event

from console.engine import executor, hold, journey, retrying
from db import postgres
from db.errors import ConnectionFailed
from db.models import Event
from db.session import Target
from tests.crash import templates
from tests.crash.faults import cut
from tests.crash.moments import stop_at_once
from tests.driving import ask, begun, drive, events, kinds, state, states, tiny
from tests.engine.patient import FILL, PATIENT, once_each, sending
from tests.servers import Server, serving, wait_until

pytestmark = pytest.mark.newest  # it is not the server that decides


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that may be crashed, with the template `people`."""
    with serving(18) as started:
        templates.people(started, "people")
        yield started


@pytest.fixture
def fragile(own: Server) -> Iterator[Target]:
    target = Target(own.create("fragile", "people"))
    yield target
    target.close()
    own.drop("fragile")


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """One long wait, so that a step is found in the middle of it."""
    monkeypatch.setattr(retrying, "LADDER", PATIENT)


Driving = tuple["Future[None]", list[Event]]


@contextmanager
def in_the_middle(target: Target, number: int) -> Iterator[Driving]:
    """The step has its transaction open, has written, and waits for an application, which a crash ends as well."""
    heard: list[Event] = []
    application = psycopg.connect(target.url)
    with ThreadPoolExecutor() as pool:
        try:
            application.execute("SELECT 1 FROM person WHERE email = 'Person3000@example.org' FOR UPDATE")
            driving = pool.submit(drive, target, lambda here: journey.forward(here, number), heard)
            wait_until(lambda: ask(target, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
            yield driving, heard
        finally:
            application.close()


@pytest.mark.usefixtures("patient")
def test_after_a_crash_of_another_backend_it_comes_back_by_itself(fragile: Target) -> None:
    """FM-B1, F26: kill -9 of one backend ends all sessions (57P02); the server recovers, and the step runs again."""
    number = begun(fragile, sending("UPDATE person SET n = n + 1"))
    with in_the_middle(fragile, number) as (driving, heard), psycopg.connect(fragile.url) as another:
        psutil.Process(another.info.backend_pid).kill()
        driving.result(60)
    assert state(fragile, number) == "done"
    assert once_each(fragile, number)
    (lost,) = (said for said in heard if said.kind == "connection lost")
    (back,) = (said for said in events(fragile, number) if said.kind == "connection back")
    assert (lost.step, back.step, back.by) == ("one", "one", "postgres")


@pytest.mark.usefixtures("patient")
def test_a_server_that_is_stopped_at_once_and_started_again_is_waited_for(own: Server, fragile: Target) -> None:
    """FM-B1: as pg_ctl stop -m immediate; half a minute of maintenance is no reason to call a person."""
    number = begun(fragile, sending("UPDATE person SET n = n + 1"))
    fragile.close()
    with in_the_middle(fragile, number) as (driving, heard):
        stop_at_once(own)
        wait_until(lambda: [said for said in heard if said.kind == "connection lost"])
        postgres.start(own.version, own.embedded.pgdata.parent)
        driving.result(60)
    assert (state(fragile, number), once_each(fragile, number)) == ("done", True)
    assert "connection back" in kinds(fragile, number)


@pytest.mark.usefixtures("patient")
def test_a_server_that_stays_away_is_given_up_and_the_journal_is_right(
    own: Server, fragile: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FM-B1: nothing of the step is there, the attempt stands, and a person resumes."""
    monkeypatch.setattr(hold, "RETURN_SECONDS", 0.2)
    number = begun(fragile, sending("UPDATE person SET n = n + 1"))
    fragile.close()
    with in_the_middle(fragile, number) as (driving, _):
        stop_at_once(own)
        assert isinstance(driving.exception(60), ConnectionFailed)
    postgres.start(own.version, own.embedded.pgdata.parent)
    assert (state(fragile, number), states(fragile, number)) == ("running", {"one": "running"})
    assert ask(fragile, "SELECT array_agg(DISTINCT n) FROM person") == [0]
    drive(fragile, lambda here: journey.resume(here, number))
    assert (state(fragile, number), once_each(fragile, number)) == ("done", True)


@pytest.mark.usefixtures("patient")
def test_a_backfill_survives_a_crash_between_its_batches(fragile: Target) -> None:
    """FM-B1, FM-A8: acknowledged batches are there (synchronous_commit), the others are not; no row is changed twice."""
    number = begun(fragile, tiny(FILL))
    with in_the_middle(fragile, number) as (driving, _), psycopg.connect(fragile.url) as another:
        psutil.Process(another.info.backend_pid).kill()
        driving.result(60)
    assert (state(fragile, number), once_each(fragile, number)) == ("done", True)
    assert "connection back" in kinds(fragile, number)


@pytest.mark.newest
def test_a_connection_that_is_lost_again_while_it_comes_back(sample: Target) -> None:
    """FM-B1: a network that comes and goes, at each statement of the way back."""
    for point in range(1, 15):
        number = begun(sample, sending("UPDATE person SET n = n + 1"))
        with flickering(sample, point) as here:
            journey.forward(here, number)
        assert (state(sample, number), once_each(sample, number)) == ("done", True), f"cut at {point}"
        drive(sample, partial(journey.back, run=number))
        ask(sample, "UPDATE person SET n = 0")


@contextmanager
def flickering(target: Target, point: int) -> Iterator[executor.Executor]:
    """An executor whose connection is cut in its first step, and then once more at that point of coming back."""
    left: list[int] = []
    there: list[executor.Executor] = []

    def heard(said: Event) -> None:
        if said.kind == "step began" and not left:
            cut(target, there[0])
        if said.kind == "connection lost" and not left:
            left.append(point)

    def reached(*_: object) -> None:
        if left:
            left[0] -= 1
            if left[0] == 0:
                cut(target, there[0])

    for name in ("begin", "after_cursor_execute"):
        event.listen(Engine, name, reached)
    try:
        with executor.at(target, heard) as here:
            there.append(here)
            yield here
    finally:
        for name in ("begin", "after_cursor_execute"):
            event.remove(Engine, name, reached)
