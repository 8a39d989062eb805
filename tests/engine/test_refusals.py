"""SQL steps cannot cheat: what is refused when the plan is read, and what is caught while it runs (FM-D1 to FM-D6)."""

from __future__ import annotations

import pytest

from console.engine import executor, journey, taking
from console.engine.errors import PlanError, StepFailed
from console.engine.statements import require_transactional
from db.session import Target
from tests.driving import ask, begun, drive, events, fingerprinted, kinds, sending, state, states, tiny

OUT = "may not begin or end a transaction"
OUTLIVES = "outlives the step"
ROLE = "may not change the role"


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("COMMIT", OUT),
        ("ROLLBACK", OUT),
        ("ABORT", OUT),
        ("COMMIT AND CHAIN", OUT),
        ("BEGIN", OUT),
        ("SAVEPOINT here", OUT),
        ("PREPARE TRANSACTION 'x'", OUT),
        ("SET ROLE postgres", ROLE),
        ("RESET ROLE", ROLE),
        ("SET LOCAL ROLE postgres", ROLE),
        ("SET SESSION AUTHORIZATION postgres", ROLE),
        ("SELECT set_config('role', 'postgres', false)", ROLE),
        ("SET search_path = evil", OUTLIVES),
        ("RESET ALL", OUTLIVES),
        ("SET LOCAL lock_timeout = 0", "may not set lock_timeout"),
        ("SELECT set_config('lock_timeout', '0', true)", "may not set lock_timeout"),
        ("SET LOCAL session_replication_role = replica", "may not set session_replication_role"),
        ("DISCARD ALL", "may not reset the session"),
        ("SELECT pg_advisory_unlock_all()", "let go of all locks"),
        ("ALTER SYSTEM SET work_mem = '1GB'", "server's settings"),
        ("COPY person TO PROGRAM 'cat'", "COPY may not"),
        ("COPY person FROM STDIN", "COPY may not"),
        ("CREATE INDEX CONCURRENTLY i ON person (email)", "inside a transaction"),
        ("REINDEX INDEX CONCURRENTLY i", "inside a transaction"),
        ("VACUUM person", "inside a transaction"),
        ("CREATE DATABASE x", "inside a transaction"),
        ("SET LOCAL search_path = 'handrail', public", "handrail's own tables"),
        ("LISTEN x", "may not listen"),
        ("LOAD 'x'", "load a library"),
        ("UPDATE handrail.event SET kind = 'x'", "handrail's own tables"),
        ('DROP TABLE "handrail"."run"', "handrail's own tables"),
        ("DROP SCHEMA handrail CASCADE", "handrail's own tables"),
        ("CREATE TRIGGER t AFTER INSERT ON handrail.event EXECUTE FUNCTION f()", "handrail's own tables"),
    ],
)
def test_it_is_refused_when_the_plan_is_read_with_its_line(sql: str, why: str) -> None:
    with pytest.raises(PlanError, match=f"tiny.toml line 7: sql: line 2: .*{why}"):
        sending(f"SELECT 1;\n{sql}")


@pytest.mark.parametrize(
    "sql",
    [
        "ANALYZE person",
        "SET LOCAL search_path = public",
        "SET LOCAL work_mem = '1GB'",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "INSERT INTO handrail.set_aside (run_id, step, source, row) VALUES ({{run_id}}, 'a', 'b', '{}')",
        "SELECT 'handrail.event'",
        "SELECT set_config('search_path', 'public', true)",
    ],
)
def test_what_does_no_harm_may_stand(sql: str) -> None:
    require_transactional(sql)


HIDDEN = "DO $do$ BEGIN {} END $do$"


def failed(target: Target, sql: str, why: str) -> None:
    before = fingerprinted(target)
    number = begun(target, sending(f"SELECT 1;\n\n{sql}"))
    with pytest.raises(StepFailed, match=why):
        drive(target, lambda here: journey.forward(here, number))
    assert (state(target, number), states(target, number)) == ("failed", {"one": "failed"})
    assert fingerprinted(target) == before


def test_a_commit_hidden_in_a_block_is_refused_by_the_server(sample: Target) -> None:
    """FM-D1: with its place."""
    failed(sample, HIDDEN.format("COMMIT;"), "one line 3: invalid transaction termination")


def test_a_role_changed_in_a_block_is_caught_with_its_place(sample: Target) -> None:
    """FM-D3"""
    sql = HIDDEN.format("PERFORM set_config('role', 'pg_monitor', false);")
    failed(sample, sql, "one line 3: it changed the role to pg_monitor")


