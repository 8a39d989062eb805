"""How much others wrote to the captured tables of a run, before anything is undone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine.captures import beginning
from console.engine.captures.declared import Capture
from db import wording

COUNT = text(
    """
    SELECT count(*) FILTER (WHERE whole) AS added, count(*) FILTER (WHERE NOT gone AND NOT whole) AS changed,
           count(*) FILTER (WHERE gone) AS gone
    FROM handrail.captured WHERE run_id = :run AND capture = :capture AND NOT (gone AND born)
    """
)


@dataclass(frozen=True)
class Written:
    """Rows, each once, however often it was written."""

    added: int
    changed: int
    gone: int

    @property
    def rows(self) -> int:
        return self.added + self.changed + self.gone

    def told(self) -> str:
        """3 new, 1 changed"""
        parts = {"new": self.added, "changed": self.changed, "deleted": self.gone}
        return ", ".join(f"{wording.number(count)} {what}" for what, count in parts.items() if count)


def written(session: Session, run: int, capture: Capture) -> Written | None:
    """None where the capture has not begun, or has ended."""
    if beginning.begun(session.connection(), run, capture.id) is None:
        return None
    found = session.execute(COUNT, {"run": run, "capture": capture.id}).one()
    return Written(found.added, found.changed, found.gone)
