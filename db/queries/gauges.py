"""How the triggers of a run stand, and the incident that one of them opened."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models import Event, Gauge

FIRED, CLOSED, ROLLED_BACK = "trigger fired", "incident closed", "run rolled back"

# Who was taken over from says nothing any more.
KEEP = """
INSERT INTO handrail.gauge AS g (run_id, trigger, armed, value, at_most, samples, over, said)
SELECT %(run)s, %(trigger)s, %(armed)s, %(value)s, %(at_most)s, %(samples)s, %(over)s, %(said)s
FROM handrail.fence WHERE epoch = %(epoch)s
ON CONFLICT (run_id, trigger) DO UPDATE
SET armed = excluded.armed, value = excluded.value, at_most = excluded.at_most, samples = excluded.samples,
    over = excluded.over, said = excluded.said, at = clock_timestamp()
"""


def keep(
    connection: psycopg.Connection, epoch: int, run: int, trigger: str, *, armed: bool, value: float | None,
    at_most: float, samples: Sequence[float], over: int, said: str,
) -> bool:  # fmt: skip
    """Writes a gauge, on a connection of its own; False where another executor has the target by now."""
    values = {"epoch": epoch, "run": run, "trigger": trigger, "armed": armed, "value": value, "at_most": at_most,
              "samples": list(samples), "over": over, "said": said}  # fmt: skip
    return connection.execute(KEEP, values).rowcount > 0


def of_run(session: Session, run: int) -> list[Gauge]:
    return list(session.scalars(select(Gauge).where(Gauge.run_id == run).order_by(Gauge.trigger)))


def last_incident(session: Session, run: int) -> Event | None:
    """The newest event of a run that opened or ended an incident."""
    turns = select(Event).where(Event.run_id == run, Event.kind.in_((FIRED, CLOSED, ROLLED_BACK)))
    return session.scalar(turns.order_by(Event.id.desc()).limit(1))
