"""Steps that wait as long as they must, so that a test finds one in the middle of it."""

from __future__ import annotations

from console.engine.plan import Plan
from db.session import Target
from tests import driving
from tests.driving import ask, kinds

PATIENT = ((60.0, 0.0), (60.0, 0.0))  # a ladder of one long wait
FILL = """\
id = "one"
kind = "backfill"
lock_timeout = "60s"
table = "person"
key = "id"
set = "n = r.n + 1"
where = "r.n = 0"
undo = "UPDATE person SET n = 0"
"""


def sending(sql: str) -> Plan:
    return driving.sending(sql, 'lock_timeout = "60s"')


def once_each(target: Target, number: int) -> bool:
    """The step was done, once, on every row."""
    said = kinds(target, number).count("step done")
    return (said, ask(target, "SELECT array_agg(DISTINCT n) FROM person")) == (1, [1])
