"""What a step has built, dropped or detached itself is taken back; what it found so is left so (FM-A3)."""

from __future__ import annotations

from contextlib import suppress

import pytest

from console.engine import journey
from console.engine.errors import NotAsBefore, StepFailed
from db.errors import LockNotGranted
from db.session import Target
from tests.driving import ask, begun, drive, fingerprinted, look, session_of, tiny
from tests.engine.mending import LAST, NEXT, resolved
from tests.online import STEP, online

pytestmark = pytest.mark.newest

FIRST = "CREATE INDEX CONCURRENTLY a ON person (n)"
SECOND = "CREATE INDEX CONCURRENTLY b ON person (email, n)"
BAD = "CREATE INDEX CONCURRENTLY bad ON person (missing)"
MENDED = "ALTER TABLE person ADD missing text"


def dropping(*names: str) -> str:
    return ";\n".join(f"DROP INDEX CONCURRENTLY {name}" for name in names)


def forward(target: Target, number: int) -> None:
    drive(target, lambda here: journey.forward(here, number))


def back(target: Target, number: int) -> None:
    """What a person changed by hand meanwhile stays, and is told."""
    with suppress(NotAsBefore):
        drive(target, lambda here: journey.back(here, number))


def fails(target: Target, number: int) -> None:
    with pytest.raises(StepFailed, match="missing"):
        forward(target, number)


def made(target: Target, sql: str) -> None:
    ask(target, sql.replace(" CONCURRENTLY", ""))


def is_there(target: Target, name: str) -> bool:
    return bool(ask(target, f"SELECT to_regclass('{name}') IS NOT NULL"))


def test_a_first_look_that_failed_makes_nothing_the_steps(sample: Target) -> None:
    """The table was locked when the step wanted to look."""
    made(sample, FIRST)
    number = begun(sample, online(FIRST, dropping("a")))
    with session_of(sample) as session:
        session.execute("LOCK TABLE person")
        with pytest.raises((StepFailed, LockNotGranted)):
            forward(sample, number)
    forward(sample, number)
    back(sample, number)
    assert is_there(sample, "a")


def test_a_statement_that_was_never_reached_is_not_taken_back(sample: Target) -> None:
    made(sample, SECOND)
    before = fingerprinted(sample).objects
    number = begun(sample, online(f"{BAD};\n{SECOND}", dropping("bad", "b")))
    fails(sample, number)
    back(sample, number)
    assert fingerprinted(sample).objects == before


def test_a_drop_that_was_never_reached_builds_nothing(sample: Target) -> None:
    before = fingerprinted(sample).objects
    number = begun(sample, online(f"{BAD};\n{dropping('b')}", f"{dropping('bad')};\n{SECOND}"))
    fails(sample, number)
    back(sample, number)
    assert fingerprinted(sample).objects == before


def test_two_statements_on_one_line_are_two(sample: Target) -> None:
    made(sample, SECOND)
    number = begun(sample, online(f"{BAD}; {SECOND}", dropping("bad", "b")))
    fails(sample, number)
    ask(sample, MENDED)
    forward(sample, number)
    back(sample, number)
    assert is_there(sample, "b")


def test_what_somebody_dropped_and_the_step_built_is_the_steps(sample: Target) -> None:
    made(sample, FIRST)
    number = begun(sample, online(f"{FIRST};\n{BAD}", dropping("bad", "a")))
    fails(sample, number)
    assert look(sample, number).steps[0].progress["already"] == ["a"]
    ask(sample, "DROP INDEX a")
    ask(sample, MENDED)
    forward(sample, number)
    back(sample, number)
    assert not is_there(sample, "a")


def test_undone_by_hand_is_what_the_step_has_made(sample: Target) -> None:
    made(sample, FIRST)
    step = f"{STEP}sql = '''{FIRST};\n{SECOND}'''\nundo = '''{dropping('b', 'a')}'''\n"
    number = begun(sample, tiny(NEXT.join([step, LAST])))
    drive(sample, lambda here: journey.forward(here, number, until="index"))
    ask(sample, "DROP INDEX b")
    resolved(sample, number, "index", "undone")
    assert is_there(sample, "a")
