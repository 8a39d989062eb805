"""A person mended a step by hand and says so: it is looked at first, then recorded, then the run goes on (I-5, FM-A3)."""

from __future__ import annotations

import json

import pytest

from console.engine import executor, journey, reading
from console.engine.errors import NotMended, PlanError, RunRefused, StepFailed
from console.engine.plan import Plan
from console.engine.resolving import How, resolve
from db import revisions
from db.errors import HandrailError
from db.models import Event
from db.session import Target
from tests.driving import (
    ONE_STEP,
    ask,
    begun,
    done,
    drive,
    events,
    fingerprinted,
    kinds,
    session_of,
    state,
    states,
    tiny,
)
from tests.engine.online.test_partitions import ATTACH, DETACH, SCENE, interrupted
from tests.online import CREATE, DROP, NOTHING, VALID, invalidated, online

pytestmark = pytest.mark.newest  # it is not the server that decides

NEXT = """
[[phase.step]]
title = "Next"
estimate = "1s"
"""
MADE = "SELECT to_regclass('made') IS NOT NULL"
LAST = """\
id = "last"
kind = "sql"
sql = "CREATE TABLE last (a int)"
undo = "DROP TABLE last"
"""
FILL = """\
id = "fill"
kind = "backfill"
table = "person"
key = "id"
set = "n = 10"
where = "r.n <> 10"
undo = "UPDATE person SET n = 0"
"""


def making(sql: str = "CREATE TABLE made (a int); SELECT 1/0", undo: str = "DROP TABLE made", keys: str = "") -> Plan:
    """Two steps: `make`, and `last` after it."""
    return tiny(NEXT.join([f'id = "make"\nkind = "sql"\nsql = "{sql}"\nundo = "{undo}"\n{keys}\n', LAST]))


def asking(question: str = MADE) -> str:
    return f"done_when = {json.dumps(question)}"


def failed(target: Target, plan: Plan) -> int:
    """A run that has failed at its first step."""
    number = begun(target, plan)
    with pytest.raises(StepFailed):
        drive(target, lambda here: journey.forward(here, number))
    return number


def resolved(target: Target, number: int, step: str, how: How, reason: str = "by hand") -> Event:
    """The event that says so."""
    heard: list[Event] = []
    drive(target, lambda here: resolve(here, number, step, how, reason), heard)
    (said,) = (event for event in heard if event.kind == "step resolved")
    return said


def goes_on_and_back(target: Target, number: int) -> None:
    drive(target, lambda here: journey.resume(here, number))
    assert state(target, number) == "done"
    drive(target, lambda here: journey.back(here, number))
    assert state(target, number) == "rolled back"


def test_a_step_that_was_done_by_hand_is_looked_at_and_the_run_goes_on_and_back(sample: Target) -> None:
    """The event holds what was said, why, by whom, and that it was looked at."""
    before = fingerprinted(sample)
    number = failed(sample, making(keys=asking()))
    told = kinds(sample, number)
    with pytest.raises(NotMended, match="make does not look done: its done_when says that it is not"):
        resolved(sample, number, "make", "done")
    assert (kinds(sample, number), states(sample, number)["make"]) == (told, "failed")
    ask(sample, "CREATE TABLE made (a int)")
    said = resolved(sample, number, "make", "done", "made without the division")
    assert (said.step, said.by) == ("make", "postgres")
    assert {key: said.detail[key] for key in ("resolved", "reason", "looked_at")} == {
        "resolved": "done", "reason": "made without the division", "looked_at": True,
    }  # fmt: skip
    assert (state(sample, number), states(sample, number)) == ("paused", {"make": "done", "last": "waiting"})
    goes_on_and_back(sample, number)
    assert kinds(sample, number).count("step began") == 2, "the mended step was not run again"
    assert fingerprinted(sample) == before


def test_where_nobody_can_tell_the_person_is_believed_and_the_journal_says_so(sample: Target) -> None:
    number = failed(sample, making())
    assert resolved(sample, number, "make", "done").detail["looked_at"] is False
    with pytest.raises(StepFailed, match='table "made" does not exist'):
        goes_on_and_back(sample, number)
    assert state(sample, number) == "rolling back"


