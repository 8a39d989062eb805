"""What is captured: every row that others write, whatever it is called, and nothing of our own."""

from __future__ import annotations

import psycopg
import pytest

from console.engine import journey
from console.engine.errors import PlanError, StepFailed
from db.session import Target
from tests.driving import ask, begun, drive, session_of
from tests.engine.captures.writing import MOVING, OVERWRITING, down, others, person, plan, rows, up

ODD = """
CREATE TABLE odd (a int, "R x" text, g int, k int, t int, e int, n int, key int, "row" int, x int, added int, gone int,
    PRIMARY KEY ("R x", a))
"""
ODD_STEP = MOVING.replace(
    "CREATE TABLE human (id uuid PRIMARY KEY, mail text, n integer, nick text, tier text NOT NULL DEFAULT 'standard');\n"
    "INSERT INTO human (id, mail, n) SELECT id, email, n FROM person",
    "ALTER TABLE odd ADD more int",
).replace("DROP TABLE human", "ALTER TABLE odd DROP more; UPDATE odd SET g = 0, t = 0")
ODD_PLAN = ODD_STEP.replace('table = "human"', 'table = "odd"').split('into = "person"')[0]


def captured(target: Target) -> list[list[str]]:
    return sorted(row["key"] for row in rows(target, "SELECT key FROM handrail.captured"))


def test_our_own_writes_are_not(sample: Target) -> None:
    up(sample, plan(OVERWRITING), "fill")
    assert ask(sample, "SELECT count(*) FROM person WHERE email_lc IS NOT NULL") == 3000
    assert captured(sample) == []


def test_another_session_that_says_it_is_ours_is(sample: Target) -> None:
    one = person(sample, 1)
    up(sample, plan(OVERWRITING), "column")
    with psycopg.connect(sample.url, application_name="handrail: executor") as connection:
        connection.execute("SELECT pg_advisory_lock(x'7261696c'::int)")
        connection.execute("UPDATE handrail.fence SET pid = 0")  # a superuser's; no group may
        connection.execute("UPDATE person SET n = 1 WHERE id = %s", (one,))
    assert captured(sample) == [[one]]


def test_the_session_that_had_our_backend_once_is(sample: Target) -> None:
    """A backend's number is used again; the lock is not."""
    one = person(sample, 1)
    up(sample, plan(OVERWRITING), "column")
    with psycopg.connect(sample.url) as connection:
        connection.execute("UPDATE handrail.fence SET pid = pg_backend_pid()")
        connection.execute("UPDATE person SET n = 1 WHERE id = %s", (one,))
    assert captured(sample) == [[one]]


def test_what_a_replica_role_writes_is(sample: Target) -> None:
    one = person(sample, 1)
    up(sample, plan(OVERWRITING), "column")
    others(sample, "SET session_replication_role = replica", f"UPDATE person SET n = 1 WHERE id = '{one}'")
    assert captured(sample) == [[one]]


def test_what_is_written_and_rolled_back_is_not(sample: Target) -> None:
    up(sample, plan(OVERWRITING), "column")
    with session_of(sample) as session:
        session.execute("UPDATE person SET n = 1")
    assert captured(sample) == []


def test_what_changes_nothing_is_not(sample: Target) -> None:
    up(sample, plan(OVERWRITING), "column")
    others(sample, "UPDATE person SET n = n")
    assert captured(sample) == []


def test_truncate_is_refused_and_says_what_to_do(sample: Target) -> None:
    number = up(sample, plan(OVERWRITING), "column")
    with session_of(sample) as session, pytest.raises(psycopg.Error, match="can be taken back") as refused:
        session.execute("TRUNCATE person")
    assert refused.value.sqlstate == "HR006"
    down(sample, number)
    others(sample, "TRUNCATE person")


def test_many_rows_at_once_are(sample: Target) -> None:
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, "UPDATE person SET n = 5")
    assert len(captured(sample)) == 3000
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM person WHERE n = 5") == 3000


def test_columns_and_keys_may_have_any_name(sample: Target) -> None:
    others(
        sample,
        ODD,
        "INSERT INTO odd SELECT i, 'it''s ' || i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 9) i",
    )
    number = up(sample, plan(ODD_PLAN), "new")
    others(
        sample,
        """UPDATE odd SET g = 7, t = 8 WHERE a = 3""",
        """UPDATE odd SET "R x" = 'other', g = 6 WHERE a = 4""",
        """DELETE FROM odd WHERE a = 5""",
        """INSERT INTO odd VALUES (3, 'new', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)""",
    )
    assert captured(sample) == [["it's 3", "3"], ["it's 4", "4"], ["it's 5", "5"], ["new", "3"], ["other", "4"]]
    down(sample, number)
    found = rows(sample, """SELECT a, "R x" AS x, g, t FROM odd WHERE g <> 0 OR t <> 0 ORDER BY a, 2""")
    assert found == [
        {"a": 3, "x": "it's 3", "g": 7, "t": 8}, {"a": 3, "x": "new", "g": 1, "t": 3},
        {"a": 4, "x": "other", "g": 6, "t": 0},
    ]  # fmt: skip


def test_a_table_without_a_key_is_refused(sample: Target) -> None:
    others(sample, "CREATE TABLE odd (a int)")
    number = begun(sample, plan(ODD_PLAN))
    with pytest.raises(StepFailed, match="odd has no primary key"):
        drive(sample, lambda here: journey.forward(here, number, until="new"))
    assert ask(sample, "SELECT count(*) FROM pg_attribute WHERE attrelid = 'odd'::regclass AND attname = 'more'") == 0


def test_a_partitioned_table_is_refused(sample: Target) -> None:
    others(sample, "CREATE TABLE odd (a int PRIMARY KEY) PARTITION BY HASH (a)")
    number = begun(sample, plan(ODD_PLAN))
    with pytest.raises(StepFailed, match="odd is no plain table"):
        drive(sample, lambda here: journey.forward(here, number, until="new"))


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ('since = "copy"', 'since = "cpy"', "since: there is no step 'cpy'"),
        ('since = "copy"', 'since = "end"', "end is not undone in one transaction"),
        ('kind = "finish"', 'kind = "sql"\nundo = "-- none"', "needs an end: a step of kind finish"),
        ('[phase.checkpoint.gate]\nroles = ["security"]', "", "before a finish stands a checkpoint with a gate"),
        ('rule = "carried back"', 'rule = "set aside"\ninto = "person"', "no into and no columns"),
        ('rule = "carried back"', 'rule = "carried back"\n[capture.columns]\nn = "1; SELECT 2"', "one expression"),
    ],
)
def test_what_is_wrong_in_a_plan_is_said_with_its_line(was: str, becomes: str, says: str) -> None:
    text = OVERWRITING.replace("RULE", "carried back")
    assert was in text
    with pytest.raises(PlanError, match=says) as error:
        plan(text.replace(was, becomes))
    assert "plan.toml line" in error.value.message
