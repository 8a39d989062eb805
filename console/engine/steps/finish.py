"""finish: the point of no return. Captures end, and what the run kept for its way back is removed (I-9)."""

from __future__ import annotations

from typing import Literal

from console.engine.captures import beginning
from console.engine.errors import PlanError, RunRefused
from console.engine.statements import execute, require_transactional
from console.engine.steps.common import Found, Sources, Step, inside, one_of
from console.engine.work import Work


class Finish(Step):
    """`sql` or `file` removes what is left for the way back: backup tables, old columns. There may be nothing."""

    kind: Literal["finish"]
    irreversible: Literal[True] = True
    may_skip: Literal[False] = False
    sql: str | None = None
    file: str | None = None

    def files(self) -> list[str]:
        return [self.file] if self.file else []

    def require(self, target: str, sources: Sources) -> None:
        if self.sql is not None and self.file is not None:
            raise PlanError("the step has its statements in sql or in a file, not in both.")
        with inside("sql"):
            require_transactional(self._sql(sources))

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return "-- there is no way back from here"
        return self._sql(sources) or "-- the captures end; nothing else is removed"

    def apply(self, work: Work) -> Found:
        ended = beginning.end_all(work.connection, work.run)
        if sql := self._sql(work.sources):
            execute(work.connection, work.filled(sql), self.file or self.id)
        return {"captures ended": ended} if ended else {}

    def take_back(self, work: Work) -> Found:
        raise RunRefused("A finished run is not taken back.", "What comes next is another plan.")

    def _sql(self, sources: Sources) -> str:
        return one_of(self.sql, self.file, sources) if self.sql or self.file else ""
