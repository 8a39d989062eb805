"""One statement that runs online: what it acts upon, and how it is made true."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from psycopg.sql import Identifier

from console.engine.errors import PlanError
from console.engine.online.site import Site
from console.engine.statements import Statement


@dataclass(frozen=True)
class Act(ABC):
    """`node` is the statement as PostgreSQL's grammar reads it."""

    statement: Statement
    node: Any

    @staticmethod
    @abstractmethod
    def reads(node: Any) -> bool:
        """Whether the statement is of this family."""

    @property
    def takes_back(self) -> tuple[type[Act], tuple[str, ...]] | None:
        """The family and the name of the statement that the other direction must hold; None where none is needed."""
        return None

    def require(self) -> None:
        """Raises PlanError where the statement may not stand in a plan."""
        if getattr(self.node, "missing_ok", False):
            self.refuse(
                "IF EXISTS takes what is missing for done.", "Leave it out: handrail looks at the catalog itself."
            )

    @abstractmethod
    def bring_about(self, site: Site, other: Act | None) -> None:
        """Looks at the catalog, then acts. `other` is the statement that takes this one back."""

    def refuse(self, why: str, hint: str = "") -> None:
        raise PlanError(f"line {self.statement.line}: {why}", hint)


def quoted(*parts: str | None) -> str:
    """A name with its schema, where it has one, as SQL."""
    return Identifier(*(part for part in parts if part)).as_string()


def relation(node: Any) -> str:
    """The relation that a node of the grammar names, as SQL."""
    return quoted(node.schemaname, node.relname)
