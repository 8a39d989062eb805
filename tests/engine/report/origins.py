"""Where in the journal each number, time and digest of a report stands: a question that gives all that it may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from psycopg import connect

from console.engine.report.document import Document
from db.session import Target

EVENT = "SELECT {} FROM handrail.event WHERE run_id = %(run)s"
OF = {
    "About.run": "SELECT id FROM handrail.run",
    "About.started_at": "SELECT started_at FROM handrail.run",
    "About.ended_at": "SELECT ended_at FROM handrail.run",
    "About.digest": "SELECT digest FROM handrail.run",
    "Happened.number": EVENT.format("id"),
    "Happened.at": EVENT.format("at"),
    "Done.position": "SELECT position FROM handrail.step_run",
    "Done.estimate": "SELECT estimate FROM handrail.step_run",
    "Done.seconds": EVENT.format("(detail ->> 'seconds')::float8") + " AND kind ~ '^(step|checkpoint) (done|failed|passed|stopped)'",
    "Done.ratio": "SELECT (detail ->> 'seconds')::float8 / estimate FROM handrail.event e JOIN handrail.step_run USING (run_id, step) "
    "WHERE e.kind = 'step done'",
    "Done.attempts": "SELECT attempts FROM handrail.step_run",
    "Done.began_at": EVENT.format("max(at)") + " AND kind = 'step began' GROUP BY step",
    "Done.since": "SELECT coalesce(ended_at, began_at) FROM handrail.step_run",
    "Measured.measurement": "SELECT max(measurement) FROM handrail.verdict GROUP BY checkpoint",
    "Measured.measured_at": "SELECT measured_at FROM handrail.verdict",
    "Measured.digest": "SELECT digest FROM handrail.evidence",
    "Check.rows": "SELECT jsonb_array_length(rows) FROM handrail.verdict",
    "Gated.position": "SELECT position FROM handrail.gate",
    "Gated.needed": "SELECT needed FROM handrail.gate",
    "Signed.measurement": "SELECT measurement FROM handrail.sign_off",
    "Signed.at": "SELECT at FROM handrail.sign_off",
    "Signed.until": "SELECT s.at + g.lasts FROM handrail.sign_off s JOIN handrail.gate g USING (run_id, gate)",
    "Signed.digest": "SELECT digest FROM handrail.sign_off",
    "Broken.number": "SELECT id FROM handrail.break_glass",
    "Broken.measurement": "SELECT measurement FROM handrail.break_glass",
    "Broken.at": "SELECT at FROM handrail.break_glass",
    "Broken.acknowledged_at": "SELECT at FROM handrail.acknowledgement",
    "Answered.version": "SELECT max(version) FROM handrail.answer GROUP BY decision",
    "Answered.at": "SELECT answered_at FROM handrail.answer",
    "Answered.digest": "SELECT digest FROM handrail.evidence",
    "Gauged.value": "SELECT value FROM handrail.gauge",
    "Gauged.at_most": "SELECT at_most FROM handrail.gauge",
    "Gauged.over": "SELECT over FROM handrail.gauge",
    "Gauged.at": "SELECT at FROM handrail.gauge",
    "Tried.times": EVENT.format("count(*)") + " AND kind = 'tried again' GROUP BY step",
    "Tried.longest": EVENT.format("max((detail ->> 'wait')::float8)") + " AND kind = 'tried again' GROUP BY step",
    "Kept.rows": "SELECT (k ->> 'rows')::bigint FROM handrail.event, jsonb_array_elements(detail -> 'kept') k",
    "Began.number": EVENT.format("id") + " AND kind = 'rollback began'",
    "Began.at": EVENT.format("at") + " AND kind = 'rollback began'",
    "Undone.number": EVENT.format("id") + " AND kind = 'step undone'",
    "Undone.at": EVENT.format("at") + " AND kind = 'step undone'",
    "Undone.seconds": EVENT.format("(detail ->> 'seconds')::float8") + " AND kind = 'step undone'",
    "Ended.number": EVENT.format("id") + " AND kind = 'run rolled back'",
    "Ended.at": EVENT.format("at") + " AND kind = 'run rolled back'",
    "Ended.content": "SELECT v::bigint FROM handrail.event, jsonb_each(detail -> 'content') c, "
    "jsonb_array_elements_text(c.value) v WHERE kind = 'run rolled back'",
    "Rollback.aside": "SELECT count(*) FROM handrail.set_aside GROUP BY source",
    "BackedUp.size": EVENT.format("(detail ->> 'bytes')::bigint"),
    "BackedUp.sha256": EVENT.format("detail ->> 'sha256'"),
    "BackedUp.exit_code": EVENT.format("(detail ->> 'exit_code')::int"),
    "BackedUp.at": EVENT.format("at") + " AND kind = 'step done'",
    "Audited.events": EVENT.format("count(*)"),
    "Audited.first": EVENT.format("min(id)"),
    "Audited.last": EVENT.format("max(id)"),
    "Audited.count": "SELECT count FROM handrail.head",
    "Audited.head": "SELECT encode(hash, 'hex') FROM handrail.head",
    "Audited.faults": "SELECT 0",
}  # fmt: skip
DIGESTS = ("digest", "sha256", "head")
NOW = ("About.written_at",)


def leaves(document: Document) -> Iterator[tuple[str, Any]]:
    """(Class.field, value) of each number, time and digest."""
    yield from _leaves("Document", document)


def journal_has(target: Target, run: int, place: str, value: Any) -> bool:
    with connect(target.url) as connection:
        found = connection.execute(OF[place].encode(), {"run": run} if "%(run)s" in OF[place] else None).fetchall()
    if isinstance(value, float):
        return any(one is not None and abs(float(one) - value) < 1e-9 for (one,) in found)
    return (value,) in found


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(f"{type(value).__name__}.{field.name}", getattr(value, field.name))
    elif isinstance(value, tuple):
        for one in value:
            yield from _leaves(place, one)
    elif (isinstance(value, int | float | datetime) and not isinstance(value, bool)) or (
        value is not None and place.split(".")[1] in DIGESTS
    ):
        yield place, value
