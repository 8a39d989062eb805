"""How a run's triggers stand as others see it: read from the database, never kept as truth (I-12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from console.engine.plan import Plan
from console.engine.reading import frozen
from console.engine.triggers import incident
from console.engine.triggers.declared import Sampled, Trigger
from console.engine.triggers.gauging import Reading, readings, would_roll_back
from console.engine.triggers.incident import Incident
from db.models import Run
from db.queries import gauges


@dataclass(frozen=True)
class Triggers:
    """`readings` are of those that are sampled, `others` fire or are overdue by what the journal holds."""

    readings: Sequence[Reading]
    others: Sequence[Trigger]
    incident: Incident | None

    @property
    def back(self) -> str | None:
        """Whether a rollback would begin now: no, or by which trigger; None where no trigger rolls back."""
        return would_roll_back(self.readings)

    def loud(self, at: datetime) -> list[str]:
        """The incident that is open."""
        return [f"! {self.incident.line(at)}"] if self.incident else []

    def lines(self) -> list[str]:
        width = max((len(one.trigger.id) for one in self.readings), default=0)
        told = [f"~ {one.line(width)}" for one in self.readings] + [f"~ {one.declared}" for one in self.others]
        return [*told, f"~ would roll back now: {self.back}"] if self.back else told

    def document(self, at: datetime) -> dict[str, Any]:
        return {"triggers": [one.document() for one in self.readings],
                "incident": self.incident.document(at) if self.incident else None}  # fmt: skip


def seen(session: Session, run: Run, *, going: bool, plan: Plan | None = None) -> Triggers:
    """`going` says that the run goes forward now; the plan is the run's own, read where it is not given."""
    plan = plan or frozen(run.plan_text, run.sources)
    declared = plan.written.trigger
    if not declared:
        return Triggers((), (), None)
    others = [one for one in declared if not isinstance(one, Sampled)]
    return Triggers(
        readings(declared, gauges.of_run(session, run.id), going=going), others, incident.open_of(session, run.id)
    )
