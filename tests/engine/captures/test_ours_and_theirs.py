"""What our own steps did to rows that others wrote, and what others did to our triggers."""

from __future__ import annotations

import psycopg
import pytest

from console.engine import resolving
from console.engine.errors import StepFailed
from db.session import Target
from tests.driving import ask, begun, drive, events, state
from tests.engine.captures.stepping import NOTHING, OVERWRITTEN, TABLE, back_one, capture, made, on
from tests.engine.captures.writing import aside, down, others, rows, up

pytestmark = pytest.mark.newest
TEN_MORE = ("UPDATE t SET n = n + 10", "UPDATE t SET n = n - 10")
DROPPED = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT tgname FROM pg_trigger WHERE tgrelid = 't'::regclass LOOP
        EXECUTE format('DROP TRIGGER %I ON t', one.tgname);
    END LOOP;
END $$
"""


def test_the_undo_of_a_step_leaves_what_the_steps_before_it_did(sample: Target) -> None:
    others(sample, TABLE)
    number = up(sample, made(capture(), one=NOTHING, two=TEN_MORE, three=NOTHING), "one")
    others(sample, "UPDATE t SET n = 5 WHERE id = 1", "INSERT INTO t VALUES (9, 7, 'new')")
    on(sample, number, "three")
    before = rows(sample, "SELECT * FROM t ORDER BY id")
    back_one(sample, number)
    assert rows(sample, "SELECT * FROM t ORDER BY id") == before
    down(sample, number)
    assert ask(sample, "SELECT array_agg(n ORDER BY id) FROM t WHERE id IN (1, 9)") == [5, 7]
    assert aside(sample) == []


def test_a_row_that_our_step_moved_away_is_not_brought_back_by_another_undo(sample: Target) -> None:
    others(sample, TABLE, "CREATE TABLE away (LIKE t)")
    move = (
        "WITH d AS (DELETE FROM t WHERE s = 'bad' RETURNING *) INSERT INTO away SELECT * FROM d",
        "WITH d AS (DELETE FROM away RETURNING *) INSERT INTO t SELECT * FROM d",
    )
    number = up(sample, made(capture(), one=NOTHING, two=move, three=NOTHING), "one")
    others(sample, "INSERT INTO t VALUES (9, 7, 'bad')")
    on(sample, number, "three")
    back_one(sample, number)
    assert ask(sample, "SELECT count(*) FROM t WHERE id = 9") == 0
    down(sample, number)
    assert rows(sample, "SELECT * FROM t WHERE id = 9") == [{"id": 9, "n": 7, "s": "bad"}]
    assert aside(sample) == []


def test_who_was_born_before_a_copy_and_left_after_it_stays_away(sample: Target) -> None:
    others(sample, TABLE)
    restored = "INSERT INTO t SELECT * FROM c WHERE NOT EXISTS (SELECT FROM t WHERE t.id = c.id)"
    copy = ("CREATE TABLE c AS TABLE t", "DROP TABLE c")
    number = up(sample, made(capture(), one=NOTHING, two=copy, three=("SELECT 1", restored)), "one")
    others(sample, "INSERT INTO t VALUES (9, 7, 'new')")
    on(sample, number, "three")
    others(sample, "DELETE FROM t WHERE id = 9")
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM t WHERE id = 9") == 0


@pytest.mark.parametrize(
    ("kind", "value", "settings"),
    [
        ("float8", "0.1::float8 + 0.2", "SET extra_float_digits = 0"),
        ("timestamptz", "'2024-03-15 12:00+00'", "SET timezone = 'Asia/Kolkata'"),
        ("date", "'2024-02-01'", "SET datestyle = 'SQL, DMY'"),
        ("daterange", "'[2024-02-01,2024-03-04)'", "SET datestyle = 'SQL, DMY'"),
        ("interval", "'-1 days -02:00:00'", "SET intervalstyle = 'sql_standard'"),
        ("bytea", "'\\x00ff5c41'", "SET bytea_output = 'escape'"),
        ("numeric", "'NaN'", ""),
        ("timestamptz", "'-infinity'", ""),
        ("text[]", "ARRAY['a\"b', 'c\\d', NULL, '']", ""),
        ("jsonb", "'{\"a\": null}'", ""),
    ],
)
def test_a_value_is_as_it_was_written_whatever_its_writer_has_set(
    sample: Target, kind: str, value: str, settings: str
) -> None:
    others(sample, f"CREATE TABLE t (id int PRIMARY KEY, v {kind}); INSERT INTO t VALUES (1), (2)")
    number = up(sample, made(capture(), one=("SELECT 1", "UPDATE t SET v = NULL")), "one")
    others(
        sample, settings or "SELECT 1", f"UPDATE t SET v = {value} WHERE id = 1", f"INSERT INTO t VALUES (3, {value})"
    )
    before = rows(sample, "SELECT id, v::text FROM t ORDER BY id")
    down(sample, number)
    assert rows(sample, "SELECT id, v::text FROM t ORDER BY id") == before
    assert aside(sample) == []


@pytest.mark.parametrize("stopped", ["ALTER TABLE t DISABLE TRIGGER ALL", DROPPED], ids=["disabled", "dropped"])
def test_a_capture_that_somebody_stopped_is_noticed(sample: Target, stopped: str) -> None:
    others(sample, TABLE)
    number = up(sample, made(capture(), one=NOTHING, two=OVERWRITTEN, three=NOTHING), "two")
    others(sample, stopped)
    with pytest.raises(StepFailed, match="the triggers on t are not all there"):
        on(sample, number, "three")
    down(sample, number)
    told = [one for event in events(sample, number) for one in event.detail.get("captures", [])]
    assert told[0]["interrupted"] is True


@pytest.mark.parametrize("change", ["ALTER TABLE t RENAME TO u", "ALTER TABLE t RENAME id TO key", "DROP TABLE t"])
def test_a_step_may_not_take_the_table_from_under_its_capture(sample: Target, change: str) -> None:
    others(sample, TABLE)
    number = up(sample, made(capture(), one=NOTHING, two=(change, "SELECT 1")), "one")
    with pytest.raises(StepFailed, match="capture them"):
        on(sample, number, "two")
    assert ask(sample, "SELECT count(id) FROM t") == 5


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("CREATE TABLE t (id int PRIMARY KEY, v json)", "type json"),
        (
            "CREATE TABLE t (id int PRIMARY KEY, n int); CREATE TABLE part (PRIMARY KEY (id)) INHERITS (t)",
            "has parts",
        ),
        ("CREATE TABLE t (id int[] PRIMARY KEY)", "an array"),
        ("CREATE TABLE t (id int PRIMARY KEY DEFERRABLE)", "not deferrable"),
    ],
)
def test_what_cannot_be_captured_whole_is_refused(sample: Target, table: str, says: str) -> None:
    others(sample, table)
    number = begun(sample, made(capture(), one=NOTHING))
    with pytest.raises(StepFailed, match=says):
        on(sample, number, "one")


def test_who_undoes_the_first_step_by_hand_has_what_others_wrote_carried_back(sample: Target) -> None:
    others(sample, TABLE)
    number = up(sample, made(capture(), one=("SELECT 1", "UPDATE t SET n = 0; SELECT 1/0")), "one")
    others(sample, "UPDATE t SET n = 5 WHERE id = 1")
    with pytest.raises(StepFailed):
        down(sample, number)
    drive(sample, lambda here: resolving.resolve(here, number, "one", "undone", "by hand"))
    down(sample, number)
    assert state(sample, number) == "rolled back"
    assert ask(sample, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE '!handrail_capture%%'") == 0
    assert ask(sample, "SELECT n FROM t WHERE id = 1") == 5


def test_who_does_the_first_step_by_hand_begins_the_capture(sample: Target) -> None:
    others(sample, TABLE)
    number = begun(sample, made(capture(), one=("SELECT 1/0", "UPDATE t SET n = 0")))
    with pytest.raises(StepFailed):
        on(sample, number, "one")
    drive(sample, lambda here: resolving.resolve(here, number, "one", "done", "by hand"))
    others(sample, "UPDATE t SET n = 5 WHERE id = 1")
    down(sample, number)
    assert ask(sample, "SELECT n FROM t WHERE id = 1") == 5


def test_rows_of_two_tables_wait_for_each_other(sample: Target) -> None:
    child = "CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t); INSERT INTO child VALUES (1, 1)"
    others(sample, TABLE, child)
    undo = "DELETE FROM child WHERE id > 1; DELETE FROM t WHERE id > 5"
    plans = capture("child", "children") + capture()
    number = up(sample, made(plans, one=("SELECT 1", undo)), "one")
    others(sample, "INSERT INTO t VALUES (9, 1, 'new')", "INSERT INTO child VALUES (9, 9)")
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM child JOIN t ON t.id = child.t") == 2
    assert aside(sample) == []


def test_writers_of_different_rows_do_not_meet_in_what_is_kept(sample: Target) -> None:
    others(sample, TABLE)
    up(sample, made(capture(), one=NOTHING), "one")
    with psycopg.connect(sample.url) as one, psycopg.connect(sample.url) as two:
        for session, row in ((one, 1), (two, 2)):
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            session.execute("UPDATE t SET n = 5 WHERE id = %s", (row,))
    assert ask(sample, "SELECT count(*) FROM handrail.captured") == 2
