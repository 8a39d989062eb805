"""What all kinds of step share: their keys in the plan file, and the three questions that each answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from psycopg import errors as pg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from console.engine.errors import PlanError
from console.engine.keys import Estimate, Id, Name, Strict, Title
from console.engine.statements import execute, require_transactional, send, statements_of
from console.engine.work import Work

__all__ = ["Estimate", "Found", "Id", "Name", "Sources", "Step", "Strict", "Title", "Undone", "answer", "inside",
           "one_of", "only_asks"]  # fmt: skip

Sources = Mapping[str, str]
Found = dict[str, Any]

NOT_THERE = (pg.UndefinedTable, pg.UndefinedColumn, pg.UndefinedObject, pg.UndefinedFunction, pg.InvalidSchemaName)


class Step(Strict, ABC):
    """`transactional`: apply and undo run inside the executor's transaction, together with the journal row (I-1)."""

    transactional: ClassVar[bool] = True
    waits_for_person: ClassVar[bool] = False

    id: Id
    title: Title
    estimate: Estimate
    lock_timeout: Estimate = 2.0
    downtime: Estimate | None = None
    done_when: str | None = None
    may_skip: bool = False
    irreversible: bool = False

    @property
    def patience(self) -> float:
        """How long a lock may be waited for, at most, in seconds."""
        return self.lock_timeout

    @property
    def others(self) -> float:
        """How long somebody else may have to wait for the step, in seconds (I-8)."""
        return self.lock_timeout if self.downtime is None else self.downtime

    @property
    def undone_at_once(self) -> bool:
        """Whether the undo runs inside the executor's transaction, as of what may have been done in several."""
        return self.transactional

    def files(self) -> list[str]:
        """Paths of the files that the step names, relative to the plan's folder."""
        return []

    def require(self, target: str, sources: Sources) -> None:
        """Raises PlanError when the step cannot be right, without a database."""

    def require_question(self) -> None:
        """Raises PlanError where `done_when` is more than a question."""
        if self.done_when is None:
            return
        with inside("done_when"):
            require_transactional(self.done_when)
            found = statements_of(self.done_when)
            if len(found) != 1 or not only_asks(found[0].node):
                raise PlanError(
                    "this is one SELECT that changes nothing, and true where the step is done.",
                    "For example: SELECT to_regclass('person_email') IS NOT NULL",
                )

    def stands(self, work: Work, *, back: bool = False) -> bool | None:
        """Whether the database is as after the step, or with `back` as before it; None where nobody can tell.

        Asked in an open transaction, in which nothing of it is left.
        """
        if self.done_when is None:
            return None
        return bool(answer(work, self.done_when)) != back

    @abstractmethod
    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        """What the step sends to the server, or sends to take it back, for people to read."""

    @abstractmethod
    def apply(self, work: Work) -> Found:
        """Does the step; returns what the journal should keep of it. Safe to call again after a crash."""

    @abstractmethod
    def take_back(self, work: Work) -> Found:
        """Undoes the step. Safe to call again after a crash."""


class Undone(Step, ABC):
    """A step whose way back is SQL, in the plan or in a file beside it."""

    undo: str | None = None
    undo_file: str | None = None

    def files(self) -> list[str]:
        return [self.undo_file] if self.undo_file else []

    def back_sql(self, sources: Sources) -> str:
        return one_of(self.undo, self.undo_file, sources)

    def require(self, target: str, sources: Sources) -> None:
        if (self.undo is None) == (self.undo_file is None):
            raise PlanError(
                "the step needs a way back: undo or undo_file.",
                'Where there is nothing to undo, say why: undo = "-- nothing to undo: it only reads"',
            )
        with inside("undo"):
            require_transactional(self.back_sql(sources))

    def take_back(self, work: Work) -> Found:
        execute(work.connection, work.filled(self.back_sql(work.sources)), f"undo of {self.id}")
        return {}


def only_asks(node: Any) -> bool:
    """Whether a parsed statement is a SELECT that writes nothing: no INTO, no INSERT, UPDATE or DELETE in its WITH."""
    if type(node).__name__ != "SelectStmt" or node.intoClause:
        return False
    return all(only_asks(one.ctequery) for one in (node.withClause.ctes if node.withClause else ()))


def answer(work: Work, question: str) -> Any:
    """The first value that a SELECT of the plan gives; None where what it asks about is not there."""
    with work.connection.begin_nested() as looking:
        try:
            work.connection.execute(text("SET TRANSACTION READ ONLY"))
            return send(work.connection, work.filled(question)).scalar()
        except DBAPIError as error:
            if not isinstance(error.orig, NOT_THERE):
                raise
            return None
        finally:
            looking.rollback()


def one_of(text: str | None, file: str | None, sources: Sources) -> str:
    """The SQL that a step has either in the plan or in a file."""
    return text if text is not None else sources[file or ""]


@contextmanager
def inside(key: str) -> Iterator[None]:
    """Puts the key of the plan file in front of what is wrong with its SQL."""
    try:
        yield
    except PlanError as error:
        raise PlanError(f"{key}: {error.message}", error.hint) from None
