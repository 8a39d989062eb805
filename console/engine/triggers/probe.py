"""probe: a number that the plan asks for itself, by an SQL question or by a command."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection
from typing import Annotated, Any, Literal

import psycopg
from pydantic import Field

from console.engine import outside
from console.engine.errors import PlanError, StepFailed
from console.engine.keys import Estimate
from console.engine.statements import PARAMETER, require_transactional, statements_of
from console.engine.steps.common import inside, only_asks
from console.engine.triggers.declared import Looking, Sample, Sampled
from db.text import one_line
from db.translation import translate

SEARCH_PATH = '"$user", public'


class Probe(Sampled):
    """What cannot be asked, or takes longer than `timeout` seconds, or is no number, is over."""

    kind: Literal["probe"]
    sql: str | None = None
    command: Annotated[list[str], Field(min_length=1)] | None = None
    at_most: float
    timeout: Annotated[Estimate, Field(gt=0, le=60)] = 2.0

    @property
    def watches(self) -> str:
        return f"over {self.told(self.at_most)} says {one_line(self.sql or shlex.join(self.command or ()))}"

    @property
    def limit(self) -> float:
        return self.at_most

    def require(self, checks: Collection[str]) -> None:
        super().require(checks)
        if (self.sql is None) == (self.command is None):
            raise PlanError("a probe asks in one way: sql or command.")
        if self.sql is not None:
            require_question(self.sql)

    def sample(self, looking: Looking) -> Sample:
        return self._asked(looking, self.sql) if self.sql is not None else self._run(looking, self.command or [])

    def _asked(self, looking: Looking, sql: str) -> Sample:
        with looking.second.at() as connection:
            try:
                with connection.transaction(force_rollback=True):
                    connection.execute("SET TRANSACTION READ ONLY")
                    timeout = f"{max(1, round(1000 * self.timeout))}ms"
                    connection.execute(
                        "SELECT set_config('statement_timeout', %s, true), set_config('search_path', %s, true)",
                        (timeout, SEARCH_PATH),
                    )
                    row = connection.execute(sql.encode()).fetchone()
            except psycopg.Error as error:
                if connection.closed or looking.ended.is_set():
                    raise
                return Sample(None, True, translate(error).message)
        return self._number(row[0] if row else None)

    def _run(self, looking: Looking, command: list[str]) -> Sample:
        try:
            ended = outside.run(command, looking.ended, self.timeout)
        except StepFailed as error:
            return Sample(None, True, error.message)
        if ended.late:
            return Sample(None, True, f"it took longer than {self.timeout:g} s")
        if ended.code:
            return Sample(None, True, f"it ended with {ended.code}")
        return self._number((ended.said.splitlines() or [""])[-1].strip())

    def _number(self, found: Any) -> Sample:
        try:
            value = float(found)
        except (TypeError, ValueError):
            return Sample(None, True, "the answer is no number")
        return self.sampled(value) if math.isfinite(value) else Sample(None, True, f"the answer is {value}")


def require_question(sql: str) -> None:
    """Refuses anything but one SELECT that changes nothing."""
    with inside("sql"):
        if PARAMETER.search(sql):
            raise PlanError("a trigger's question has no parameters.", "Write the value itself.")
        require_transactional(sql)
        found = statements_of(sql)
        if len(found) != 1 or not only_asks(found[0].node):
            raise PlanError("this is one SELECT that changes nothing.", "For example: SELECT count(*) FROM failed_job")
