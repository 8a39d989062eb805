"""The point of no return: nobody takes it by the way, it ends what was captured, and nothing leads back (FM-H9, I-9)."""

from __future__ import annotations

import psycopg
import pytest

from console.engine import journey, rollback
from console.engine.errors import RunRefused
from console.engine.executor import Executor
from db.errors import RunFinished
from db.session import Target
from tests.driving import ask, drive, kinds, session_of, state
from tests.engine.captures.writing import OVERWRITING, others, person, plan
from tests.staffed import as_login, signed

ON_CALL = "oncall1"
CAST = """
CREATE TYPE bait AS ENUM ('x');
CREATE FUNCTION bite(bait) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    UPDATE handrail.operator SET shared = true;
    RETURN 'null';
END $$;
CREATE CAST (bait AS json) WITH FUNCTION bite(bait);
ALTER TABLE person ADD bait bait
"""


@pytest.fixture
def waits(staff: Target) -> int:
    """A run that is signed and has nothing left but its finish."""
    others(staff, "ALTER TABLE person OWNER TO oncall1", "GRANT CREATE ON SCHEMA public TO oncall1")
    engineer = as_login(staff, ON_CALL)

    def go(here: Executor) -> int:
        number = journey.begin(here, plan(OVERWRITING))
        journey.forward(here, number, until="good")
        return number

    number = drive(engineer, go)
    signed(staff, "sec1", number, "good")
    engineer.close()
    return number


def forward(target: Target, number: int, *, finish: bool) -> None:
    engineer = as_login(target, ON_CALL)
    drive(engineer, lambda here: journey.forward(here, number, finish=finish))
    engineer.close()


def test_going_on_stops_before_it(staff: Target, waits: int) -> None:
    forward(staff, waits, finish=False)
    assert state(staff, waits) == "paused"
    assert kinds(staff, waits)[-1] == "waits for finish"
    assert ask(staff, "SELECT count(*) FROM handrail.capture") == 1


def test_it_ends_what_was_captured_and_removes_what_was_kept(staff: Target, waits: int) -> None:
    others(staff, f"UPDATE person SET n = 4 WHERE id = '{person(staff, 1)}'")
    forward(staff, waits, finish=True)
    assert state(staff, waits) == "done"
    assert ask(staff, "SELECT count(*) FROM handrail.capture") == 0
    assert ask(staff, "SELECT count(*) FROM handrail.captured") == 0
    assert ask(staff, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'handrail%%'") == 0
    assert ask(staff, "SELECT to_regclass('person_before') IS NULL")
    others(staff, "TRUNCATE person")


def test_nothing_leads_back(staff: Target, waits: int) -> None:
    forward(staff, waits, finish=True)
    with pytest.raises(RunFinished, match="is finished"):
        drive(staff, lambda here: journey.back(here, waits))
    with pytest.raises(RunFinished, match="is finished"):
        drive(staff, lambda here: journey.back(here, waits, one=True))


@pytest.mark.parametrize(
    "forged",
    [
        "UPDATE handrail.step_run SET state = 'undoing' WHERE step = 'fill'",
        "UPDATE handrail.step_run SET state = 'undone', stands = false WHERE step = 'end'",
        "UPDATE handrail.run SET state = 'rolling back' WHERE id = (SELECT max(id) FROM handrail.run)",
        "UPDATE handrail.run SET state = 'rolled back' WHERE id = (SELECT max(id) FROM handrail.run)",
        "UPDATE handrail.run SET state = 'paused', ended_at = NULL WHERE id = (SELECT max(id) FROM handrail.run)",
        "UPDATE handrail.step_run SET state = 'undone', stands = false WHERE step = 'fill'",
        "UPDATE handrail.step_run SET state = 'waiting' WHERE step = 'fill'",
        "UPDATE handrail.step_run SET stands = false WHERE step = 'end'",
    ],
)
def test_nor_does_psql(staff: Target, waits: int, forged: str) -> None:
    forward(staff, waits, finish=True)
    engineer = as_login(staff, ON_CALL)
    with session_of(engineer) as session, pytest.raises(psycopg.Error) as refused:
        session.execute(forged.encode())
    assert refused.value.sqlstate == "HR005"
    engineer.close()


def test_psql_does_not_finish_a_run(staff: Target, waits: int) -> None:
    engineer = as_login(staff, ON_CALL)
    with session_of(engineer) as session, pytest.raises(psycopg.Error) as refused:
        session.execute("UPDATE handrail.step_run SET stands = true WHERE step = 'end'")
    assert refused.value.sqlstate == "HR005"
    engineer.close()


def test_what_turns_a_row_into_json_has_no_right_over_handrail(staff: Target, waits: int) -> None:
    """The owner of a type may give it a cast to json, which runs as whoever looks at the row."""
    others(staff, CAST)
    with session_of(staff) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("UPDATE person SET bait = 'x'")


def test_the_plan_is_not_run_again(staff: Target, waits: int) -> None:
    forward(staff, waits, finish=True)
    with pytest.raises(RunRefused, match="done here already") as refused:
        drive(staff, lambda here: journey.begin(here, plan(OVERWRITING)))
    assert "is not taken back" in refused.value.hint


@pytest.mark.parametrize("question", ["SELECT wrote FROM handrail.captured", "SELECT row FROM handrail.set_aside"])
@pytest.mark.parametrize("login", ["sec1", "audit1"])
def test_what_others_wrote_is_not_for_who_only_signs_or_reads(
    staff: Target, waits: int, login: str, question: str
) -> None:
    others(staff, f"UPDATE person SET n = 4 WHERE id = '{person(staff, 1)}'")
    theirs = as_login(staff, login)
    with theirs.session() as session:
        (kept,) = rollback.preview(session, journey.found(session, waits)).kept
    assert kept.rows == 1
    with session_of(theirs) as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute(question.encode())
    theirs.close()


def test_until_then_it_is_taken_back(staff: Target, waits: int) -> None:
    one = person(staff, 1)
    others(staff, f"UPDATE person SET n = 4 WHERE id = '{one}'")
    engineer = as_login(staff, ON_CALL)
    drive(engineer, lambda here: journey.back(here, waits))
    engineer.close()
    assert state(staff, waits) == "rolled back"
    assert ask(staff, "SELECT n FROM person WHERE id = %s", one) == 4
