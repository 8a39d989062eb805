"""concurrently: statements that PostgreSQL refuses inside a transaction, or that must not share one (I-2).

Before each statement its intent is journalled; then the catalog is looked at, what is done is left alone (by the way
back too, where it was not the step that did it), and what an interrupted statement left is mended (F10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Connection, text

from console.engine.errors import PlanError, StepFailed
from console.engine.online import script
from console.engine.online.act import Act
from console.engine.online.reindexing import Reindexing
from console.engine.online.site import Site
from console.engine.online.vacuum import Vacuum
from console.engine.statements import uncommented
from console.engine.steps.common import Found, Sources, Step, inside, one_of
from console.engine.work import Work

LONGEST_INTENT = 200
PROGRESS = text("SELECT progress FROM handrail.step_run WHERE run_id = :run AND position = :position")


class Concurrently(Step):
    transactional = False

    kind: Literal["concurrently"]
    sql: str | None = None
    file: str | None = None
    undo: str | None = None
    undo_file: str | None = None

    def files(self) -> list[str]:
        return [file for file in (self.file, self.undo_file) if file]

    def require(self, target: str, sources: Sources) -> None:
        if (self.sql is None) == (self.file is None) or (self.undo is None) == (self.undo_file is None):
            raise PlanError("the step needs its statements (sql or file) and its way back (undo or undo_file).")
        with inside("sql"):
            there = script.required(self.script(target, sources), back=False)
        with inside("undo"):
            back = script.required(self.script(target, sources, back=True), back=True)
        script.require_way_back(there, back)

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return one_of(self.undo, self.undo_file, sources)
        return one_of(self.sql, self.file, sources)

    def apply(self, work: Work) -> Found:
        return self._each(work, back=False)

    def take_back(self, work: Work) -> Found:
        return self._each(work, back=True)

    def stands(self, work: Work, *, back: bool = False) -> bool | None:
        """By each of its statements: what would do nothing, sent now, is true already."""
        said = super().stands(work, back=back)
        if said is not None:
            return said
        acts, others = self._acts(work, back=back)
        kept = work.connection.execute(PROGRESS, {"run": work.run, "position": work.position}).scalar_one()
        own = kept.get("own") if back else None  # what the step has never acted upon is as it was
        found = [_true(act, work, script.opposite(act, others), back=back) for act in acts
                 if own is None or script.upon(act) in (*own, "")]  # fmt: skip
        if False in found:
            return False
        return None if None in found or not found else True

    def _acts(self, work: Work, *, back: bool) -> tuple[list[Act], list[Act]]:
        """The statements of one direction, and those of the other."""
        name = work.target.name
        there = script.acts(work.filled(self.script(name, work.sources)))
        undo = script.acts(work.filled(self.script(name, work.sources, back=True)))
        return (undo, there) if back else (there, undo)

    def _each(self, work: Work, *, back: bool) -> Found:
        acts, others = self._acts(work, back=back)
        site = _site(work, back=back)
        for act in acts:
            line = act.statement.line
            site.act, site.name = script.upon(act), script.told(act)
            if back and not site.owns:
                if site.name in site.already:
                    site.leave(site.name)
                continue
            work.keep(
                intent={"line": line, "statement": _one_line(act.statement.sql), **({"back": True} if back else {})}
            )
            site.place = f"{'undo of ' if back else ''}{self.id} line {line}"
            act.bring_about(site, script.opposite(act, others))
            if not back:
                site.looked()
        work.keep(intent=None)
        told = {"mended": site.mended, "left": site.left, "already": [] if back else site.already}
        return {key: names for key, names in told.items() if names}


class WouldAct(Exception):
    """A statement is not true yet."""


class OnlyLooking(Work):
    """A step's work that keeps nothing."""

    def keep(self, **news: Any) -> dict[str, Any]:
        raise WouldAct

    def kept(self) -> dict[str, Any]:
        raise WouldAct


class Look(Site):
    """Where a statement may look at the catalog, and nothing else; inside a transaction that is open."""

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        with self.work.connection.begin_nested() as looking:
            yield self.work.connection
            looking.rollback()

    def send(self, sql: str) -> None:
        raise WouldAct

    def change(self, do: Callable[[Connection], None]) -> None:
        raise WouldAct

    def waited(self, table: int, indexes: list[int]) -> bool:
        raise WouldAct

    def another(self, name: str, definition: str, hint: str) -> None:
        """An index of the name and another definition is not the step's; the way back leaves it where it is."""
        if not self.back:
            raise WouldAct


def _true(act: Act, work: Work, other: Act | None, *, back: bool) -> bool | None:
    """Whether a statement has nothing left to do; None for one that is simply sent again."""
    if isinstance(act, Reindexing | Vacuum):
        return None
    try:
        act.bring_about(Look(OnlyLooking(**vars(work)), back), other)
    except (WouldAct, StepFailed):  # an index that cannot even be compared is not the plan's
        return False
    return True


def _site(work: Work, *, back: bool) -> Site:
    """With what an earlier attempt in the same direction has mended, and what is the step's own."""
    kept = work.kept()
    intent = kept.get("intent") or {}
    again = bool(intent) and intent.get("back", False) == back
    if not again:
        kept = work.keep(mended=[], left=[], **({} if back else {"already": [], "own": []}))
    mended, left, already = (list(kept.get(key, [])) for key in ("mended", "left", "already"))
    return Site(work, back, mended=mended, left=left, already=already, own=kept.get("own"))


def _one_line(sql: str) -> str:
    return " ".join(uncommented(sql).split())[:LONGEST_INTENT]
