"""A database on which the plan schema-unification has run, and what tests ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg

from console.engine import journey, rollback
from console.engine.checks import Asking, measured
from console.engine.plan import Checkpoint
from db.queries import runs
from db.session import Target
from tests import ungated
from tests.driving import ask, drive, look, state
from tests.servers import Server

PLAN = ungated.load("schema-unification")


@dataclass(frozen=True)
class Unified:
    """A database with its run."""

    target: Target
    run: int

    def ask(self, question: str, *values: Any) -> Any:
        return ask(self.target, question, *values)

    def back(self) -> None:
        drive(self.target, lambda here: journey.back(here, self.run))
        assert state(self.target, self.run) == "rolled back"

    def failing(self, checkpoint: str) -> list[str]:
        """The checks of a checkpoint that fail when they are asked now."""
        what = PLAN.item(checkpoint).what
        assert isinstance(what, Checkpoint)
        run = look(self.target, self.run)
        parameters = {**run.parameters, "run_id": str(run.id)}
        steps = {step.step: step.progress for step in run.steps}
        with self.target.executor_connection("test") as connection:
            asking = Asking(connection, parameters, steps)
            return [v.check for c in what.check if not (v := measured(c, 1, asking)).passed]

    def failing_functions(self) -> list[str]:
        question = "SELECT array_agg(\"check\") FROM comprehensive_schema_validation() WHERE status = 'failed'"
        return self.ask(question) or []

    def kept(self) -> dict[str, int]:
        with self.target.session() as session:
            shown = rollback.preview(session, journey.found(session, self.run)).kept
        return {kept.title: kept.rows for kept in shown if kept.rows}

    def set_aside(self) -> dict[str, int]:
        with self.target.session() as session:
            return runs.set_aside(session, self.run)

    def as_(self, role: str, claims: str, statement: str) -> Any:
        """What a statement of the application meets, as the gateway sends it; committed."""
        with psycopg.connect(self.target.url) as connection:
            connection.execute("SELECT set_config('request.jwt.claims', %s, true)", (claims,))
            connection.execute(f"SET LOCAL ROLE {role}".encode())
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else answer.rowcount


def template(server: Server, clients: str, drive_it: Callable[[Target], int]) -> tuple[str, int]:
    name = f"unified_{uuid4().hex[:12]}"
    target = Target(server.create(name, clients), "agency")
    run = drive_it(target)
    target.close()
    return name, run


def clone(server: Server, made: tuple[str, int]) -> Iterator[Unified]:
    name = f"test_{uuid4().hex[:12]}"
    target = Target(server.create(name, made[0]), "agency")
    yield Unified(target, made[1])
    target.close()
    server.drop(name)


def claims(sub: object, role: str = "") -> str:
    return f'{{"sub": "{sub}", "app_metadata": {{"role": "{role}"}}}}'
