"""What the executor does when something goes wrong (I-1, I-2, I-4)."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from console.engine import executor, journey, reading, retrying, taking
from console.engine.errors import CheckFailed, RunDriven, StepFailed, StepStopped
from console.engine.plan import Plan
from db.errors import ConnectionFailed, NotPrepared
from db.session import Target
from tests import ungated
from tests.driving import (
    ask,
    begun,
    done,
    drive,
    events,
    fingerprinted,
    kinds,
    look,
    sending,
    session_of,
    state,
    states,
)
from tests.servers import Server, wait_until


def test_a_statement_that_fails_half_way_leaves_nothing(sample: Target) -> None:
    """FM-A1: the work and its journal row are one transaction."""
    before = fingerprinted(sample)
    number = begun(sample, sending("CREATE TABLE half (a int);\n\nINSERT INTO half VALUES (1/0);"))
    with pytest.raises(StepFailed) as caught:
        drive(sample, lambda here: journey.forward(here, number))
    assert caught.value.message == "one failed: one line 3: division by zero (22012)"
    assert fingerprinted(sample) == before
    assert (state(sample, number), states(sample, number)) == ("failed", {"one": "failed"})
    assert look(sample, number).steps[0].error == "one line 3: division by zero (22012)"


def test_a_failed_step_goes_on_after_it_was_mended(sample: Target) -> None:
    number = begun(sample, sending("INSERT INTO wanted VALUES (1)"))
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "CREATE TABLE wanted (a int)")
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "done"
    assert look(sample, number).steps[0].attempts == 2


def test_a_deferred_constraint_speaks_before_done(sample: Target) -> None:
    """FM-B7"""
    ask(
        sample,
        "CREATE TABLE child (id uuid REFERENCES person DEFERRABLE INITIALLY DEFERRED)",
    )
    number = begun(sample, sending("INSERT INTO child VALUES (gen_random_uuid())"))
    with pytest.raises(StepFailed, match="violates foreign key"):
        drive(sample, lambda here: journey.forward(here, number))
    assert states(sample, number) == {"one": "failed"}


def test_a_percent_sign_is_a_percent_sign(sample: Target) -> None:
    number = begun(sample, sending("DELETE FROM person WHERE email LIKE 'Person1%' AND email <> ':no %s'"))
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, "SELECT count(*) FROM person WHERE email LIKE 'Person1%'") == 0


def test_two_executors_exclude_each_other(sample: Target, small: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-4, and the message says who has it."""
    monkeypatch.setattr(taking, "PATIENCE", 0.2)
    number = begun(sample, small)
    with (
        executor.at(sample),
        pytest.raises(RunDriven, match=r"Another session runs steps on sample now: postgres, pid \d+"),
        executor.at(sample) as second,
    ):
        journey.forward(second, number)
    assert set(states(sample, number).values()) == {"waiting"}


def test_the_executor_never_waits_for_the_lock() -> None:
    """FM-C3: a session that waits in pg_advisory_lock() deadlocks an index build."""
    source = Path(executor.__file__).parent.parent.parent
    for path in [*source.joinpath("console").rglob("*.py"), *source.joinpath("db").rglob("*.py")]:
        assert "pg_advisory_lock(" not in path.read_text(encoding="utf-8").replace("pg_try_advisory_lock(", "")


def test_others_see_the_step_that_is_under_way(sample: Target) -> None:
    """F69: the attempt commits before the step begins, with its backend."""
    number = begun(sample, sending("LOCK TABLE person"))
    with session_of(sample) as application:
        application.execute("SELECT 1 FROM person LIMIT 1")
        worker = threading.Thread(target=lambda: suppressed(sample, number))
        worker.start()
        wait_until(lambda: states(sample, number)["one"] == "running")
        step = look(sample, number).steps[0]
        assert ask(sample, "SELECT application_name FROM pg_stat_activity WHERE pid = %s", step.pid) == (
            "handrail: executor"
        )
        application.rollback()
        worker.join()
    assert state(sample, number) == "done"


def suppressed(target: Target, number: int) -> None:
    drive(target, lambda here: journey.forward(here, number))


