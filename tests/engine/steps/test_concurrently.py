"""concurrently: it looks at the catalog before it acts (I-2, FM-A3)."""

from __future__ import annotations

import json

import pytest

from console.engine import journey
from console.engine.errors import NotAsBefore, PlanError, StepFailed
from console.engine.executor import Executor
from db.session import EXECUTOR_SETTINGS, Target
from tests.driving import ask, begun, drive, fingerprinted, look, state, tiny
from tests.online import CREATE, DROP, NOTHING, VALID, mended, online

SQL_STEP = """\
id = "one"
kind = "sql"
undo = ""
sql = """


def test_an_invalid_index_is_dropped_and_built_again(sample: Target) -> None:
    ask(sample, "INSERT INTO person (email) VALUES ('twice'), ('twice')")
    number = begun(sample, online())
    with pytest.raises(StepFailed, match="index line 1: could not create unique index"):
        drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, VALID) is False
    ask(sample, "DELETE FROM person WHERE email = 'twice'")
    drive(sample, lambda here: journey.resume(here, number))
    assert ask(sample, VALID) is True
    assert (state(sample, number), mended(sample, number)) == ("done", ["person_email"])


def test_an_index_that_is_there_and_valid_is_left_alone(sample: Target) -> None:
    number = begun(sample, online())
    ask(sample, CREATE)
    built = ask(sample, "SELECT 'person_email'::regclass::oid")
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, "SELECT 'person_email'::regclass::oid") == built


def test_the_way_back_of_an_unfinished_build_clears_the_rubble(sample: Target) -> None:
    before = fingerprinted(sample).objects
    ask(sample, "INSERT INTO person (email) VALUES ('twice'), ('twice')")
    number = begun(sample, online())
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.forward(here, number))
    drive(sample, lambda here: journey.back(here, number))
    assert fingerprinted(sample).objects == before


def test_several_indexes_go_on_where_they_stopped(sample: Target) -> None:
    two = "CREATE INDEX CONCURRENTLY person_a ON person (email);\nCREATE INDEX CONCURRENTLY person_b ON person (lower(emai))"
    number = begun(sample, online(two, "DROP INDEX CONCURRENTLY person_b; DROP INDEX CONCURRENTLY person_a"))
    with pytest.raises(StepFailed, match='index line 2: column "emai" does not exist'):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "ALTER TABLE person ADD COLUMN emai text")
    drive(sample, lambda here: journey.resume(here, number))
    assert look(sample, number).state == "done"


def test_what_was_mended_before_a_failure_is_still_told_at_the_end(sample: Target) -> None:
    two = f"{CREATE};\nCREATE INDEX CONCURRENTLY person_b ON person (lower(emai))"
    number = begun(sample, online(two, f"DROP INDEX CONCURRENTLY person_b; {DROP}"))
    ask(sample, CREATE)
    ask(sample, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'person_email'::regclass")
    with pytest.raises(StepFailed, match="index line 2"):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "ALTER TABLE person ADD COLUMN emai text")
    drive(sample, lambda here: journey.resume(here, number))
    assert mended(sample, number) == ["person_email"]
    with pytest.raises(NotAsBefore, match=r"not as before: new: column public\.person\.emai\."):
        drive(sample, lambda here: journey.back(here, number, "index"))
    assert mended(sample, number) is None


def test_the_intent_is_journalled_before_the_statement(sample: Target) -> None:
    """I-2: one line of it, with its line in the plan; gone once the step is done."""
    long = f"-- why\nCREATE INDEX CONCURRENTLY person_b\n  ON person (lower(emai)) WHERE email <> '{'x' * 200}'"
    number = begun(sample, online(f"{CREATE};\n{long}", f"DROP INDEX CONCURRENTLY person_b; {DROP}"))
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.forward(here, number))
    intent = look(sample, number).steps[0].progress["intent"]
    assert intent["line"] == 3
    assert intent["statement"].startswith("CREATE INDEX CONCURRENTLY person_b ON person (lower(emai)) WHERE")
    assert len(intent["statement"]) == 200
    ask(sample, "ALTER TABLE person ADD COLUMN emai text")
    drive(sample, lambda here: journey.resume(here, number))
    assert look(sample, number).steps[0].progress["intent"] is None


def test_a_full_disk_leaves_an_invalid_index_that_is_mended(sample: Target) -> None:
    """FM-B3: temp_file_limit stands in for the disk."""
    ask(sample, "INSERT INTO person (email) SELECT 'more' || n || '@example.org' FROM generate_series(1, 100000) n")
    database = sample.parameters["dbname"]
    ask(sample, f"ALTER DATABASE {database} SET maintenance_work_mem = '1MB'")
    ask(sample, f"ALTER DATABASE {database} SET temp_file_limit = '1MB'")
    number = begun(sample, online())
    with pytest.raises(StepFailed, match=r"temporary file size exceeds .?temp_file_limit.? .*\(53400\)"):
        drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, VALID) is False
    ask(sample, f"ALTER DATABASE {database} RESET ALL")
    drive(sample, lambda here: journey.resume(here, number))
    assert (ask(sample, VALID), mended(sample, number)) == (True, ["person_email"])


