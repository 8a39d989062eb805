"""concurrently: statements that PostgreSQL refuses inside a transaction, or that must not share one (I-2).

Before each statement its intent is journalled; then the catalog is looked at, what is done is left alone, and what
an interrupted statement left is mended (F10).
"""

from __future__ import annotations

from typing import Literal

from console.engine.errors import PlanError
from console.engine.online import script
from console.engine.online.site import Site
from console.engine.statements import uncommented
from console.engine.steps.common import Found, Sources, Step, inside, one_of
from console.engine.work import Work

LONGEST_INTENT = 200


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

    def _each(self, work: Work, *, back: bool) -> Found:
        name = work.target.name
        acts = script.acts(work.filled(self.script(name, work.sources, back=back)))
        others = script.acts(work.filled(self.script(name, work.sources, back=not back)))
        site = _site(work, back=back)
        for act in acts:
            line = act.statement.line
            work.keep(
                intent={"line": line, "statement": _one_line(act.statement.sql), **({"back": True} if back else {})}
            )
            site.place = f"{'undo of ' if back else ''}{self.id} line {line}"
            act.bring_about(site, script.opposite(act, others))
        work.keep(intent=None)
        return {key: names for key, names in (("mended", site.mended), ("left", site.left)) if names}


def _site(work: Work, *, back: bool) -> Site:
    """With what an earlier attempt in the same direction has mended."""
    kept = work.kept()
    intent = kept.get("intent") or {}
    if not intent or intent.get("back", False) != back:
        kept = work.keep(mended=[], left=[])
    return Site(work, back, mended=list(kept.get("mended", [])), left=list(kept.get("left", [])))


def _one_line(sql: str) -> str:
    return " ".join(uncommented(sql).split())[:LONGEST_INTENT]
