"""Plans of a few SQL steps over a captured table `t`, and a step on, a step back."""

from __future__ import annotations

from console.engine import journey
from console.engine.plan import Plan
from db.session import Target
from tests.driving import drive
from tests.engine.captures.writing import GATED, plan

HEAD = """
format = 1
id = "steps"
target = "sample"
title = "Steps"
[[phase]]
title = "Change"
"""
TABLE = (
    "CREATE TABLE t (id int PRIMARY KEY, n int, s text); INSERT INTO t SELECT i, 0, 'a' FROM generate_series(1, 5) i"
)
NOTHING = ("SELECT 1", "SELECT 1")
OVERWRITTEN = ("SELECT 1", "UPDATE t SET n = 0")


def capture(table: str = "t", id: str = "them") -> str:
    return f'\n[[capture]]\nid = "{id}"\ntitle = "Them"\ntable = "{table}"\nsince = "one"\nrule = "carried back"\n'


def made(captures: str, **steps: tuple[str, str]) -> Plan:
    """Each step by its id: forwards and backwards."""
    said = "".join(
        f'[[phase.step]]\nid = "{id}"\nkind = "sql"\ntitle = "{id}"\nestimate = "1s"\n'
        f"sql = '''\n{sql}\n'''\nundo = '''\n{undo}\n'''\n"
        for id, (sql, undo) in steps.items()
    )
    return plan(HEAD + said + GATED + captures)


def back_one(target: Target, number: int) -> None:
    drive(target, lambda here: journey.back(here, number, one=True))


def on(target: Target, number: int, until: str) -> None:
    drive(target, lambda here: journey.forward(here, number, until=until))
