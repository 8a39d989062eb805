"""What `resolve` refuses, and the question of a step that it rests on (I-5)."""

from __future__ import annotations

import pytest

from console.engine import executor, journey
from console.engine.errors import NotMended, PlanError, RunRefused
from console.engine.resolving import How, resolve
from db.errors import HandrailError
from db.session import Target
from tests.driving import (
    ask,
    begun,
    drive,
    kinds,
    session_of,
    states,
    tiny,
)
from tests.engine.mending import asking, failed, making, resolved

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

pytestmark = pytest.mark.newest  # it is not the server that decides


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
        ("SELECT {{day}}", "tiny.toml line 7: SQL names the parameter 'day'"),
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