@pytest.mark.parametrize(
    ("sql", "undo", "message"),
    [
        ("CREATE INDEX person_email ON person (email)", DROP, "only CREATE INDEX CONCURRENTLY"),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS person_email ON person (email)", DROP, "hides an invalid index"),
        ("CREATE INDEX CONCURRENTLY ON person (email)", DROP, "give the index a name"),
        (CREATE, "DROP INDEX CONCURRENTLY another", "the same indexes"),
        ("DROP TABLE person", DROP, "only CREATE INDEX CONCURRENTLY"),
        ("DROP INDEX CONCURRENTLY IF EXISTS person_email", CREATE, "hides an invalid index"),
        ("DROP INDEX CONCURRENTLY a, b", NOTHING, "takes one index"),
        (CREATE, CREATE, "it must take back what line 1 of sql does to person_email"),
        (CREATE, NOTHING, "the same indexes"),
        (f"{CREATE}; {DROP}", DROP, "line 1: person_email stands here twice"),
        (NOTHING, NOTHING, "there is no statement here"),
        ("REINDEX INDEX person_email", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("REINDEX (CONCURRENTLY off) INDEX person_email", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("REINDEX SCHEMA CONCURRENTLY public", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("ALTER TYPE mood RENAME VALUE 'a' TO 'b'", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("ALTER TABLE person VALIDATE CONSTRAINT a, VALIDATE CONSTRAINT b", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("ALTER TABLE IF EXISTS person VALIDATE CONSTRAINT a", NOTHING, "IF EXISTS takes what is missing for done"),
        ("ALTER TABLE p DETACH PARTITION c", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", NOTHING, "the same indexes"),
        ("ALTER TABLE p ATTACH PARTITION c DEFAULT", NOTHING, "may stand in the undo only"),
        ("ANALYZE person", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        ("VACUUM FULL person", NOTHING, "VACUUM FULL locks everybody out"),
        ("BEGIN", NOTHING, "only CREATE INDEX CONCURRENTLY"),
        (f'VACUUM;\nVACUUM "{"é" * 32}"', NOTHING, "line 2: the name 'é+' has over 63 bytes"),
    ],
)
def test_what_may_stand_in_the_step(sql: str, undo: str, message: str) -> None:
    """F5, FM-D10, FM-D11"""
    with pytest.raises(PlanError, match=message):
        online(sql, undo)


@pytest.mark.parametrize(
    ("sql", "undo"),
    [
        ("REINDEX (CONCURRENTLY) TABLE person", NOTHING),
        ("REINDEX INDEX CONCURRENTLY person_email", NOTHING),
        ("ALTER TYPE mood ADD VALUE 'a' AFTER 'b'", NOTHING),
        ("ALTER TABLE person VALIDATE CONSTRAINT a", NOTHING),
        ("ALTER TABLE p DETACH PARTITION c CONCURRENTLY", "ALTER TABLE p ATTACH PARTITION c DEFAULT"),
        ("VACUUM (FREEZE) person", "VACUUM"),
        (f"{CREATE} WHERE email <> 'if not exists'; VACUUM", DROP),
        (f'CREATE INDEX CONCURRENTLY "{"i" * 63}" ON person (email)', f"DROP INDEX CONCURRENTLY {'I' * 63}"),
        ("CREATE INDEX CONCURRENTLY i{{run_date}} ON person (email)", "DROP INDEX CONCURRENTLY i{{run_date}}"),
    ],
)
def test_what_else_may_stand_in_the_step(sql: str, undo: str) -> None:
    online(sql, undo)


@pytest.mark.parametrize(
    "sql",
    [
        "REINDEX TABLE CONCURRENTLY person",
        "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
        "SELECT 1 AS " + "a" * 64,
        f'SELECT 1 AS "{"é" * 32}"',
    ],
)
def test_what_a_transaction_does_not_take_is_refused_in_a_step_that_is_one(sql: str) -> None:
    """FM-D6, FM-D11"""
    with pytest.raises(PlanError, match=r"sql: line 2: (this cannot run inside a transaction|the name .* 63 bytes)"):
        tiny(SQL_STEP + json.dumps(f"SELECT 1;\n{sql}", ensure_ascii=False))


def test_the_lock_timeout_comes_back_after_the_build(sample: Target) -> None:
    """F8: a build waits as long as it must; the steps after it do not."""
    number = begun(sample, online())

    def build_then_show(here: Executor) -> str:
        journey.forward(here, number)
        with here.transaction() as session:
            return str(session.connection().exec_driver_sql("SHOW lock_timeout").scalar())

    assert drive(sample, build_then_show) == EXECUTOR_SETTINGS["lock_timeout"]
