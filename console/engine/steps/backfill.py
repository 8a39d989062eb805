"""backfill: rows changed or copied in small transactions, each with its cursor (I-3).

Batches walk the table by its key. Their size follows the clock, so that each holds its row locks for about
TARGET_SECONDS (performance.md section 2: 25 ms gave writers the lowest longest wait). What was written behind the
cursor meanwhile is met by a final sweep, repeated until it finds nothing (FM-C6).
"""

from __future__ import annotations

import time
from functools import partial
from typing import ClassVar, Literal

from psycopg.sql import Literal as Quoted
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from console.engine.errors import PlanError, StepFailed
from console.engine.statements import located, require_transactional, send, statements_of
from console.engine.steps.common import Found, Name, Sources, Undone, answer, inside
from console.engine.work import PauseWanted, Work
from db import journal

TARGET_SECONDS = 0.025
SMALLEST, LARGEST = 100, 50_000
SWEEPS = 10


class Backfill(Undone):
    transactional: ClassVar[bool] = False

    kind: Literal["backfill"]
    table: Name
    key: Name
    set: str | None = None
    where: str | None = None
    into: Name | None = None
    columns: dict[str, str] | None = None

    def require(self, target: str, sources: Sources) -> None:
        change = self.set is not None and self.where is not None
        copy = self.into is not None and self.columns is not None
        if (
            change == copy
            or (self.set is None) != (self.where is None)
            or (self.into is None) != (self.columns is None)
        ):
            raise PlanError("a backfill changes rows (set and where) or copies them (into and columns); give one pair.")
        if self.columns is not None and self.key not in self.columns:
            raise PlanError(f"columns: the key {self.key!r} must be copied too.")
        with inside("set, where or columns"):
            for sql in (self._batch("NULL"), self._left()):
                require_transactional(sql)
                if len(statements_of(sql)) != 1:
                    raise PlanError(
                        "this would be more than one statement.", "A batch is one; put the rest into a step."
                    )
        super().require(target, sources)

    @property
    def undone_at_once(self) -> bool:
        return True

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return self.back_sql(sources)
        return f"-- in batches of about {TARGET_SECONDS * 1000:.0f} ms, each with its cursor\n" + self._batch(
            "$2", "$1"
        )

    def apply(self, work: Work) -> Found:
        kept = work.kept()
        if "total" not in kept:
            kept = work.keep(total=_estimated_rows(work.connection, self.table), rows=0, batches=0)
        for _ in range(SWEEPS):
            self._walk(work, _key_type(work.connection, self.table, self.key))
            if not self._any_left(work):
                return {"rows": work.kept().get("rows", 0)}
            work.keep(cursor=None, sweep=True)
        raise StepFailed(
            f"{self.id}: rows to do keep appearing: {SWEEPS} sweeps did not end it.",
            "Make new rows right when they are written (a trigger or a default), then resume.",
        )

    def stands(self, work: Work, *, back: bool = False) -> bool | None:
        said = super().stands(work, back=back)
        return said if said is not None else bool(answer(work, f"SELECT NOT EXISTS ({self._left()})")) != back

    def _walk(self, work: Work, key_type: str) -> None:
        """One pass over the key, from the kept cursor to the end."""
        size = int(work.kept().get("batch", SMALLEST))
        while True:
            work.stop_if_wanted()
            began = time.monotonic()
            kept = work.retried(partial(self._one_batch, work, key_type, size, began))
            if kept is None:
                return
            work.tell_progress(kept)
            size = _adapted(size, time.monotonic() - began)

    def _one_batch(self, work: Work, key_type: str, size: int, began: float, patience: float) -> Found | None:
        """The rows and the cursor in one transaction; what is kept then, None at the end of the table."""
        with work.changing(patience) as (session, step):
            if journal.pause_asked(session, work.run):
                raise PauseWanted("Paused between two batches.", "Go on with: handrail resume")
            after = _literal(step.progress.get("cursor"), key_type)
            upto, seen = self._next(work.connection, after, size)
            if upto is None:
                return None
            met = _send_batch(work, self._batch(_literal(upto, key_type), after))
            journal.progress(
                session,
                step,
                cursor=upto,
                rows=step.progress["rows"] + (met if step.progress.get("sweep") else seen),
                batches=step.progress["batches"] + 1,
                batch=size,
                batch_ms=round((time.monotonic() - began) * 1000, 1),
            )
            return dict(step.progress)

    def _next(self, connection: Connection, after: str, size: int) -> tuple[str | None, int]:
        """The key at which the next batch ends, None at the end of the table, and how many rows are in it."""
        more = f"WHERE {self.key} > {after}" if after else ""
        page = f"SELECT {self.key} AS k FROM {self.table} {more} ORDER BY 1 LIMIT {size}"
        numbered = f"SELECT k::text AS key, row_number() OVER (ORDER BY k) AS number FROM ({page}) AS page"
        found = send(connection, f"{numbered} ORDER BY number DESC LIMIT 1").first()
        if found is not None and found.key is None:
            raise StepFailed(
                f"{self.table}.{self.key} is null in some rows.",
                "A backfill walks a key without nulls: choose another.",
            )
        return (str(found.key), int(found.number)) if found else (None, 0)

    def _batch(self, upto: str, after: str = "") -> str:
        """The statement of one batch; the bounds are SQL, an empty `after` begins at the first row."""
        page = (f"r.{self.key} > {after} AND " if after else "") + f"r.{self.key} <= {upto}"
        if self.columns is None:
            return f"UPDATE {self.table} AS r SET {self.set}\nWHERE {page}\n  AND ({self.where})"
        # FOR SHARE: a writer waits for the batch and then meets the copied row; no stale copy survives (FM-C7)
        return (
            f"INSERT INTO {self.into} ({', '.join(self.columns)})\nSELECT {', '.join(self.columns.values())}\n"
            f"FROM {self.table} AS r\nWHERE {page}\nFOR SHARE OF r\nON CONFLICT DO NOTHING"
        )

    def _left(self) -> str:
        """Asks for one row that is still to do."""
        if self.columns is None:
            return f"SELECT 1 FROM {self.table} AS r WHERE {self.where} LIMIT 1"
        return (
            f"SELECT 1 FROM {self.table} AS r WHERE NOT EXISTS "
            f"(SELECT 1 FROM {self.into} AS c WHERE c.{self.key} = r.{self.key}) LIMIT 1"
        )

    def _any_left(self, work: Work) -> bool:
        def once(patience: float) -> bool:
            with work.changing(patience):
                return send(work.connection, work.filled(self._left())).first() is not None

        return work.retried(once)


