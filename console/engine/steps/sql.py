"""sql: statements with their undo, in one transaction."""

from __future__ import annotations

from typing import Literal

from console.engine.errors import PlanError
from console.engine.statements import execute, require_transactional
from console.engine.steps.common import Found, Sources, Undone, inside, one_of
from console.engine.work import Work


class Sql(Undone):
    kind: Literal["sql"]
    sql: str | None = None
    file: str | None = None

    def files(self) -> list[str]:
        return [*super().files(), *([self.file] if self.file else [])]

    def forward_sql(self, sources: Sources) -> str:
        return one_of(self.sql, self.file, sources)

    def require(self, target: str, sources: Sources) -> None:
        if (self.sql is None) == (self.file is None):
            raise PlanError("the step needs its statements: sql or file.")
        with inside("sql"):
            require_transactional(self.forward_sql(sources))
        super().require(target, sources)

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        return self.back_sql(sources) if back else self.forward_sql(sources)

    def apply(self, work: Work) -> Found:
        met = execute(work.connection, work.filled(self.forward_sql(work.sources)), self.file or self.id)
        return {"rows": met} if met > 0 else {}
