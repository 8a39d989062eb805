"""replay: old queries, writes among them, give the same answer through the new name as through the old one."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy.exc import DBAPIError

from console.engine.checks.common import SHOWN_ROWS, Asking, Check, Found
from console.engine.errors import PlanError
from console.engine.statements import send, statements_of
from db.translation import translate
from db.wording import counted

TABLE = "{table}"


class Replay(Check):
    """Each query names {table}; it is run on `was` and on `now`, each in a savepoint that is rolled back."""

    kind: Literal["replay"]
    was: str
    now: str
    queries: list[str] = Field(min_length=1)

    def require(self) -> None:
        for number, query in enumerate(self.queries, 1):
            if TABLE not in query:
                raise PlanError(f"queries: number {number} does not name {TABLE}.")
            if len(statements_of(query.replace(TABLE, self.was))) != 1:
                raise PlanError(f"queries: number {number} is not one statement.")

    def query(self) -> str:
        return ";\n".join(self.queries)

    def measure(self, asking: Asking) -> Found:
        wrong = []
        for query in self.queries:
            was, now = (_answer(asking, query.replace(TABLE, name)) for name in (self.was, self.now))
            if was != now:
                wrong.append({"query": query, "was": str(was)[:200], "now": str(now)[:200]})
        same = len(self.queries) - len(wrong)
        return Found(
            f"{counted(len(self.queries), 'answer')} the same",
            f"{same} the same",
            not wrong,
            wrong[:SHOWN_ROWS],
        )


def _answer(asking: Asking, sql: str) -> Any:
    """The rows as a sorted list, or how many were met, or what the server said."""
    savepoint = asking.connection.begin_nested()
    try:
        answer = send(asking.connection, asking.filled(sql))
        return sorted(str(tuple(row)) for row in answer) if answer.returns_rows else answer.rowcount
    except DBAPIError as error:
        return translate(error.orig).message if hasattr(error.orig, "diag") else str(error.orig)  # type: ignore[arg-type]
    finally:
        savepoint.rollback()
