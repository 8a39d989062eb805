"""A rollback writes what others wrote, where they wrote it, and touches nothing else."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.errors import NotAsBefore, StepFailed
from db.session import Target
from tests.driving import ask, begun, drive, state
from tests.engine.captures.stepping import HEAD, NOTHING, TABLE, capture, made, on
from tests.engine.captures.writing import GATED, aside, down, others, plan, rows, up

pytestmark = pytest.mark.newest
INTO = """
[[capture]]
id = "them"
title = "Them"
table = "new"
since = "one"
rule = "carried back"
into = "t"
"""
NARROWER = [
    ("varchar(3)", "text", "'abc'", "'abcdef'"),
    ("numeric(4,0)", "numeric(6,2)", "1", "1.25"),
    ("date", "timestamp", "'2024-03-01'", "'2024-03-01 10:00'"),
    ("int", "text", "1", "'x1'"),
    ("int", "bigint", "1", "3000000000"),
]
RELEASING = """
CREATE FUNCTION release() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_unlock_all(); RETURN NULL; END $$;
CREATE TRIGGER "0 release" AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION release()
"""
FILL = """
[[phase.step]]
id = "one"
kind = "backfill"
title = "Fill"
estimate = "1s"
table = "t"
key = "id"
set = "n = r.n + 10"
where = "r.n < 10"
undo = "UPDATE t SET n = n - 10"
"""
TREE = "CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES t, n int)"
COPIED = (
    "CREATE TABLE c AS TABLE t",
    "UPDATE t SET parent = c.parent, n = c.n FROM c WHERE c.id = t.id;"
    "DELETE FROM t WHERE id NOT IN (SELECT id FROM c); DROP TABLE c",
)


@pytest.mark.parametrize(("old", "new", "mine", "theirs"), NARROWER)
def test_a_narrower_key_is_not_met_by_what_it_would_cut_off(
    sample: Target, old: str, new: str, mine: str, theirs: str
) -> None:
    others(sample, f"CREATE TABLE t (id {old} PRIMARY KEY, n int); INSERT INTO t VALUES ({mine}, 1)")
    copy = (f"CREATE TABLE new (id {new} PRIMARY KEY, n int); INSERT INTO new SELECT * FROM t", "DROP TABLE new")
    number = up(sample, made(INTO, one=copy), "one")
    others(sample, f"INSERT INTO new VALUES ({theirs}, 5)", f"DELETE FROM new WHERE id = {theirs}")
    down(sample, number)
    assert ask(sample, f"SELECT count(*) FROM t WHERE id = {mine} AND n = 1") == 1


@pytest.mark.parametrize("how", ["UPDATE t SET id = 1.00", "DELETE FROM t; INSERT INTO t VALUES (1.00, 0)"])
def test_a_key_that_is_only_spelled_otherwise_keeps_its_children(sample: Target, how: str) -> None:
    others(sample, "CREATE TABLE t (id numeric PRIMARY KEY, n int); INSERT INTO t VALUES (1.0, 0)")
    others(sample, "CREATE TABLE child (t numeric REFERENCES t ON DELETE CASCADE)")
    number = up(sample, made(capture(), one=NOTHING), "one")
    others(sample, how, "INSERT INTO child VALUES (1)")
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM child") == 1
    assert aside(sample) == []


@pytest.mark.parametrize("path", ["other", "''"])
def test_an_undo_that_looks_elsewhere_carries_nothing_there(sample: Target, path: str) -> None:
    others(sample, TABLE, "CREATE SCHEMA other; CREATE TABLE other.t AS SELECT 1 AS id, 100 AS n, 'a' AS s")
    undo = f"SET LOCAL search_path = {path}; UPDATE public.t SET n = 0"
    number = up(sample, made(capture(), one=("SELECT 1", undo)), "one")
    others(
        sample, "UPDATE t SET n = 5 WHERE id = 1", "INSERT INTO t VALUES (9, 7, 'new')", "DELETE FROM t WHERE id = 4"
    )
    before = rows(sample, "SELECT * FROM t ORDER BY id")
    down(sample, number)
    assert rows(sample, "SELECT * FROM t ORDER BY id") == before
    assert rows(sample, "SELECT id, n FROM other.t") == [{"id": 1, "n": 100}]
    assert ask(sample, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '!handrail%%'") == 0
    assert aside(sample) == []


def test_a_step_may_look_elsewhere_too(sample: Target) -> None:
    others(sample, TABLE, "CREATE SCHEMA other")
    number = up(sample, made(capture(), one=("SET LOCAL search_path = other", "UPDATE public.t SET n = 0")), "one")
    others(sample, "UPDATE t SET n = 5 WHERE id = 1")
    down(sample, number)
    assert ask(sample, "SELECT n FROM t WHERE id = 1") == 5


def test_a_trigger_of_theirs_that_lets_our_lock_go_makes_nothing_theirs(sample: Target) -> None:
    others(sample, TABLE, RELEASING)
    number = up(sample, plan(HEAD + FILL + GATED + capture()), "one")
    assert rows(sample, "SELECT key FROM handrail.captured") == []
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM t WHERE n <> 0") == 0


def test_a_row_that_we_moved_away_and_they_made_and_deleted_is_not_gone_without_a_word(sample: Target) -> None:
    others(sample, TABLE, "CREATE TABLE away (LIKE t)")
    move = (
        "WITH d AS (DELETE FROM t WHERE id = 3 RETURNING *) INSERT INTO away SELECT * FROM d",
        "INSERT INTO t SELECT * FROM away; DELETE FROM away",
    )
    number = up(sample, made(capture(), one=move), "one")
    others(sample, "INSERT INTO t VALUES (3, 9, 'theirs')", "DELETE FROM t WHERE id = 3")
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM t WHERE id = 3") == 0
    assert aside(sample) == [{"op": "removed", "key": {"id": "3"}, "row": {"id": 3, "n": 0, "s": "a"}}]


def test_rows_that_wait_for_each_other_arrive(sample: Target) -> None:
    others(sample, TREE, "INSERT INTO t VALUES (1, NULL, 1), (2, 1, 2)")
    number = up(sample, made(capture(), one=COPIED), "one")
    others(sample, "INSERT INTO t VALUES (3, 1, 5), (4, 3, 6)", "UPDATE t SET parent = 4, n = 7 WHERE id = 2")
    others(sample, "UPDATE t SET n = 8 WHERE id = 1", "UPDATE t SET n = 1 WHERE id = 2")
    before = rows(sample, "SELECT * FROM t ORDER BY id")
    down(sample, number)
    assert rows(sample, "SELECT * FROM t ORDER BY id") == before
    assert aside(sample) == []


def test_a_row_that_is_never_taken_ends_it(sample: Target) -> None:
    """Though a trigger of theirs makes another row look new each time."""
    touch = """CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.s := clock_timestamp(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION touch()"""
    others(sample, TABLE, touch)
    undo = "UPDATE t SET n = 0, s = ''; ALTER TABLE t ADD CHECK (n <> 6) NOT VALID"
    number = up(sample, made(capture(), one=("ALTER TABLE t DROP CONSTRAINT IF EXISTS t_n_check", undo)), "one")
    others(sample, "UPDATE t SET n = 5 WHERE id = 1", "UPDATE t SET n = 6 WHERE id = 2")
    with pytest.raises(NotAsBefore):
        down(sample, number)
    assert ask(sample, "SELECT array_agg(n ORDER BY id) FROM t WHERE id < 3") == [5, 0]
    assert [row["row"]["n"] for row in aside(sample) if "n" in row["row"]] == [6]


def test_columns_that_may_not_be_null_do_not_stop_a_change_of_another(sample: Target) -> None:
    others(sample, "CREATE DOMAIN sure AS int NOT NULL", "CREATE TABLE t (id int PRIMARY KEY, v sure, n int)")
    others(sample, "INSERT INTO t VALUES (1, 1, 0)")
    number = up(sample, made(capture(), one=("SELECT 1", "UPDATE t SET n = 0")), "one")
    others(sample, "UPDATE t SET n = 5")
    down(sample, number)
    assert (ask(sample, "SELECT n FROM t"), aside(sample)) == (5, [])


def test_a_table_without_the_key_takes_nothing_and_all_is_set_aside(sample: Target) -> None:
    others(sample, "CREATE TABLE t (number int PRIMARY KEY, n int)")
    number = up(sample, made(INTO, one=("CREATE TABLE new (id int PRIMARY KEY, n int)", "DROP TABLE new")), "one")
    others(sample, "INSERT INTO new VALUES (1, 5)")
    down(sample, number)
    assert state(sample, number) == "rolled back"
    assert aside(sample) == [{"op": "insert", "key": {"id": "1"}, "row": {"id": 1, "n": 5}}]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("held", "type json"), ("json[]", "type json"), ("pair", "type json"), ("mood", "a way of its own"),
    ],
)  # fmt: skip
def test_a_type_that_json_does_not_give_back_is_refused(sample: Target, kind: str, says: str) -> None:
    others(
        sample, "CREATE DOMAIN held AS json", "CREATE TYPE pair AS (a int, b json)", "CREATE TYPE mood AS ENUM ('low')",
        "CREATE FUNCTION said(mood) RETURNS json LANGUAGE sql AS 'SELECT ''{}''::json'",
        "CREATE CAST (mood AS json) WITH FUNCTION said(mood)", f"CREATE TABLE t (id int PRIMARY KEY, v {kind})",
    )  # fmt: skip
    number = begun(sample, made(capture(), one=NOTHING))
    with pytest.raises(StepFailed, match=says):
        on(sample, number, "one")


def test_a_part_that_came_later_is_noticed(sample: Target) -> None:
    others(sample, TABLE)
    number = up(sample, made(capture(), one=NOTHING, two=NOTHING), "one")
    others(sample, "CREATE TABLE part () INHERITS (t)")
    with pytest.raises(StepFailed, match="not all there"):
        drive(sample, lambda here: journey.forward(here, number, until="two", accepted=True))


def test_a_publication_of_everything_is_in_nobodys_way(sample: Target) -> None:
    others(sample, TABLE, "CREATE PUBLICATION everything FOR ALL TABLES")
    number = up(sample, made(capture(), one=("SELECT 1", "UPDATE t SET n = 0")), "one")
    others(sample, "UPDATE t SET n = 7 WHERE id = 1")
    down(sample, number)
    assert ask(sample, "SELECT n FROM t WHERE id = 1") == 7
