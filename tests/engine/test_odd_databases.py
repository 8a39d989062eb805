"""Databases that are set otherwise: our own settings win, or the run is refused with the reason."""

from __future__ import annotations

import threading
from contextlib import suppress

import psycopg
import pytest

from console.engine import executor, journey
from console.engine.errors import RunRefused, StepFailed
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, begun, done, drive, fingerprinted, kinds, sending, session_of, state, states, tiny


def setting(target: Target, words: str) -> None:
    """For every session from now on; the pool's own are let go."""
    ask(target, f"ALTER DATABASE {target.parameters['dbname']} SET {words}")
    target.close()


def patiently(target: Target, question: str) -> object:
    """The test's own question, which a timeout of the database's may cut short."""
    for _ in range(100):
        with suppress(psycopg.errors.QueryCanceled):
            return ask(target, question)
    return None


@pytest.mark.parametrize(
    "words",
    [
        "DateStyle = 'German, DMY'",
        "client_encoding = 'SQL_ASCII'",
        "client_encoding = 'LATIN1'",
        "standard_conforming_strings = off",
        "default_transaction_isolation = 'serializable'",
        "statement_timeout = '1ms'",
        "lock_timeout = '1ms'",
        "synchronous_commit = off",
        "search_path = 'nowhere'",
        "IntervalStyle = 'sql_standard'",
    ],
)
def test_our_own_settings_win(sample: Target, words: str) -> None:
    setting(sample, words)
    number = done(sample, sending("CREATE TABLE public.path AS SELECT 'C:\\temp'::text AS written -- ✓"))
    assert (state(sample, number), kinds(sample, number)[-1]) == ("done", "run done")
    assert patiently(sample, "SELECT length(written) FROM public.path") == 7


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("session_replication_role = replica", "Triggers and foreign keys are off"),
        ("default_transaction_read_only = on", "set to read-only transactions"),
    ],
)
def test_what_would_make_it_lie_is_refused(sample: Target, words: str, why: str) -> None:
    setting(sample, words)
    with pytest.raises(RunRefused, match=why), executor.at(sample):
        pass


def test_a_column_named_as_the_fingerprint_would_name_the_row(sample: Target) -> None:
    """It hides no other column (FM-H1)."""
    ask(sample, "CREATE TABLE doc (id int PRIMARY KEY, t text, amount int, j json)")
    ask(sample, "CREATE TABLE plain (id int PRIMARY KEY, t text, amount int)")
    ask(sample, "INSERT INTO doc VALUES (1, 'a', 5, '{}'); INSERT INTO plain VALUES (1, 'a', 5)")
    before = fingerprinted(sample)
    for table in ("doc", "plain"):
        ask(sample, f"UPDATE {table} SET amount = 0")
        assert fingerprinted(sample).content[f"public.{table}"] != before.content[f"public.{table}"]


def test_a_lock_on_another_table_does_not_end_a_run_between_two_steps(sample: Target) -> None:
    """I-8: nothing that only looks at the schema wants a lock."""
    ask(sample, "CREATE TABLE unrelated (a int CHECK (a > 0))")
    number = begun(sample, sending("SELECT 1"))
    with session_of(sample) as application:
        application.execute("LOCK TABLE unrelated")
        drive(sample, lambda here: journey.forward(here, number))
    assert state(sample, number) == "done"


def test_tables_that_come_and_go_do_no_harm(sample: Target) -> None:
    """An application that makes and drops tables while the fingerprint is taken."""
    over = threading.Event()

    def churn() -> None:
        with session_of(sample) as application:
            application.autocommit = True
            while not over.is_set():
                application.execute("CREATE TABLE IF NOT EXISTS brief (a int CHECK (a > 0)); DROP TABLE brief")

    worker = threading.Thread(target=churn)
    worker.start()
    try:
        for _ in range(5):
            number = begun(sample, sending("SELECT 1"))
            drive(sample, lambda here, number=number: journey.forward(here, number, accepted=True))  # type: ignore[misc]
            drive(sample, lambda here, number=number: journey.back(here, number))  # type: ignore[misc]
    finally:
        over.set()
        worker.join()


def test_a_batch_whose_deferred_constraint_objects_is_told_to_have_failed(sample: Target) -> None:
    """FM-B7: each batch hears it before its cursor is kept."""
    ask(sample, "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'never'; END $$")
    ask(sample, "CREATE CONSTRAINT TRIGGER never AFTER UPDATE ON person DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION never()")  # fmt: skip
    fill = 'id = "fill"\nkind = "backfill"\ntable = "person"\nkey = "id"\nset = "n = r.n + 10"\nwhere = "r.n < 10"\n'
    number = begun(sample, tiny(fill + 'undo = "UPDATE person SET n = n - 10"'))
    with pytest.raises(StepFailed, match="never"):
        drive(sample, lambda here: journey.forward(here, number))
    assert (state(sample, number), states(sample, number)) == ("failed", {"fill": "failed"})


def test_an_older_run_is_taken_back_after_the_newer(sample: Target) -> None:
    first = done(sample, tiny('id = "a"\nkind = "sql"\nsql = "CREATE TABLE a ()"\nundo = "DROP TABLE a"'))
    second = Plan(tiny('id = "b"\nkind = "sql"\nsql = "CREATE TABLE b ()"\nundo = "DROP TABLE b"').written.model_copy(
        update={"id": "other"}), "", {})  # fmt: skip
    ask(sample, "UPDATE handrail.run SET plan = 'before'")
    number = begun(sample, second)
    with pytest.raises(RunRefused, match=f"Run {number} of other came after run {first}, and is paused"):
        drive(sample, lambda here: journey.back(here, first))
