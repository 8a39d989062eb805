"""A plan whose way back overwrites what others wrote, and others who write."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from console.engine import journey, reading
from console.engine.plan import Plan
from db.session import Target
from tests.driving import begun, drive

GATED = """
[phase.checkpoint]
id = "good"
title = "Good"
[phase.checkpoint.gate]
roles = ["security"]
[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = "There"
sql = "SELECT 1"
equals = 1

[[phase]]
title = "End"
[[phase.step]]
id = "end"
kind = "finish"
title = "Remove the copy"
estimate = "1s"
"""

# The undo brings back every row and every n of the copy, and takes email_lc away with whatever is in it.
OVERWRITING = (
    """
format = 1
id = "overwriting"
target = "sample"
title = "Overwriting"
[[phase]]
title = "Change"
[[phase.step]]
id = "copy"
kind = "sql"
title = "Copy"
estimate = "1s"
sql = "CREATE TABLE person_before AS TABLE person; ALTER TABLE person_before ADD PRIMARY KEY (id)"
undo = "DROP TABLE person_before"
[[phase.step]]
id = "column"
kind = "sql"
title = "Column"
estimate = "1s"
sql = "ALTER TABLE person ADD email_lc text; ALTER TABLE person ALTER email_lc SET DEFAULT 'new'"
undo = "ALTER TABLE person DROP email_lc"
[[phase.step]]
id = "fill"
kind = "backfill"
title = "Fill"
estimate = "1s"
table = "person"
key = "id"
set = "email_lc = lower(r.email), n = r.n + 10"
where = "r.email_lc IS NULL"
undo = '''
UPDATE person p SET n = b.n FROM person_before b WHERE b.id = p.id;
INSERT INTO person (id, email, n) SELECT id, email, n FROM person_before b
  WHERE NOT EXISTS (SELECT FROM person p WHERE p.id = b.id)
'''
"""
    + GATED
    + """
sql = "DROP TABLE person_before"
[[capture]]
id = "people"
title = "People written since"
table = "person"
since = "copy"
rule = "RULE"
"""
)

# The new table goes with its undo; what was written to it belongs into the old one.
MOVING = (
    """
format = 1
id = "moving"
target = "sample"
title = "Moving"
[[phase]]
title = "Change"
[[phase.step]]
id = "new"
kind = "sql"
title = "New"
estimate = "1s"
sql = '''
CREATE TABLE human (id uuid PRIMARY KEY, mail text, n integer, nick text, tier text NOT NULL DEFAULT 'standard');
INSERT INTO human (id, mail, n) SELECT id, email, n FROM person
'''
undo = "DROP TABLE human"
"""
    + GATED
    + """
[[capture]]
id = "people"
title = "People written since"
table = "human"
since = "new"
rule = "carried back"
into = "person"
[capture.columns]
email = "lower(r.mail)"
"""
)


def plan(text: str, rule: str = "carried back") -> Plan:
    return reading.parse(text.replace("RULE", rule), "plan.toml", lambda name: "")


def up(target: Target, wanted: Plan, until: str) -> int:
    number = begun(target, wanted)
    drive(target, lambda here: journey.forward(here, number, until=until))
    return number


def down(target: Target, number: int) -> None:
    drive(target, lambda here: journey.back(here, number))


def others(target: Target, *statements: str) -> None:
    with psycopg.connect(target.url, application_name="application") as connection:
        for statement in statements:
            connection.execute(statement.encode())


def rows(target: Target, question: str) -> list[dict[str, Any]]:
    with psycopg.connect(target.url, row_factory=dict_row) as connection:
        return connection.execute(question.encode()).fetchall()


def aside(target: Target) -> list[dict[str, Any]]:
    return [row["row"] for row in rows(target, "SELECT row FROM handrail.set_aside ORDER BY id")]


def person(target: Target, number: int) -> str:
    """The key of the person that a test means by a number, whatever keys the server gave."""
    return str(rows(target, f"SELECT id FROM person ORDER BY id OFFSET {number} LIMIT 1")[0]["id"])
