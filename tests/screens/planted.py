"""A target with the corpus of tests/hostile.py in every name, value, message and plan, and runs that met it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from console.engine import journey, operators, reading, signing
from console.engine.decisions import answering
from db import journal
from db.errors import HandrailError
from db.session import Target
from tests.driving import drive
from tests.hostile import ALL, LONGER, pieces, toml
from tests.staffed import as_login, signed, staffed

NAMES = pieces()
LOGIN = "[/red]\x1b]52;c;eA==\x07\x9b7777m[@click=app.quit]x[/]\u202e"
TABLE = "[/red] \x1b[7777m\x9d \u202e :x %s [@click=app.quit]t[/]"
APPLICATION = "[/red] [@click=app.quit]x[/] [bold]"  # the server keeps ASCII alone of it
GATE_REASON = 4_000  # characters

FAULTS = f"""\
format = 1
id = "faults"
target = "sample"
title = {toml(NAMES[6])}
about = {toml(LONGER)}

[[phase]]
title = {toml(NAMES[0])}

[[phase.step]]
id = "one"
kind = "sql"
title = {toml(NAMES[6])}
estimate = "1s"
sql = {toml(f"/* {ALL} */ CREATE TABLE one (a int); -- {LONGER.replace(chr(10), ' ').replace(chr(13), ' ')}")}
undo = {toml(f"/* {ALL} */ DROP TABLE one")}

[phase.checkpoint]
id = "faulty"
title = {toml(NAMES[7])}

[[phase.checkpoint.check]]
id = "rows"
kind = "sql"
title = {toml(NAMES[5])}
sql = {toml(f"SELECT * /* {ALL} */ FROM " + Identifier(TABLE).as_string())}
no_rows = true

[[phase.checkpoint.check]]
id = "words"
kind = "sql"
title = {toml(NAMES[4])}
sql = {toml("SELECT " + Literal(LONGER).as_string())}
equals = {toml(LONGER)}

[[kept]]
id = "kept"
title = {toml(NAMES[3])}
since = "one"
count = {toml(f"/* {ALL} */ SELECT 1")}
rule = "set aside"
"""

SIEGE = f"""\
format = 1
id = "siege"
target = "sample"
title = {toml(NAMES[6])}

[[phase]]
title = {toml(NAMES[1])}

[[phase.step]]
id = "call"
kind = "manual"
title = {toml(NAMES[2])}
estimate = "1m"
instructions = {toml(LONGER)}
undo = {toml(ALL)}

[[phase.step]]
id = "waits"
kind = "sql"
title = {toml(NAMES[6])}
estimate = "1s"
lock_timeout = "30s"
sql = {toml(f"LOCK TABLE {Identifier(TABLE).as_string()} IN ACCESS EXCLUSIVE MODE; SELECT fails()")}
undo = "-- nothing to undo"

[phase.checkpoint]
id = "fine"
title = {toml(NAMES[6])}

[phase.checkpoint.gate]
roles = ["security"]
within = "1h"

