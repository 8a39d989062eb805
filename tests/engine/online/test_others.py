"""Enum values, constraints and VACUUM: what is done already is not done twice (I-2)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from console.engine import journey
from console.engine.errors import StepFailed
from db.session import Target
from tests.driving import ask, begun, done, drive, session_of, state
from tests.online import NOTHING, online

SCENE = """
CREATE SCHEMA "My types";
CREATE TYPE "My types"."Mood" AS ENUM ('sad', 'glad');
CREATE TYPE mood AS ENUM ('so-so');
CREATE TABLE "My types"."Child" (person_id uuid, age int);
INSERT INTO "My types"."Child" (age) VALUES (-1);
ALTER TABLE "My types"."Child" ADD CONSTRAINT "Is old" CHECK (age > 0) NOT VALID;
"""
ADD = """ALTER TYPE "My types"."Mood" ADD VALUE 'so-so' BEFORE 'glad'"""
MOODS = """SELECT enum_range(NULL::"My types"."Mood")::text"""
VALIDATE = 'ALTER TABLE "My types"."Child" VALIDATE CONSTRAINT "Is old"'
VALIDATED = "SELECT convalidated FROM pg_constraint WHERE conname = 'Is old'"


def test_an_enum_value_is_added_once(sample: Target) -> None:
    """F17; a value of the same name in another type is another value."""
    ask(sample, SCENE)
    number = begun(sample, online(ADD, NOTHING))
    assert ask(sample, MOODS) == "{sad,glad}"
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, MOODS) == "{sad,so-so,glad}"


def test_an_enum_value_that_is_there_is_left_alone(sample: Target) -> None:
    """The console died between the value and its journal row."""
    ask(sample, SCENE)
    number = begun(sample, online(ADD, NOTHING))
    ask(sample, ADD)
    drive(sample, lambda here: journey.forward(here, number))
    assert (ask(sample, MOODS), state(sample, number)) == ("{sad,so-so,glad}", "done")


def test_a_constraint_that_fails_can_be_mended_and_resumed(sample: Target) -> None:
    """F12, F13"""
    ask(sample, SCENE)
    number = begun(sample, online(VALIDATE, NOTHING))
    with pytest.raises(StepFailed, match="index line 1: check constraint"):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, 'UPDATE "My types"."Child" SET age = 1')
    drive(sample, lambda here: journey.resume(here, number))
    assert ask(sample, VALIDATED) is True


def test_a_constraint_that_is_valid_is_not_read_again(sample: Target) -> None:
    """The table is locked by somebody else; who does not look would wait for it."""
    ask(sample, SCENE + 'UPDATE "My types"."Child" SET age = 1;' + VALIDATE)
    number = begun(sample, online(VALIDATE, NOTHING))
    with ThreadPoolExecutor() as pool, session_of(sample) as somebody:
        somebody.execute('LOCK TABLE "My types"."Child" IN SHARE ROW EXCLUSIVE MODE')
        pool.submit(drive, sample, lambda here: journey.forward(here, number)).result(20)
    assert state(sample, number) == "done"


def test_vacuum_is_sent(sample: Target) -> None:
    done(sample, online("VACUUM (ANALYZE, SKIP_LOCKED off) person", NOTHING))
    assert ask(sample, "SELECT reltuples FROM pg_class WHERE relname = 'person'") == ask(
        sample, "SELECT count(*) FROM person"
    )
