"""login: a login of the application still gets in, and gets an answer."""

from __future__ import annotations

import math
import time
from collections.abc import Collection
from typing import Annotated, Any, Literal

import psycopg
from psycopg import conninfo
from pydantic import Field

from console.engine.keys import Estimate
from console.engine.triggers.declared import Looking, Sample, Sampled
from console.engine.triggers.probe import require_question
from db import wording
from db.errors import HandrailError
from db.session import Target
from db.translation import translate

APPLICATION = "handrail: login"


class Login(Sampled):
    """The value is how long it took, in seconds. Its password comes from where libpq finds one: .pgpass, PGPASSWORD."""

    kind: Literal["login"]
    as_: str = Field(alias="as", min_length=1, max_length=63)
    sql: str = "SELECT 1"
    within: Annotated[Estimate, Field(gt=0, le=60)] = 5.0

    @property
    def watches(self) -> str:
        return f"login {self.as_} gets no answer within {self.told(self.within)}"

    @property
    def limit(self) -> float:
        return self.within

    def told(self, value: float) -> str:
        return wording.took(value)

    def require(self, checks: Collection[str]) -> None:
        super().require(checks)
        require_question(self.sql)

    def sample(self, looking: Looking) -> Sample:
        with looking.second.at() as connection:  # a server that is away says nothing about a login
            connection.execute("SELECT 1")
            database = connection.info.dbname
        began = time.monotonic()
        try:
            self._ask(looking.target, database)
        except (psycopg.Error, HandrailError) as error:
            return Sample(round(time.monotonic() - began, 3), True, _why(error))
        return self.sampled(round(time.monotonic() - began, 3))

    def _ask(self, target: Target, database: str) -> None:
        known = {key: value for key, value in target.parameters.items() if key not in ("user", "password")}
        values: dict[str, Any] = {
            **known, "user": self.as_, "dbname": database, "application_name": APPLICATION,
            "connect_timeout": max(2, math.ceil(self.within)),
        }  # fmt: skip
        with psycopg.connect(conninfo.make_conninfo("", **values), prepare_threshold=None) as connection:
            connection.read_only = True
            timeout = f"{max(1, round(1000 * self.within))}ms"
            connection.execute("SELECT set_config('statement_timeout', %s, true)", (timeout,))
            connection.execute(self.sql.encode())
            connection.rollback()


def _why(error: psycopg.Error | HandrailError) -> str:
    """Never libpq's own words, which may hold what nobody should read (FM-E10)."""
    if isinstance(error, HandrailError):
        return error.message
    if "is not permitted to log in" in str(error):
        return "The server does not let this login in."
    return translate(error).message