def test_a_trigger_planted_on_the_journal_is_caught(sample: Target) -> None:
    """FM-D4: deferred, it would fire at COMMIT, after the word `done`."""
    planting = """
        EXECUTE 'CREATE FUNCTION forge() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RETURN NULL; END $f$';
        EXECUTE 'CREATE CONSTRAINT TRIGGER forge AFTER INSERT ON handrail' || '.event DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW EXECUTE FUNCTION forge()';"""
    failed(sample, HIDDEN.format(planting), "it changed handrail's own tables")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE handrail' || '.event ALTER at SET DEFAULT now()",
        "ALTER TABLE handrail' || '.event ADD evil integer",
        "UPDATE handrail' || '.fence SET epoch = epoch + 5",
        "DELETE FROM handrail' || '.fence",
    ],
)
def test_what_is_done_to_the_journal_in_a_block_is_caught(sample: Target, change: str) -> None:
    """FM-D3: by an SQL that no parser sees."""
    failed(sample, HIDDEN.format(f"EXECUTE '{change}';"), "it changed handrail's own tables")


@pytest.mark.parametrize(
    ("set", "why"),
    [
        ("n = 1 WHERE false; COMMIT; UPDATE person AS r SET n = 2", "may not begin or end a transaction"),
        ("n = 1 WHERE false; UPDATE person AS r SET n = 2", "more than one statement"),
        ("n = 1, email = set_config('role', 'x', false)", "may not change the role"),
    ],
)
def test_a_batch_is_one_statement_and_held_to_the_same(set: str, why: str) -> None:
    """FM-D1, FM-D2: it commits with its cursor, or not at all."""
    step = f'id = "fill"\nkind = "backfill"\ntable = "person"\nkey = "id"\nset = "{set}"\nwhere = "r.n < 9"\nundo = "SELECT 1"'
    with pytest.raises(PlanError, match=why):
        tiny(step)


def test_an_error_that_looks_like_a_lost_connection_is_an_error(sample: Target) -> None:
    """FM-B1: whoever raises 08006 is no network."""
    failed(sample, HIDDEN.format("RAISE 'far away' USING ERRCODE = '08006';"), r"one line 3: far away \(08006\)")


def test_a_deferred_trigger_fires_before_the_journal_says_done(sample: Target) -> None:
    """FM-D4, FM-B7: what it does is part of the step, and fails with it."""
    ask(sample, "CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'too late'; END $$")
    sql = (
        "CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON person DEFERRABLE INITIALLY DEFERRED FOR EACH ROW "
        "EXECUTE FUNCTION late(); UPDATE person SET email = email"
    )
    failed(sample, sql, "too late")


def test_a_setting_that_a_step_leaves_behind_is_put_back_and_told(sample: Target) -> None:
    """FM-D5"""
    sql = HIDDEN.format("PERFORM set_config('search_path', 'evil', false), set_config('work_mem', '64kB', false);")
    number = begun(sample, sending(sql))

    def settings(here: object) -> tuple[str, ...]:
        journey.forward(here, number)  # type: ignore[arg-type]
        with here.transaction() as session:  # type: ignore[attr-defined]
            shown = [
                session.connection().exec_driver_sql(f"SHOW {name}").scalar() for name in ("search_path", "work_mem")
            ]
        return tuple(str(one) for one in shown)

    assert drive(sample, settings) == ('"$user", public', "4MB")
    told = next(event for event in events(sample, number) if event.kind == "settings put back")
    assert told.detail["settings"] == ["search_path", "work_mem"]


def test_advisory_locks_that_a_step_leaves_are_let_go(sample: Target) -> None:
    """Whoever of the application wants one would wait until the console is closed."""
    locks = "pg_advisory_lock(7), pg_advisory_lock(7), pg_advisory_lock(-1), pg_advisory_lock_shared(1, -2)"
    number = begun(sample, sending(f"SELECT {locks}, pg_advisory_lock(3, 4), pg_advisory_lock_shared(5000000000)"))
    with executor.at(sample) as here:
        journey.forward(here, number)
        assert ask(sample, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 1, "the target's own"
    told = next(event for event in events(sample, number) if event.kind == "settings put back")
    assert told.detail["settings"] == ["advisory locks"]


def test_a_table_of_the_steps_is_not_taken_for_the_servers_locks(sample: Target) -> None:
    """A temporary table's name comes before those of the catalog."""
    number = begun(sample, sending("SELECT pg_advisory_lock(5); CREATE TEMP TABLE pg_locks AS SELECT * FROM pg_locks"))
    drive(sample, lambda here: journey.forward(here, number))
    told = next(event for event in events(sample, number) if event.kind == "settings put back")
    assert (state(sample, number), told.detail["settings"]) == ("done", ["advisory locks"])


def test_a_step_that_lets_the_lock_go_gets_it_back_and_the_fence_stays(
    sample: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F68"""
    monkeypatch.setattr(taking, "PATIENCE", 0.2)
    number = begun(sample, sending(HIDDEN.format("PERFORM pg_advisory_unlock_all();")))
    drive(sample, lambda here: journey.forward(here, number))
    assert state(sample, number) == "done"
    assert "settings put back" in kinds(sample, number)