def _send_batch(work: Work, sql: str) -> int:
    try:
        return send(work.connection, work.filled(sql)).rowcount
    except DBAPIError as error:
        raise located(error, f"batch of {work.step}") from error


def _literal(key: str | None, key_type: str) -> str:
    """A key as SQL of its own type; empty where there is none."""
    return f"CAST({Quoted(key).as_string()} AS {key_type})" if key is not None else ""


def _adapted(size: int, seconds: float) -> int:
    """The next batch's size: towards the target time, at most doubled or halved."""
    wanted = size * min(2.0, max(0.5, TARGET_SECONDS / max(seconds, 0.001)))
    return int(min(LARGEST, max(SMALLEST, wanted)))


def _key_type(connection: Connection, table: str, key: str) -> str:
    found = connection.execute(
        text(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = to_regclass(:table) AND attname = :key AND NOT attisdropped"
        ),
        {"table": table, "key": key},
    ).scalar()
    connection.rollback()
    if found is None:
        raise StepFailed(f"There is no column {key} in {table}.", "Mend the plan's backfill.")
    return str(found)


def _estimated_rows(connection: Connection, table: str) -> int:
    """Exact for small tables, the planner's word for large ones."""
    estimate = connection.execute(
        text("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(:table)"), {"table": table}
    ).scalar()
    if estimate is None or estimate < 1_000_000:
        estimate = send(connection, f"SELECT count(*) FROM {table}").scalar_one()
    connection.rollback()
    return int(estimate)
