"""concurrently: it looks at the catalog before it acts (I-2, FM-A3)."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.errors import PlanError, StepFailed
from console.engine.executor import Executor
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, begun, drive, fingerprinted, look, state, tiny

STEP = """\
id = "index"
kind = "concurrently"
"""
CREATE = "CREATE UNIQUE INDEX CONCURRENTLY person_email ON person (email)"
DROP = "DROP INDEX CONCURRENTLY person_email"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'person_email'::regclass"


def building(sql: str = CREATE, undo: str = DROP) -> Plan:
    return tiny(f"{STEP}sql = '''{sql}'''\nundo = '''{undo}'''")


def test_an_invalid_index_is_dropped_and_built_again(sample: Target) -> None:
    ask(sample, "INSERT INTO person (email) VALUES ('twice'), ('twice')")
    number = begun(sample, building())
    with pytest.raises(StepFailed, match="index line 1: could not create unique index"):
        drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, VALID) is False
    ask(sample, "DELETE FROM person WHERE email = 'twice'")
    drive(sample, lambda here: journey.resume(here, number))
    assert ask(sample, VALID) is True
    assert state(sample, number) == "done"


def test_an_index_that_is_there_and_valid_is_left_alone(sample: Target) -> None:
    number = begun(sample, building())
    ask(sample, CREATE)
    built = ask(sample, "SELECT 'person_email'::regclass::oid")
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, "SELECT 'person_email'::regclass::oid") == built


def test_the_way_back_of_an_unfinished_build_clears_the_rubble(sample: Target) -> None:
    before = fingerprinted(sample).objects
    ask(sample, "INSERT INTO person (email) VALUES ('twice'), ('twice')")
    number = begun(sample, building())
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.forward(here, number))
    drive(sample, lambda here: journey.back(here, number))
    assert fingerprinted(sample).objects == before


def test_several_indexes_go_on_where_they_stopped(sample: Target) -> None:
    two = "CREATE INDEX CONCURRENTLY person_a ON person (email);\nCREATE INDEX CONCURRENTLY person_b ON person (lower(emai))"
    number = begun(sample, building(two, "DROP INDEX CONCURRENTLY person_b; DROP INDEX CONCURRENTLY person_a"))
    with pytest.raises(StepFailed, match='index line 2: column "emai" does not exist'):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "ALTER TABLE person ADD COLUMN emai text")
    drive(sample, lambda here: journey.resume(here, number))
    assert look(sample, number).state == "done"


@pytest.mark.parametrize(
    ("sql", "undo", "message"),
    [
        ("CREATE INDEX person_email ON person (email)", DROP, "only CREATE INDEX CONCURRENTLY"),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS person_email ON person (email)", DROP, "hides an invalid index"),
        ("CREATE INDEX CONCURRENTLY ON person (email)", DROP, "give the index a name"),
        (CREATE, "DROP INDEX CONCURRENTLY another", "the same indexes"),
        ("DROP TABLE person", DROP, "only CREATE INDEX CONCURRENTLY"),
    ],
)
def test_what_may_stand_in_the_step(sql: str, undo: str, message: str) -> None:
    """F5, FM-D10"""
    with pytest.raises(PlanError, match=message):
        building(sql, undo)


def test_the_lock_timeout_comes_back_after_the_build(sample: Target) -> None:
    """F8: a build waits as long as it must; the steps after it do not."""
    number = begun(sample, building())

    def build_then_show(here: Executor) -> str:
        journey.forward(here, number)
        with here.transaction() as session:
            return str(session.connection().exec_driver_sql("SHOW lock_timeout").scalar())

    assert drive(sample, build_then_show) == "2s"