def test_a_lock_that_is_held_is_not_waited_for_long(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-8, FM-B5: the ladder ends, the step fails, the timeout was never dropped."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 0.1), (0.1, 0.1), (0.2, 0.0)))
    number = begun(sample, sending("ALTER TABLE person ADD COLUMN a int"))
    with session_of(sample) as application:
        application.execute("SELECT 1 FROM person LIMIT 1")
        with pytest.raises(StepFailed, match=r"holds the lock that is needed\. It was tried 3 times\."):
            drive(sample, lambda here: journey.forward(here, number))
        tried = [event.detail for event in events(sample, number) if event.kind == "tried again"]
        assert [(told["tried"], told["tries"]) for told in tried] == [(1, 3), (2, 3)]
        assert {told["blockers"][0]["pid"] for told in tried} == {application.info.backend_pid}
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "done"


def test_stopping_cancels_the_statement_and_tells_the_journal(sample: Target) -> None:
    """FM-A9, UX-O4"""
    number = begun(sample, sending("SELECT pg_sleep(600)"))
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            with executor.at(sample) as here:
                running.append(here)
                journey.forward(here, number)
        except StepStopped as stopped:
            outcome.append(stopped)

    running: list[executor.Executor] = []
    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: states(sample, number)["one"] == "running")
    while worker.is_alive():
        running[0].cancel()
        worker.join(0.1)
    assert outcome
    assert (state(sample, number), states(sample, number)["one"]) == ("paused", "stopped")
    assert kinds(sample, number)[-1] == "step stopped"


def test_a_lost_connection_leaves_a_true_journal(sample: Target) -> None:
    """FM-B1: nobody could write down the end; the attempt stands, nothing of the step does."""
    before = fingerprinted(sample)
    number = begun(sample, sending("CREATE TABLE lost (a int); SELECT pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(ConnectionFailed):
        drive(sample, lambda here: journey.forward(here, number))
    assert fingerprinted(sample) == before
    assert (state(sample, number), states(sample, number)["one"]) == ("running", "running")


def test_a_deadlock_is_tried_again_and_journalled(sample: Target) -> None:
    """FM-B6: the step holds one row and wants another, whose holder wants the first."""
    first, last = (f"UPDATE person SET email = email || '!' WHERE email = 'Person{n}@example.org'" for n in (1, 2))
    number = begun(sample, sending(f"{first}; {last}"))
    with session_of(sample) as application:
        application.execute(last.encode())
        worker = threading.Thread(target=lambda: suppressed(sample, number))
        worker.start()
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        application.execute(b"SET deadlock_timeout = '10s'")
        application.execute(first.encode())
        application.commit()
        worker.join()
    assert state(sample, number) == "done"
    assert "tried again" in kinds(sample, number)
    assert ask(sample, "SELECT array_agg(email ORDER BY email) FROM person WHERE email LIKE '%!'") == [
        "Person1@example.org!",
        "Person2@example.org!",
    ]


def test_a_failed_check_stops_the_run_and_is_measured_again(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number, until="call", said=True))
    ask(sample, "UPDATE person SET email_lc = 'wrong' WHERE id = (SELECT id FROM person LIMIT 1)")
    with pytest.raises(CheckFailed, match="1 of 3 checks failed: filled"):
        drive(sample, lambda here: journey.forward(here, number))
    assert (state(sample, number), states(sample, number)["changed"]) == ("failed", "failed")
    ask(sample, "UPDATE person SET email_lc = lower(email)")
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "done"
    assert ask(sample, "SELECT count(DISTINCT measurement) FROM handrail.verdict WHERE checkpoint = 'changed'") == 2


def test_an_edited_revision_is_refused(agency: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """I-5: a revision runs from its file, so the file must be the frozen one."""
    plan = ungated.load("schema-unification")
    number = begun(agency, plan)
    first = next(item for item in plan.items if item.kind == "revision")
    drive(agency, lambda here: journey.forward(here, number, until=plan.items[first.position - 2].id))
    ask(
        agency,
        "UPDATE handrail.run SET sources = jsonb_set(sources, ARRAY[%s], '\"# edited\"') WHERE id = %s",
        f"revision {first.what.revision}",  # type: ignore[union-attr]
        number,
    )
    text, sources = (ask(agency, f"SELECT {column} FROM handrail.run") for column in ("plan_text", "sources"))
    ask(agency, "UPDATE handrail.run SET digest = %s", reading.frozen(text, sources).digest)
    with pytest.raises(StepFailed, match="was edited after this run began"):
        drive(agency, lambda here: journey.forward(here, number, "one"))


def test_a_database_that_was_never_prepared(server: Server) -> None:
    target = Target(server.create("bare"))
    with pytest.raises(NotPrepared, match="never been prepared"), executor.at(target):
        pass
    server.drop("bare")


def test_the_session_that_runs_steps_is_set_for_it(sample: Target) -> None:
    with executor.at(sample) as here, here.transaction() as session:
        settings = {
            name: session.connection().exec_driver_sql(f"SHOW {name}").scalar()
            for name in ("client_connection_check_interval", "lock_timeout", "synchronous_commit")
        }
    assert settings == {
        "client_connection_check_interval": "1s", "lock_timeout": "2s", "synchronous_commit": "on",
    }  # fmt: skip


@pytest.mark.parametrize("change", ["UPDATE {} SET kind = 'x'", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["handrail.event", "handrail.verdict"])
def test_what_happened_is_not_rewritten(sample: Target, small: Plan, table: str, change: str) -> None:
    done(sample, small)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="is append-only"):
        ask(sample, change.format(table))
