"""What others wrote is in place after a rollback, as they wrote it, or set aside; and everything else as before (FM-H7)."""

from __future__ import annotations

import pytest

from console.engine import journey, rollback
from db.session import Target
from tests.driving import ask, drive, events, fingerprinted, state
from tests.engine.captures.writing import MOVING, OVERWRITING, aside, down, others, person, plan, rows, up

NEW = "00000000-0000-0000-0000-000000000001"


@pytest.mark.parametrize("until", ["copy", "column", "fill", "good"])
def test_nothing_written_nothing_kept(sample: Target, until: str) -> None:
    before = fingerprinted(sample)
    number = up(sample, plan(OVERWRITING), until)
    down(sample, number)
    assert fingerprinted(sample) == before
    assert aside(sample) == []


def test_a_change_is_written_again(sample: Target) -> None:
    one, two = person(sample, 1), person(sample, 2)
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, f"UPDATE person SET n = 77 WHERE id = '{one}'", f"UPDATE person SET email = 'x' WHERE id = '{two}'")
    down(sample, number)
    assert ask(sample, "SELECT n FROM person WHERE id = %s", one) == 77
    assert rows(sample, f"SELECT email, n FROM person WHERE id = '{two}'") == [{"email": "x", "n": 0}]
    assert ask(sample, "SELECT count(*) FROM person WHERE n <> 0") == 1
    assert aside(sample) == []


def test_two_changes_of_one_row_are_one(sample: Target) -> None:
    one = person(sample, 1)
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, *(f"UPDATE person SET n = {n} WHERE id = '{one}'" for n in (5, 6, 7)))
    down(sample, number)
    assert ask(sample, "SELECT n FROM person WHERE id = %s", one) == 7


def test_a_new_row_stays(sample: Target) -> None:
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, f"INSERT INTO person (id, email, n) VALUES ('{NEW}', 'new', 9)")
    down(sample, number)
    assert ask(sample, "SELECT n FROM person WHERE id = %s", NEW) == 9
    assert aside(sample) == []


def test_who_left_stays_away(sample: Target) -> None:
    one = person(sample, 1)
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, f"DELETE FROM person WHERE id = '{one}'")
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM person WHERE id = %s", one) == 0
    assert aside(sample) == []


def test_a_key_that_was_used_again_is_the_new_row(sample: Target) -> None:
    one = person(sample, 1)
    number = up(sample, plan(OVERWRITING), "fill")
    others(
        sample, f"DELETE FROM person WHERE id = '{one}'", f"INSERT INTO person (id, email, n) VALUES ('{one}', 'b', 3)"
    )
    down(sample, number)
    assert rows(sample, f"SELECT email, n FROM person WHERE id = '{one}'") == [{"email": "b", "n": 3}]


def test_a_key_that_was_changed_takes_its_row_along(sample: Target) -> None:
    one = person(sample, 1)
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, f"UPDATE person SET id = '{NEW}', n = 4 WHERE id = '{one}'")
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM person WHERE id = %s", one) == 0
    assert ask(sample, "SELECT n FROM person WHERE id = %s", NEW) == 4


def test_who_came_and_went_leaves_nothing(sample: Target) -> None:
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, f"INSERT INTO person (id, email) VALUES ('{NEW}', 'new')", f"DELETE FROM person WHERE id = '{NEW}'")
    with sample.session() as session:
        (kept,) = rollback.preview(session, journey.found(session, number)).kept
    assert kept.rows == 0
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM person WHERE id = %s", NEW) == 0
    assert aside(sample) == []


def test_what_has_no_column_any_more_is_set_aside(sample: Target) -> None:
    one = person(sample, 1)
    number = up(sample, plan(OVERWRITING), "fill")
    others(sample, f"UPDATE person SET n = 5, email_lc = 'mine' WHERE id = '{one}'")
    down(sample, number)
    assert ask(sample, "SELECT n FROM person WHERE id = %s", one) == 5
    assert aside(sample) == [{"op": "update", "key": {"id": one}, "row": {"email_lc": "mine"}}]


