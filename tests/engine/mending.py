"""Steps that want a person: how a test makes one fail, and says that it was mended."""

from __future__ import annotations

import json

import pytest

from console.engine import journey
from console.engine.errors import StepFailed
from console.engine.plan import Plan
from console.engine.resolving import How, resolve
from db.models import Event
from db.session import Target
from tests.driving import (
    begun,
    drive,
    state,
    tiny,
)

NEXT = """
[[phase.step]]
title = "Next"
estimate = "1s"
"""
MADE = "SELECT to_regclass('made') IS NOT NULL"
LAST = """\
id = "last"
kind = "sql"
sql = "CREATE TABLE last (a int)"
undo = "DROP TABLE last"
"""
FILL = """\
id = "fill"
kind = "backfill"
table = "person"
key = "id"
set = "n = 10"
where = "r.n <> 10"
undo = "UPDATE person SET n = 0"
"""


def making(sql: str = "CREATE TABLE made (a int); SELECT 1/0", undo: str = "DROP TABLE made", keys: str = "") -> Plan:
    """Two steps: `make`, and `last` after it."""
    return tiny(NEXT.join([f'id = "make"\nkind = "sql"\nsql = "{sql}"\nundo = "{undo}"\n{keys}\n', LAST]))


def asking(question: str = MADE) -> str:
    return f"done_when = {json.dumps(question)}"


def failed(target: Target, plan: Plan) -> int:
    """A run that has failed at its first step."""
    number = begun(target, plan)
    with pytest.raises(StepFailed):
        drive(target, lambda here: journey.forward(here, number))
    return number


def resolved(target: Target, number: int, step: str, how: How, reason: str = "by hand") -> Event:
    """The event that says so."""
    heard: list[Event] = []
    drive(target, lambda here: resolve(here, number, step, how, reason), heard)
    (said,) = (event for event in heard if event.kind == "step resolved")
    return said


def goes_on_and_back(target: Target, number: int) -> None:
    drive(target, lambda here: journey.resume(here, number))
    assert state(target, number) == "done"
    drive(target, lambda here: journey.back(here, number))
    assert state(target, number) == "rolled back"