def test_a_rollback_that_is_stuck_goes_on_after_it_was_mended(sample: Target) -> None:
    """Backwards it is the last one's turn, and only `undone` can be said."""
    before = fingerprinted(sample)
    number = done(sample, making("CREATE TABLE made (a int)", "SELECT 1/0", asking()))
    with pytest.raises(StepFailed):
        drive(sample, lambda here: journey.back(here, number))
    with pytest.raises(NotMended, match="make does not look undone"):
        resolved(sample, number, "make", "undone")
    with pytest.raises(RunRefused, match="is being rolled back"):
        resolved(sample, number, "make", "done")
    ask(sample, "DROP TABLE made")
    assert resolved(sample, number, "make", "undone").detail["looked_at"] is True
    assert (state(sample, number), states(sample, number)["make"]) == ("rolling back", "undone")
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "rolled back"
    assert fingerprinted(sample) == before


def test_a_step_that_was_undone_by_hand_is_done_again(sample: Target) -> None:
    number = begun(sample, making("CREATE TABLE made (a int)", keys=asking()))
    drive(sample, lambda here: journey.forward(here, number, "one"))
    with pytest.raises(NotMended, match="make does not look undone: its done_when says that it is not"):
        resolved(sample, number, "make", "undone")
    ask(sample, "DROP TABLE made")
    resolved(sample, number, "make", "undone")
    assert states(sample, number) == {"make": "undone", "last": "waiting"}
    goes_on_and_back(sample, number)


def test_a_skipped_step_is_neither_done_nor_undone(sample: Target) -> None:
    before = fingerprinted(sample)
    number = failed(sample, making(keys="may_skip = true\n" + asking()))
    resolved(sample, number, "make", "skipped", "not wanted here")
    assert (state(sample, number), states(sample, number)["make"]) == ("paused", "skipped")
    goes_on_and_back(sample, number)
    assert ("make", "step began") not in [(event.step, event.kind) for event in events(sample, number)][3:]
    assert fingerprinted(sample) == before


def test_a_revision_is_known_by_its_stamp(agency: Target) -> None:
    """Done is its own stamp, undone that of the one before it; any other is neither."""
    first, second = revisions.known("agency")[1:3]
    text = ONE_STEP.replace("sample", "agency") + f'id = "tables"\nkind = "revision"\nrevision = "{first}"'
    plan = reading.parse(text, "tiny.toml", lambda name: "")
    number = begun(agency, plan)
    with pytest.raises(NotMended, match="tables does not look done: its kind, revision, says that it is not"):
        resolved(agency, number, "tables", "done")
    moved(agency, first)
    assert resolved(agency, number, "tables", "done").detail["looked_at"] is True
    moved(agency, second)
    with pytest.raises(NotMended, match="tables does not look undone"):
        resolved(agency, number, "tables", "undone")
    moved(agency, second, back=True)
    moved(agency, first, back=True)
    resolved(agency, number, "tables", "undone")
    goes_on_and_back(agency, number)


def moved(target: Target, revision: str, *, back: bool = False) -> None:
    """As a person does it with Alembic's own command."""
    with target.executor_connection("alembic") as connection, connection.begin():
        (revisions.downgrade if back else revisions.upgrade)(connection, "agency", revision)


def test_a_backfill_is_done_where_no_row_is_left(sample: Target) -> None:
    ask(sample, "ALTER TABLE person ADD CONSTRAINT few CHECK (n <> 10 OR email <> 'Person3000@example.org')")
    number = failed(sample, tiny(FILL))
    with pytest.raises(NotMended, match="fill does not look done: its kind, backfill"):
        resolved(sample, number, "fill", "done")
    ask(sample, "DELETE FROM person WHERE email = 'Person3000@example.org'; UPDATE person SET n = 10")
    with pytest.raises(NotMended, match="fill does not look undone"):
        resolved(sample, number, "fill", "undone")
    resolved(sample, number, "fill", "done")
    goes_on_and_back(sample, number)
    assert ask(sample, "SELECT array_agg(DISTINCT n) FROM person") == [0]


ENUM = "CREATE TYPE mood AS ENUM ('a'); ALTER TABLE person ADD CONSTRAINT few CHECK (n < 100) NOT VALID;"


