"""Somebody of the staff before the console: at a gate, or at a decision that has not been answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from console.engine import journey
from console.engine.decisions import answering
from db.session import Target
from tests.driving import drive, tiny
from tests.screens.person import Person, console
from tests.staffed import as_login, onward

Size = tuple[int, int]

DECIDED = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one (a int)"
undo = "DROP TABLE one"

[phase.checkpoint]
id = "fine"
title = "Fine"

[phase.checkpoint.gate]
roles = ["security"]
within = "1h"

[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = "One is there"
sql = "SELECT to_regclass('one') IS NOT NULL"
equals = true

[[phase]]
title = "Then"

[[phase.step]]
id = "two"
kind = "sql"
title = "Two"
estimate = "1s"
sql = "CREATE TABLE two AS SELECT {{way}} AS way, {{hours}} AS hours"
undo = "DROP TABLE two"

[[decision]]
id = "how"
title = "How it is done"
about = "The way, and for how long."
before = "two"
roles = ["product owner"]

[[decision.field]]
id = "way"
kind = "choice"
title = "Way"
options = ["extend", "replace"]
default = "extend"

[[decision.field]]
id = "hours"
kind = "number"
title = "Longest outage"
help = "Of the application, at night."
unit = "h"
minimum = 1
maximum = 8
default = 2
"""


@asynccontextmanager
async def somebody(target: Target, login: str, size: Size = (80, 24)) -> AsyncIterator[Person]:
    """The console as this login has it, once it has seen the target."""
    async with console(as_login(target, login).url, size) as person:
        await person.sees("PostgreSQL 18", "walk")
        yield person


async def at_gate(person: Person) -> None:
    """The checkpoint of run 1, with its sign-offs."""
    person.app.visit("checkpoint", 1, "fine")
    await person.sees("Sign-offs", "One is there")


async def says_why(person: Person, key: str, question: str, *reason: str) -> None:
    """Gives a word, with a reason."""
    await person.until(lambda: person.can({"a": "approve", "X": "reject"}[key]))
    await person.presses(key)
    dialog = await person.is_asked(question)
    await person.presses(*reason, "enter")
    await person.until(lambda: person.app.screen is not dialog)


def deciding(target: Target, sign: Callable[[int], None] | None = None) -> int:
    """A run of the on-call engineer's up to checkpoint `fine`; its decision `how` comes next."""
    engineer = as_login(target, "oncall1")
    number = drive(engineer, lambda here: journey.begin(here, tiny(DECIDED)))
    onward(engineer, number)
    if sign is not None:
        sign(number)
    engineer.close()
    return number


def answered(target: Target, number: int, login: str = "oncall1", **given: object) -> None:
    mine = as_login(target, login)
    with mine.session() as session:
        answering.answer(session, number, journey.plan_of(journey.found(session, number)), "how", given)
    mine.close()