def test_by_the_rule_it_is_set_aside_and_the_undo_stands(sample: Target) -> None:
    one, two, three = (person(sample, place) for place in (1, 2, 3))
    number = up(sample, plan(OVERWRITING, "set aside"), "fill")
    others(
        sample,
        f"UPDATE person SET n = 77 WHERE id = '{one}'",
        f"DELETE FROM person WHERE id = '{two}'",
        f"UPDATE person SET email = 'kept by the undo' WHERE id = '{three}'",
        f"INSERT INTO person (id, email) VALUES ('{NEW}', 'new')",
    )
    down(sample, number)
    assert ask(sample, "SELECT n FROM person WHERE id = %s", one) == 0
    assert sorted(aside(sample), key=lambda row: row["op"]) == [
        {"op": "delete", "key": {"id": two}, "row": None},
        {"op": "update", "key": {"id": one}, "row": {"n": 77}},
    ]
    assert ask(sample, "SELECT count(*) FROM person WHERE email = 'kept by the undo' OR email = 'new'") == 2


def test_what_was_written_to_the_new_table_goes_into_the_old_one(sample: Target) -> None:
    one, two = person(sample, 1), person(sample, 2)
    number = up(sample, plan(MOVING), "new")
    others(
        sample,
        f"INSERT INTO human (id, mail, n) VALUES ('{NEW}', 'New', 9)",
        f"UPDATE human SET n = 5, nick = 'nix' WHERE id = '{one}'",
        f"DELETE FROM human WHERE id = '{two}'",
    )
    down(sample, number)
    assert rows(sample, f"SELECT email, n FROM person WHERE id = '{NEW}'") == [{"email": "new", "n": 9}]
    assert ask(sample, "SELECT n FROM person WHERE id = %s", one) == 5
    assert ask(sample, "SELECT count(*) FROM person WHERE id = %s", two) == 0
    assert aside(sample) == [{"op": "update", "key": {"id": one}, "row": {"nick": "nix"}}]


def test_what_the_old_table_refuses_is_set_aside_and_the_rest_arrives(sample: Target) -> None:
    others(sample, "CREATE UNIQUE INDEX ON person (email)")
    number = up(sample, plan(MOVING), "new")
    others(
        sample,
        "INSERT INTO human (id, mail, n) SELECT gen_random_uuid(), 'new' || (g % 90), g FROM generate_series(1, 100) g",
    )
    down(sample, number)
    assert ask(sample, "SELECT count(*) FROM person WHERE email LIKE 'new%%'") == 90
    refused = aside(sample)
    assert [row["op"] for row in refused] == ["insert"] * 10
    assert all(row["row"]["mail"].startswith("new") for row in refused)


def test_a_rollback_says_before_what_it_will_meet_and_after_what_became_of_it(sample: Target) -> None:
    one, two = person(sample, 1), person(sample, 2)
    number = up(sample, plan(OVERWRITING), "fill")
    others(
        sample,
        f"UPDATE person SET email_lc = 'mine' WHERE id = '{one}'",
        f"DELETE FROM person WHERE id = '{two}'",
        f"INSERT INTO person (id, email) VALUES ('{NEW}', 'new')",
    )
    with sample.session() as session:
        (kept,) = rollback.preview(session, journey.found(session, number)).kept
    assert (kept.rows, kept.title) == (3, "People written since (1 new, 1 changed, 1 deleted)")
    down(sample, number)
    said = [event.detail.get("captures") for event in events(sample, number) if event.kind == "step undone"]
    assert said == [
        [{"capture": "people", "written": 3, "carried": 1, "aside": 0}],
        [{"capture": "people", "written": 3, "carried": 0, "aside": 1}],
        [{"capture": "people", "written": 2, "carried": 0, "aside": 0}],
    ]


def test_the_schema_has_no_difference_for_a_capture(sample: Target) -> None:
    number = up(sample, plan(OVERWRITING), "fill")
    drive(sample, lambda here: journey.forward(here, number, until="good"))  # drift would be refused
    down(sample, number)
    assert state(sample, number) == "rolled back"
    assert ask(sample, "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'handrail%%'") == 0