@pytest.mark.parametrize(
    ("before", "sql", "undo"),
    [
        ("", CREATE, DROP),
        (CREATE.replace("CONCURRENTLY", ""), DROP, CREATE),
        (SCENE, DETACH, ATTACH),
        (ENUM, "ALTER TYPE mood ADD VALUE 'b'", NOTHING),
        (ENUM, "ALTER TABLE person VALIDATE CONSTRAINT few", NOTHING),
    ],
    ids=["create", "drop", "detach", "add value", "validate"],
)
def test_what_runs_online_is_looked_up_in_the_catalog(sample: Target, before: str, sql: str, undo: str) -> None:
    """Each family of statements, done by hand and undone by hand; looking changes nothing."""
    if before:
        ask(sample, before)
    number = begun(sample, online(sql, undo))
    stands = fingerprinted(sample)
    with pytest.raises(NotMended, match="index does not look done: its kind, concurrently, says that it is not"):
        resolved(sample, number, "index", "done")
    assert fingerprinted(sample) == stands
    ask(sample, sql)
    stands = fingerprinted(sample)
    assert resolved(sample, number, "index", "done").detail["looked_at"] is True
    if undo != NOTHING:
        with pytest.raises(NotMended, match="index does not look undone"):
            resolved(sample, number, "index", "undone")
        assert fingerprinted(sample) == stands
        ask(sample, undo)
    assert resolved(sample, number, "index", "undone").detail["looked_at"] is (undo != NOTHING)
    drive(sample, lambda here: journey.resume(here, number))
    assert state(sample, number) == "done"


def test_what_only_ever_is_sent_again_cannot_be_looked_up(sample: Target) -> None:
    number = begun(sample, online("VACUUM person; REINDEX TABLE CONCURRENTLY person", NOTHING))
    assert resolved(sample, number, "index", "done").detail["looked_at"] is False


def test_an_index_that_is_invalid_or_another_is_not_the_step_s(sample: Target) -> None:
    """FM-A3, F5: its name alone says nothing."""
    number = begun(sample, online())
    ask(sample, "CREATE UNIQUE INDEX person_email ON person (lower(email))")
    with pytest.raises(NotMended):
        resolved(sample, number, "index", "done")
    ask(sample, "DROP INDEX person_email")
    ask(sample, CREATE)
    invalidated(sample, ask(sample, "SELECT 'person_email'::regclass::oid"))
    with pytest.raises(NotMended):
        resolved(sample, number, "index", "done")
    assert ask(sample, VALID) is False, "looking mended it"


def test_what_is_half_done_is_neither_done_nor_undone(sample: Target) -> None:
    """A step of several statements: each must be as it was said."""
    two = f"{CREATE}; CREATE INDEX CONCURRENTLY person_lower ON person (lower(email))"
    number = begun(sample, online(two, f"DROP INDEX CONCURRENTLY person_lower; {DROP}"))
    drive(sample, lambda here: journey.forward(here, number))
    drive(sample, lambda here: journey.back(here, number, "index"))
    ask(sample, CREATE)
    drive(sample, lambda here: here.turn(number, "paused", "run paused"))
    with pytest.raises(NotMended):
        resolved(sample, number, "index", "done")
    ask(sample, "CREATE INDEX person_lower ON person (lower(email))")
    resolved(sample, number, "index", "done")
    ask(sample, DROP)
    with pytest.raises(NotMended):
        resolved(sample, number, "index", "undone")
    ask(sample, "DROP INDEX person_lower")
    resolved(sample, number, "index", "undone")


def test_a_detach_that_was_interrupted_is_not_done(sample: Target) -> None:
    """F10: half out is not out."""
    ask(sample, SCENE)
    number = begun(sample, online(DETACH, ATTACH))
    interrupted(sample)
    with pytest.raises(NotMended):
        resolved(sample, number, "index", "done")
    ask(sample, DETACH.replace("CONCURRENTLY", "FINALIZE"))
    assert resolved(sample, number, "index", "done").detail["looked_at"] is True


CHECKED = """
[phase.checkpoint]
id = "right"
title = "Right"
[[phase.checkpoint.check]]
id = "none"
kind = "sql"
title = "none"
sql = "SELECT 1 WHERE false"
no_rows = true
"""


