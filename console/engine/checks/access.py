"""access-matrix: every actor tries every operation on every table, and is let or refused as declared.

Each try is made as the actor (SET LOCAL ROLE and the claims), in a savepoint that is rolled back; the probe rows of
`setup` go the same way. Let means: no refusal, and at least one row met. Under row-level security a refusal is often
silent (F70), so rows are what counts.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from console.engine.checks.common import SHOWN_ROWS, Asking, Check, Found
from console.engine.errors import PlanError
from console.engine.keys import Strict
from console.engine.statements import send, split, statements_of
from db.translation import translate

OPERATIONS = ("select", "insert", "update", "delete")


class Actor(Strict):
    role: str
    claims: dict[str, Any] = Field(default_factory=dict)


class Table(Strict):
    select: str
    insert: str
    update: str
    delete: str
    allowed: dict[str, str]


class AccessMatrix(Check):
    kind: Literal["access-matrix"]
    setup: str = ""
    actors: dict[str, Actor]
    tables: dict[str, Table]

    def require(self) -> None:
        for name, table in self.tables.items():
            if wrong := table.allowed.keys() ^ self.actors.keys():
                raise PlanError(f"tables.{name}.allowed: it must name each actor once; see {', '.join(sorted(wrong))}.")
            for actor, let in table.allowed.items():
                if unknown := set(let.split()) - set(OPERATIONS):
                    raise PlanError(f"tables.{name}.allowed.{actor}: unknown operation {', '.join(sorted(unknown))}.")
            for operation in OPERATIONS:
                if len(statements_of(getattr(table, operation))) != 1:
                    raise PlanError(f"tables.{name}.{operation}: give one statement.")

    def query(self) -> str:
        cells = [f"-- {name}: {t.select}; {t.insert}; {t.update}; {t.delete}" for name, t in self.tables.items()]
        return "\n".join([self.setup.strip(), *cells])

    def measure(self, asking: Asking) -> Found:
        for statement in split(asking.filled(self.setup)):
            send(asking.connection, statement.sql)
        asking.connection.execute(text("SET LOCAL row_security = on"))
        wrong = []
        for name, table in self.tables.items():
            for actor_name, actor in self.actors.items():
                for operation in OPERATIONS:
                    declared = operation in table.allowed[actor_name].split()
                    let, why = _tried(asking, actor, asking.filled(getattr(table, operation)))
                    if let is not declared:
                        wrong.append(
                            {"table": name, "actor": actor_name, "operation": operation, "declared": _word(declared),
                             "tried": _word(let), "why": why}
                        )  # fmt: skip
        cells = len(self.tables) * len(self.actors) * len(OPERATIONS)
        found = f"{cells - len(wrong)} as declared"
        return Found(f"{cells} cells as declared", found, not wrong, wrong[:SHOWN_ROWS])


def _tried(asking: Asking, actor: Actor, sql: str) -> tuple[bool | None, str]:
    """(let through, None where it could not be tried; what the server said)"""
    savepoint = asking.connection.begin_nested()
    try:
        asking.connection.execute(
            text("SELECT set_config('request.jwt.claims', :claims, true), set_config('role', :role, true)"),
            {"claims": json.dumps(actor.claims), "role": actor.role},
        )
        met = send(asking.connection, sql)
        rows = len(met.fetchall()) if met.returns_rows else met.rowcount
        return rows > 0, "" if rows else "no row met"
    except DBAPIError as error:
        said = translate(error.orig).message if hasattr(error.orig, "diag") else str(error.orig)  # type: ignore[arg-type]
        if isinstance(error, ProgrammingError) and getattr(error.orig, "sqlstate", "") == "42501":
            return False, said
        return None, said
    finally:
        savepoint.rollback()


def _word(let: bool | None) -> str:
    return {True: "allowed", False: "refused", None: "not tried"}[let]
