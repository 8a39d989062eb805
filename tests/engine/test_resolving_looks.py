"""What `resolve` looks at, by kind of step: the rows of a backfill, the catalog for what runs online (FM-A3)."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.errors import NotMended
from db.session import Target
from tests.driving import (
    ask,
    begun,
    drive,
    fingerprinted,
    state,
    tiny,
)
from tests.engine.mending import FILL, failed, goes_on_and_back, resolved
from tests.engine.online.test_partitions import ATTACH, DETACH, SCENE, interrupted
from tests.online import CREATE, DROP, NOTHING, VALID, invalidated, online

pytestmark = pytest.mark.newest  # it is not the server that decides


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