def test_what_cannot_be_said_is_refused_and_nothing_recorded(sample: Target) -> None:
    plan = making(keys=asking())
    number = failed(sample, tiny(plan.text.split('title = "One"\nestimate = "1s"\n', 1)[1] + CHECKED))
    ask(sample, "CREATE TABLE made (a int)")
    told = kinds(sample, number)
    cases: list[tuple[str, How, str, str]] = [
        ("make", "done", " \n", "A reason is needed"),
        ("right", "done", "x", "right is a checkpoint; it is measured"),
        ("make", "skipped", "x", "does not allow that make is skipped"),
        ("last", "done", "x", "not the turn of last: next is make"),
        ("last", "undone", "x", "the last one that was begun is make"),
        ("nobody", "done", "x", "no step or checkpoint 'nobody'"),
    ]
    for step, how, reason, message in cases:
        with pytest.raises(HandrailError, match=message):
            resolved(sample, number, step, how, reason)
    assert kinds(sample, number) == told
    resolved(sample, number, "make", "done")
    drive(sample, lambda here: journey.resume(here, number))
    with pytest.raises(RunRefused, match=f"Run {number} is done"):
        resolved(sample, number, "last", "undone")


def test_the_look_and_the_record_are_of_the_one_who_holds_the_target(sample: Target) -> None:
    """I-4: who has been taken over from says nothing about a step any more."""
    number = failed(sample, making())
    with executor.at(sample) as here:
        ask(sample, "UPDATE handrail.fence SET epoch = epoch + 1, login = 'somebody', taken_at = now()")
        with pytest.raises(RunRefused, match="somebody took this run over"):
            resolve(here, number, "make", "done", "by hand")
    assert states(sample, number)["make"] == "failed"


@pytest.mark.parametrize(
    "question",
    ["SELECT count(*) > 0 FROM made", "SELECT made FROM person", "SELECT is_made()", "SELECT NULL::boolean"],
)
def test_what_a_question_asks_about_need_not_be_there(sample: Target, question: str) -> None:
    """It is not done then, which is an answer and not an error; so it may be said to be undone."""
    number = begun(sample, making("SELECT 1", keys=asking(question)))
    drive(sample, lambda here: journey.forward(here, number, "one"))
    assert resolved(sample, number, "make", "undone").detail["looked_at"] is True
    with pytest.raises(NotMended):
        resolved(sample, number, "make", "done")


def test_a_question_that_changes_something_is_refused_by_the_server_too(sample: Target) -> None:
    """What hides in a function; and what it read is not kept locked while the answer is written down."""
    ask(sample, "CREATE FUNCTION made() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN "
                "UPDATE person SET n = 7; RETURN true; END $$")  # fmt: skip
    number = failed(sample, making(keys=asking("SELECT made()")))
    with pytest.raises(HandrailError, match="read-only transaction"):
        resolved(sample, number, "make", "done")
    with session_of(sample) as application:
        assert application.execute("SELECT count(*) FROM person WHERE n = 7").fetchone() == (0,)


ONE_SELECT = r"tiny.toml line 14: done_when: this is one SELECT that changes nothing"


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ("DELETE FROM person", ONE_SELECT),
        ("SELECT 1; SELECT 2", ONE_SELECT),
        ("-- nothing", ONE_SELECT),
        ("SELECT 1 INTO made", ONE_SELECT),
        ("WITH gone AS (DELETE FROM person RETURNING 1) SELECT count(*) FROM gone", ONE_SELECT),
        ("WITH a AS (WITH b AS (DELETE FROM person RETURNING 1) SELECT * FROM b) SELECT 1 FROM a", ONE_SELECT),
        ("SELEC 1", "tiny.toml line 14: done_when: line 1: syntax error"),
        ("COMMIT", "tiny.toml line 14: done_when: line 1: a step may not begin or end a transaction"),
        ("SELECT {{day}}", "tiny.toml line 14: done_when: SQL names the parameter 'day'"),
    ],
)
def test_done_when_is_one_select(question: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        making(keys=asking(question))


def test_done_when_may_be_any_select_and_names_parameters() -> None:
    for question in (
        "WITH a AS (SELECT 1 AS one) SELECT one = 1 FROM a",
        "SELECT to_regclass('t_{{run_date}}') IS NULL",
    ):
        making(keys=asking(question))
