"""What tests of the engine say often: drive a run, look at it, ask the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg

from console.engine import executor, journey, reading
from console.engine.executor import Executor
from console.engine.plan import Plan
from db import fingerprint
from db.fingerprint import Fingerprint
from db.models import Event, Run, Verdict
from db.queries import runs
from db.session import Target

T = TypeVar("T")

ONE_STEP = """\
format = 1
id = "tiny"
target = "sample"
title = "Tiny"
[[phase]]
title = "Only"
[[phase.step]]
title = "One"
estimate = "1s"
"""


def tiny(step: str) -> Plan:
    """A plan for target `sample` of one step, given by its keys."""
    return reading.parse(ONE_STEP + step, "tiny.toml", lambda name: "")


def sending(sql: str, keys: str = "") -> Plan:
    """A plan of one step, `one`, that sends this SQL; `keys` are further lines of the step."""
    return tiny(f"""id = "one"\nkind = "sql"\n{keys}\nsql = '''\n{sql}\n'''\nundo = "-- nothing to undo" """)


def drive(target: Target, do: Callable[[Executor], T], heard: list[Event] | None = None) -> T:
    """The answer of `do` with the target's executor; `heard` gets the events."""
    with executor.at(target, (heard if heard is not None else []).append) as here:
        return do(here)


def begun(target: Target, plan: Plan) -> int:
    return drive(target, lambda here: journey.begin(here, plan))


def done(target: Target, plan: Plan) -> int:
    """A run that has gone all the way."""
    number = begun(target, plan)
    drive(target, lambda here: journey.forward(here, number, said=True))
    assert state(target, number) == "done"
    return number


def look(target: Target, number: int) -> Run:
    with target.session() as session:
        return journey.found(session, number)


def state(target: Target, number: int) -> str:
    return look(target, number).state


def states(target: Target, number: int) -> dict[str, str]:
    return {step.step: step.state for step in look(target, number).steps}


def verdicts(target: Target, number: int) -> dict[str, Verdict]:
    with target.session() as session:
        return {verdict.check: verdict for verdict in runs.all_verdicts(session, number)}


def events(target: Target, number: int) -> list[Event]:
    with target.session() as session:
        return runs.events(session, number, 1000)


def kinds(target: Target, number: int) -> list[str]:
    return [event.kind for event in events(target, number)]


def fingerprinted(target: Target) -> Fingerprint:
    with target.executor_connection("test") as connection, connection.begin():
        return fingerprint.take(connection)


def ask(target: Target, question: str, *values: Any) -> Any:
    """The first column of the first row."""
    with psycopg.connect(target.url, autocommit=True) as connection:
        found = connection.execute(question.encode(), values or None)
        row = found.fetchone() if found.description else None
    return row[0] if row else None


@contextmanager
def session_of(target: Target) -> Iterator[psycopg.Connection]:
    """Another session, as an application would hold it; what it leaves open is rolled back."""
    with psycopg.connect(target.url, application_name="application") as connection:
        yield connection
        connection.rollback()
