"""What others do while a console works: a person stops it, another console comes, an application holds a lock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from console.engine import executor, journey, retrying, taking
from console.engine.errors import RunDriven, StepFailed, StepStopped
from console.engine.executor import Executor
from db.session import Target
from tests.driving import ask, begun, drive, kinds, sending, session_of, state, states
from tests.online import VALID, online, phase
from tests.servers import wait_until

JOURNAL_WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'handrail.event'::regclass"

pytestmark = pytest.mark.newest


def test_a_stop_never_reaches_what_the_journal_writes(sample: Target) -> None:
    """FM-A9: the attempt is being written down when the person stops it; that is still written, and then the stop."""
    number = begun(sample, sending("UPDATE person SET n = n + 1"))
    here: list[Executor] = []

    def work() -> None:
        with executor.at(sample) as one:
            here.append(one)
            journey.forward(one, number)

    with ThreadPoolExecutor() as pool, session_of(sample) as somebody:
        somebody.execute("LOCK TABLE handrail.event IN SHARE MODE")
        working = pool.submit(work)
        wait_until(lambda: ask(sample, JOURNAL_WAITS))
        here[0].cancel()
        somebody.rollback()
        assert isinstance(working.exception(30), StepStopped)
    assert (state(sample, number), states(sample, number)) == ("paused", {"one": "stopped"})
    assert kinds(sample, number)[-2:] == ["step began", "step stopped"]
    assert ask(sample, "SELECT array_agg(DISTINCT n) FROM person") == [0]


def test_the_last_try_has_its_timeout_too(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """FM-B5: whoever holds the lock is gone after two seconds, and the step has given up long before."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 0.0), (0.1, 0.0)))
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN a int"))
    with session_of(sample) as application:
        application.execute("SET idle_in_transaction_session_timeout = '2s'")
        application.execute("SELECT 1 FROM person LIMIT 1")
        with pytest.raises(StepFailed, match="It was tried 2 times"):
            drive(sample, lambda here: journey.forward(here, number))


def test_a_console_that_comes_while_an_index_is_built_disturbs_nobody(
    sample: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FM-C3, F9: one that waits inside the lock function is what the build would wait for in turn."""
    monkeypatch.setattr(taking, "PATIENCE", 0.2)
    number = begun(sample, online())
    with ThreadPoolExecutor() as pool:
        with session_of(sample) as application:
            application.execute("UPDATE person SET n = n WHERE email = 'Person1@example.org'")
            building = pool.submit(drive, sample, lambda here: journey.forward(here, number))
            wait_until(lambda: phase(sample) == "waiting for writers before build")
            with pytest.raises(RunDriven), executor.at(sample):
                pass
        building.result()
    assert (ask(sample, VALID), state(sample, number)) == (True, "done")
