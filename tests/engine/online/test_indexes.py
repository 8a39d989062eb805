"""Indexes are known by name and definition, compared in the server's own words (F5, F10, FM-A3, FM-D10)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from console.engine import journey
from console.engine.errors import NotAsBefore, StepFailed
from db.session import Target
from tests.driving import ask, begun, done, drive, events, fingerprinted, kinds, look, session_of, state
from tests.online import CREATE, DROP, VALID, invalidated, mended, online

SCENE = """
ALTER TABLE person ADD COLUMN gone int, ADD COLUMN "Größe" int, ADD COLUMN age int;
ALTER TABLE person DROP COLUMN gone;
CREATE SCHEMA "Other place";
CREATE TABLE "Other place"."Per ""son" (id int, "E-mail" text);
"""
OTHER = '"Other place"."Per ""son"'
SAME = [
    ("CREATE INDEX CONCURRENTLY i ON person (email)", "i"),
    ("CREATE UNIQUE INDEX CONCURRENTLY i ON public.person USING btree (age, email DESC NULLS LAST) INCLUDE (id)", "public.i"),
    ('CREATE INDEX CONCURRENTLY i ON person (lower(email) COLLATE "C" text_pattern_ops, ("Größe" + age)) WHERE age > 1', "i"),
    ("CREATE UNIQUE INDEX CONCURRENTLY i ON person (age) NULLS NOT DISTINCT WITH (fillfactor = 70) WHERE age > 3", "i"),
    ("CREATE INDEX CONCURRENTLY i ON ONLY person (lower(person.email)) WHERE person.age IS NOT NULL", "i"),
    (f"""CREATE /* on "Per" */ INDEX -- CONCURRENTLY\n CONCURRENTLY "I""n dex" ON {OTHER} ("E-mail", (id % 10)) WITH (fillfactor = 80)""", '"Other place"."I""n dex"'),
    (f"CREATE INDEX CONCURRENTLY i ON {OTHER} USING hash (id)", '"Other place".i'),
    ("CREATE INDEX CONCURRENTLY i ON person USING brin (age int4_minmax_multi_ops(values_per_range = 16))", "i"),
]  # fmt: skip
DIFFERENT = [
    "CREATE INDEX i ON person (email)",
    "CREATE UNIQUE INDEX i ON person (email, age)",
    "CREATE UNIQUE INDEX i ON person (age, email)",
    "CREATE UNIQUE INDEX i ON person (email) INCLUDE (age)",
    "CREATE UNIQUE INDEX i ON person (email DESC, age) WHERE age > 1",
    "CREATE UNIQUE INDEX i ON person (email, age) WHERE age > 2",
    'CREATE UNIQUE INDEX i ON person (email COLLATE "C", age) WHERE age > 1',
    "CREATE UNIQUE INDEX i ON person (email text_pattern_ops, age) WHERE age > 1",
    "CREATE UNIQUE INDEX i ON person (email, age) WITH (fillfactor = 50) WHERE age > 1",
    "CREATE UNIQUE INDEX i ON person (email, age) NULLS NOT DISTINCT WHERE age > 1",
    "CREATE UNIQUE INDEX i ON person (email, (age + 1)) WHERE age > 1",
    "CREATE TABLE twin AS TABLE person; CREATE UNIQUE INDEX i ON twin (email, age) WHERE age > 1",
]
NEWEST = "SELECT max(indexrelid::bigint) FROM pg_index"
WANTED = "CREATE UNIQUE INDEX CONCURRENTLY i ON person (email, age) WHERE age > 1"


def said(target: Target, number: int, kind: str) -> dict[str, Any]:
    return next(event.detail for event in events(target, number) if event.kind == kind)


@pytest.mark.parametrize(("create", "name"), SAME, ids=range(len(SAME)))
def test_an_index_of_the_same_definition_is_left_alone(sample: Target, create: str, name: str) -> None:
    """Forwards and back: it was there before the run, and somebody needs it."""
    ask(sample, SCENE)
    ask(sample, create)
    before = fingerprinted(sample).objects
    built = ask(sample, NEWEST)
    number = begun(sample, online(create, f"DROP INDEX CONCURRENTLY {name}"))
    drive(sample, lambda here: journey.forward(here, number))
    assert (ask(sample, NEWEST), state(sample, number)) == (built, "done")
    (found,) = said(sample, number, "step done")["already"]
    drive(sample, lambda here: journey.back(here, number))
    assert (ask(sample, NEWEST), said(sample, number, "step undone")["left"]) == (built, [found])
    assert fingerprinted(sample).objects == before


def test_one_that_an_earlier_attempt_built_is_the_steps_own(sample: Target) -> None:
    """The statement after it failed; where the console died in between, test_killed.py."""
    ask(sample, SCENE)
    before = fingerprinted(sample).objects
    two = f"{WANTED};\nCREATE INDEX CONCURRENTLY j ON person (lower(missing))"
    number = begun(sample, online(two, "DROP INDEX CONCURRENTLY j; DROP INDEX CONCURRENTLY i"))
    with pytest.raises(StepFailed, match="line 2"):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "ALTER TABLE person ADD missing text")
    drive(sample, lambda here: journey.resume(here, number))
    assert "already" not in said(sample, number, "step done")
    with pytest.raises(NotAsBefore):
        drive(sample, lambda here: journey.back(here, number))
    ask(sample, "ALTER TABLE person DROP missing")
    assert fingerprinted(sample).objects == before


def test_a_run_that_went_back_and_forth_builds_its_own(sample: Target) -> None:
    ask(sample, SCENE)
    ask(sample, WANTED)
    number = done(sample, online(WANTED, "DROP INDEX CONCURRENTLY i"))
    drive(sample, lambda here: journey.back(here, number, "index"))
    ask(sample, "DROP INDEX i")
    drive(sample, lambda here: journey.forward(here, number, accepted=True))
    with pytest.raises(NotAsBefore, match=r"gone: index public\.i\."):
        drive(sample, lambda here: journey.back(here, number, "index"))
    assert ask(sample, "SELECT to_regclass('i')") is None


def test_what_was_dropped_already_is_not_made_by_the_way_back(sample: Target) -> None:
    ask(sample, SCENE)
    before = fingerprinted(sample).objects
    number = done(sample, online("DROP INDEX CONCURRENTLY i", WANTED))
    drive(sample, lambda here: journey.back(here, number))
    assert fingerprinted(sample).objects == before


@pytest.mark.parametrize(("create", "name"), SAME, ids=range(len(SAME)))
def test_an_invalid_index_of_the_same_definition_is_built_again(sample: Target, create: str, name: str) -> None:
    """F10: whatever its name and schema."""
    ask(sample, SCENE)
    ask(sample, create)
    whole = fingerprinted(sample).objects
    built = ask(sample, NEWEST)
    invalidated(sample, built)
    number = done(sample, online(create, f"DROP INDEX CONCURRENTLY {name}"))
    assert fingerprinted(sample).objects == whole
    assert ask(sample, "SELECT count(*) FROM pg_index WHERE indexrelid = %s OR NOT indisvalid", built) == 0
    assert len(mended(sample, number)) == 1


@pytest.mark.parametrize("valid", [True, False])
@pytest.mark.parametrize("existing", DIFFERENT, ids=range(len(DIFFERENT)))
def test_an_index_of_another_definition_is_never_dropped(sample: Target, existing: str, valid: bool) -> None:
    """F5, FM-D10: valid or not; and the rollback neither drops it nor is stuck."""
    ask(sample, SCENE)
    ask(sample, existing)
    there = ask(sample, "SELECT 'i'::regclass::oid")
    if not valid:
        invalidated(sample, there)
    before = fingerprinted(sample).objects
    number = begun(sample, online(WANTED, "DROP INDEX CONCURRENTLY i"))
    with pytest.raises(StepFailed, match="index i is there with another definition: CREATE") as caught:
        drive(sample, lambda here: journey.forward(here, number))
    assert "Rename it or drop it" in caught.value.hint
    drive(sample, lambda here: journey.back(here, number))
    assert (ask(sample, "SELECT 'i'::regclass::oid"), state(sample, number)) == (there, "rolled back")
    assert look(sample, number).steps[0].progress["left"] == ["i"]
    assert fingerprinted(sample).objects == before


@pytest.mark.parametrize("valid", [True, False])
def test_an_index_that_the_undo_could_not_give_back_is_not_dropped(sample: Target, valid: bool) -> None:
    """Neither forwards, nor is it rebuilt by the rollback."""
    ask(sample, "CREATE UNIQUE INDEX person_email ON person (lower(email))")
    there = ask(sample, "SELECT 'person_email'::regclass::oid")
    if not valid:
        invalidated(sample, there)
    number = begun(sample, online(DROP, CREATE))
    with pytest.raises(StepFailed, match=r"another definition: CREATE UNIQUE INDEX person_email .*lower") as caught:
        drive(sample, lambda here: journey.forward(here, number))
    assert "mend the undo" in caught.value.hint
    drive(sample, lambda here: journey.back(here, number))
    assert ask(sample, "SELECT 'person_email'::regclass::oid") == there


def test_an_interrupted_drop_is_dropped_again(sample: Target) -> None:
    """F10: what is left is INVALID, of the same definition."""
    ask(sample, CREATE)
    number = begun(sample, online(DROP, CREATE))
    invalidated(sample, ask(sample, "SELECT 'person_email'::regclass::oid"), "indisready = false, indislive = false")
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, "SELECT to_regclass('person_email')") is None
    assert mended(sample, number) == ["person_email"]
    drive(sample, lambda here: journey.back(here, number))
    assert ask(sample, VALID) is True


def test_an_index_that_cannot_be_compared_is_not_dropped(sample: Target) -> None:
    ask(sample, CREATE)
    number = begun(sample, online(CREATE.replace("(email)", "(emai)"), DROP))
    with pytest.raises(StepFailed, match=r"cannot be compared with the plan's: .*emai.* does not exist"):
        drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, VALID) is True
    assert "step failed" in kinds(sample, number)


def test_comparing_leaves_nothing_behind(sample: Target) -> None:
    """The statement after it means the table, not the copy that was compared with."""
    more = CREATE.replace("person_email", "person_more")
    number = begun(sample, online(f"{CREATE}; {more}", f"{DROP}; {DROP.replace('person_email', 'person_more')}"))
    ask(sample, CREATE)
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, "SELECT to_regclass('public.person_more') IS NOT NULL")


@pytest.mark.newest
def test_a_look_at_the_catalog_keeps_to_the_lock_timeout(sample: Target) -> None:
    """F8, I-8: only the statement itself waits for as long as it must, also before the next look."""
    number = begun(sample, online(f"VACUUM handrail.run; {CREATE}", DROP))
    ask(sample, CREATE)
    with ThreadPoolExecutor() as pool, session_of(sample) as somebody:
        somebody.execute("LOCK TABLE person")
        driving = pool.submit(drive, sample, lambda here: journey.forward(here, number))
        assert "Another session holds the lock" in str(driving.exception(20))
