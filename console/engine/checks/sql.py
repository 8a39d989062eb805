"""sql: a query with an expectation."""

from __future__ import annotations

from typing import Literal

from console.engine.checks.common import Asking, Check, Found, one_question, shown
from console.engine.errors import PlanError
from console.engine.statements import send
from db.wording import counted

Scalar = int | float | str | bool


class SqlCheck(Check):
    kind: Literal["sql"]
    sql: str
    equals: Scalar | None = None
    at_least: int | float | None = None
    at_most: int | float | None = None
    no_rows: Literal[True] | None = None

    def require(self) -> None:
        given = [want for want in (self.equals, self.at_least, self.at_most, self.no_rows) if want is not None]
        if len(given) != 1:
            raise PlanError("a check expects one thing: equals, at_least, at_most or no_rows = true.")
        one_question(self.sql)

    def query(self) -> str:
        return self.sql

    def measure(self, asking: Asking) -> Found:
        answer = send(asking.connection, asking.filled(self.sql).strip().rstrip(";"))
        if self.no_rows:
            rows = list(answer.mappings())
            return Found("no rows", counted(len(rows), "row"), not rows, shown(rows))
        value = answer.scalar()
        if self.equals is not None:
            return Found(str(self.equals), str(value), value == self.equals)
        if value is None:
            return Found("a number", "nothing", False)
        if self.at_least is not None:
            return Found(f"at least {self.at_least}", str(value), value >= self.at_least)
        return Found(f"at most {self.at_most}", str(value), value <= self.at_most)