[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = {toml(NAMES[0])}
sql = {toml("SELECT " + Literal(ALL).as_string())}
equals = {toml(ALL)}

[[phase]]
title = "Then"

[[phase.step]]
id = "two"
kind = "sql"
title = {toml(NAMES[6])}
estimate = "1s"
sql = "CREATE TABLE two AS SELECT {{{{way}}}} AS way, {{{{note}}}} AS note"
undo = "DROP TABLE two"

[[decision]]
id = "how"
title = {toml(NAMES[6])}
about = {toml(LONGER)}
before = "two"
inputs = [{toml(NAMES[0])}]
roles = ["security"]

[[decision.field]]
id = "note"
kind = "text"
title = {toml(NAMES[6])}
help = {toml(ALL)}

[[decision.field]]
id = "way"
kind = "choice"
title = {toml(NAMES[7])}
options = [{toml(NAMES[6])}, {toml(NAMES[0])}]
"""
BROKEN = f'format = 1\nid = "broken"\n{toml(ALL)} = 1\n'

# Errors and notices of a step, until `peace` has a row.
FAILS = SQL("""
CREATE TABLE peace (a int);
CREATE FUNCTION fails() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    IF NOT EXISTS (SELECT FROM peace) THEN
        RAISE NOTICE USING MESSAGE = {said};
        RAISE EXCEPTION USING MESSAGE = {said}, DETAIL = {said}, HINT = {said}, TABLE = {said}, CONSTRAINT = {said};
    END IF;
END $$
""")


def plans(folder: Path) -> None:
    for name, text in (("faults", FAULTS), ("siege", SIEGE), ("broken", BROKEN)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")


def besieger(target: Target) -> Target:
    """The target, reached by the login with the hostile name, which may do everything."""
    return as_login(target, quote(LOGIN, safe=""))


def plant(target: Target) -> None:
    """Names, rows and people."""
    staffed(target)
    columns = SQL(", ").join(SQL("{} text DEFAULT {}").format(Identifier(name), Literal(ALL)) for name in NAMES)
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute(FAILS.format(said=Literal(ALL)))
        connection.execute(
            SQL("CREATE TYPE {} AS ENUM ({})").format(Identifier(NAMES[1]), SQL(", ").join(map(Literal, NAMES)))
        )
        connection.execute(
            SQL("CREATE TABLE {} ({}, {} {} DEFAULT {}, long text)").format(
                Identifier(TABLE), columns, Identifier("of " + NAMES[2][:30]), Identifier(NAMES[1]), Literal(NAMES[6])
            )
        )
        connection.execute(SQL("CREATE INDEX {} ON {} ({})").format(*map(Identifier, (NAMES[7], TABLE, NAMES[0]))))
        connection.execute(SQL("INSERT INTO {} (long) VALUES ({})").format(Identifier(TABLE), Literal(LONGER)))
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (LOGIN,)).fetchone() is None:
            connection.execute(SQL("CREATE ROLE {} LOGIN SUPERUSER").format(Identifier(LOGIN)))
    with target.session() as session:
        operators.add(session, LOGIN, "harm", name=ALL, groups=["engineer", "admin"])
        operators.add(session, "sec2", "sam", groups=["approver", "engineer"])
        for kind in (ALL, LONGER):
            journal.record(session, kind, None, LONGER, **{ALL: ALL, "error": LONGER, "rows": [{ALL: [ALL]}]})


def fails(target: Target, folder: Path) -> int:
    """A run that stands at its checkpoint, with rows at fault."""

    def go(executor: object) -> int:
        number = journey.begin(executor, reading.load("faults", folder))  # type: ignore[arg-type]
        with suppress(HandrailError):
            journey.forward(executor, number)  # type: ignore[arg-type]
        return number

    return drive(besieger(target), go)


def gated(target: Target, number: int) -> None:
    """From its closed gate on: rejected, broken open, and its decision answered."""
    signed(target, "sec1", number, "fine", "reject", ALL + LONGER[:GATE_REASON])
    harm = besieger(target)
    with harm.session() as session:
        signing.break_glass(session, number, "fine", LONGER, f"not {LONGER}")
    with suppress(HandrailError):
        drive(harm, lambda here: journey.resume(here, number, said=True))
    with harm.session() as session:
        plan = journey.plan_of(journey.found(session, number))
        answering.answer(session, number, plan, "how", {"way": NAMES[6], "note": ALL.strip()})
    harm.close()


@contextmanager
def in_the_way(target: Target) -> Iterator[None]:
    """A session that holds the table, with everything hostile that the server shows of a session."""
    with psycopg.connect(besieger(target).url, application_name=APPLICATION) as connection:
        held = SQL("/* {} */ SELECT * FROM {} LIMIT 1").format(SQL(ALL), Identifier(TABLE))
        connection.execute(held)
        yield
        connection.rollback()
