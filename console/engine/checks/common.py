"""What all checks share: they ask, never change, and answer with expected, found, passed and the rows at fault."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Connection, text

from console.engine.errors import PlanError
from console.engine.keys import Id, Strict, Title
from console.engine.statements import filled, statements_of

SHOWN_ROWS = 20


@dataclass(frozen=True)
class Found:
    """One check's answer, in words for people. `rows` are the first SHOWN_ROWS at fault, as name: value."""

    expected: str
    found: str
    passed: bool
    rows: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Asking:
    """What a check may use. Whatever it does in its transaction is rolled back afterwards.

    `steps` maps the id of each step of the run to what the journal keeps of it.
    """

    connection: Connection
    parameters: Mapping[str, str]
    steps: Mapping[str, Mapping[str, Any]]

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """The first SHOWN_ROWS rows of a query, for people."""
        return shown(self.connection.execute(text(sql), values).mappings().fetchmany(SHOWN_ROWS))

    def one(self, sql: str, **values: Any) -> Any:
        return self.connection.execute(text(sql), values).scalar_one()

    def filled(self, sql: str) -> str:
        return filled(sql, self.parameters)


class Check(Strict, ABC):
    id: Id
    title: Title

    def require(self) -> None:
        """Raises PlanError when the check cannot be right, without a database."""

    @abstractmethod
    def query(self) -> str:
        """What the check asks, for people to read."""

    @abstractmethod
    def measure(self, asking: Asking) -> Found:
        """The answer now."""


def one_question(sql: str) -> None:
    """Refuses more or less than one statement."""
    if len(statements_of(sql)) != 1:
        raise PlanError("sql: a check asks one question, in one statement.")


def shown(rows: Iterable[Mapping[Any, Any]]) -> list[dict[str, Any]]:
    """The first SHOWN_ROWS rows with values that JSON holds."""
    plain = (bool, int, float, str, type(None))
    return [
        {str(name): value if isinstance(value, plain) else str(value) for name, value in row.items()}
        for row in islice(rows, SHOWN_ROWS)
    ]
