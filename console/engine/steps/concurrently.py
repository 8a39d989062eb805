"""concurrently: indexes built or dropped online, which PostgreSQL refuses inside a transaction (I-2).

Every statement is preceded by a look at the catalog: what is done is left alone, an INVALID index (what an
interrupted build or drop leaves, F10) is dropped and built again, and only then is the statement sent.
"""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from console.engine.errors import PlanError
from console.engine.statements import (
    Statement,
    index_name,
    located,
    require_concurrent,
    send,
    split,
    statements_of,
)
from console.engine.steps.common import Found, Sources, Step, inside, one_of
from console.engine.work import Work

VALID = text("SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass(:name)")


class Concurrently(Step):
    transactional = False

    kind: Literal["concurrently"]
    sql: str | None = None
    file: str | None = None
    undo: str | None = None
    undo_file: str | None = None

    def files(self) -> list[str]:
        return [file for file in (self.file, self.undo_file) if file]

    def require(self, target: str, sources: Sources) -> None:
        if (self.sql is None) == (self.file is None) or (self.undo is None) == (self.undo_file is None):
            raise PlanError("the step needs its statements (sql or file) and its way back (undo or undo_file).")
        names = []
        for key, back in (("sql", False), ("undo", True)):
            with inside(key):
                sql = self.script(target, sources, back=back)
                require_concurrent(sql)
                names.append(sorted(index_name(statement) for statement in statements_of(sql)))
        if names[0] != names[1]:
            raise PlanError(
                "undo: it must name the same indexes as sql.",
                f"sql has {', '.join(names[0])}; undo has {', '.join(names[1])}",
            )

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return one_of(self.undo, self.undo_file, sources)
        return one_of(self.sql, self.file, sources)

    def apply(self, work: Work) -> Found:
        return self._each(work, back=False)

    def take_back(self, work: Work) -> Found:
        return self._each(work, back=True)

    def _each(self, work: Work, *, back: bool) -> Found:
        mended = []
        for statement in split(work.filled(self.script(work.target.name, work.sources, back=back))):
            name = index_name(statement)
            with work.autocommit() as connection:
                # a short lock_timeout would hit the build's own waits and leave rubble (F8)
                connection.execute(text("SET lock_timeout = 0"))
                try:
                    if _bring_about(connection, statement, name):
                        mended.append(name)
                except DBAPIError as error:
                    raise located(error, f"{self.id} line {statement.line}") from error
                finally:
                    if not connection.invalidated and not connection.connection.driver_connection.closed:  # type: ignore[union-attr]
                        connection.execute(text("SET lock_timeout = '2s'"))
        return {"mended": mended} if mended else {}


def _bring_about(connection: Connection, statement: Statement, name: str) -> bool:
    """Makes the statement true; answers whether rubble of an earlier try was cleared away."""
    valid = connection.execute(VALID, {"name": name}).scalar()
    if statement.kind == "DropStmt":
        if valid is not None:
            send(connection, statement.sql)
        return False
    if valid:
        return False
    if valid is False:
        send(connection, f"DROP INDEX CONCURRENTLY {name}")
    send(connection, statement.sql)
    return valid is False
