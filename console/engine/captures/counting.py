"""How much others wrote to the captured tables of a run, before anything is undone."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.sql import SQL, Literal
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from console.engine.captures import beginning, images
from console.engine.captures.declared import Capture
from console.engine.captures.images import Kept
from console.engine.statements import send
from db import wording

COUNT = SQL(
    """
    SELECT count(*) FILTER (WHERE {there} AND c.columns IS NULL),
           count(*) FILTER (WHERE {there} AND c.columns IS NOT NULL),
           count(*) FILTER (WHERE NOT {there} AND NOT c.born)
    FROM handrail.captured AS c LEFT JOIN {table} AS t ON {same}
    WHERE c.run_id = {run} AND c.capture = {capture}
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
    connection: Connection = session.connection()
    found = beginning.begun(connection, run, capture.id)
    columns = images.columns_of(connection, found[0]) if found else {}
    if found is None or not columns:
        return None
    table, key = found
    kept = Kept(capture, beginning.quoted(table), table, key, columns, {}, {})
    there = SQL("t.{} IS NOT NULL").format(beginning.quoted(key[0]))
    sql = COUNT.format(there=there, table=beginning.quoted(table), same=images.same(kept, SQL("t"), SQL("c")),
                       run=Literal(run), capture=Literal(capture.id))  # fmt: skip
    added, changed, gone = list(send(connection, sql.as_string()).one())
    return Written(added, changed, gone)
