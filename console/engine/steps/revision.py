"""revision: one Alembic revision, in the executor's transaction; its way back is its downgrade."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from console.engine.errors import RunRefused
from console.engine.statements import located, require_transactional
from console.engine.steps.common import Found, Sources, Step, inside
from console.engine.work import Work
from db import revisions


class Revision(Step):
    kind: Literal["revision"]
    revision: str

    def require(self, target: str, sources: Sources) -> None:
        for back in (False, True):
            with inside("downgrade" if back else "upgrade"):
                require_transactional(self.script(target, sources, back=back))

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        return revisions.rendered(target, self.revision, down=back)

    def source_name(self) -> str:
        """Under which name the run freezes the revision's source."""
        return f"revision {self.revision}"

    def apply(self, work: Work) -> Found:
        return self._move(work, revisions.upgrade)

    def take_back(self, work: Work) -> Found:
        return self._move(work, revisions.downgrade)

    def stands(self, work: Work, *, back: bool = False) -> bool | None:
        script = revisions.find(work.target.name, self.revision)
        wanted = script.down_revision if back else self.revision
        stamped = revisions.current(work.connection, work.target.name) == wanted
        return stamped and super().stands(work, back=back) is not False

    def _move(self, work: Work, move: Callable[[Connection, str, str], None]) -> Found:
        self._unchanged(work)
        try:
            move(work.connection, work.target.name, self.revision)
        except DBAPIError as error:
            raise located(error, f"revision {self.revision}") from error
        return {"revision": self.revision}

    def _unchanged(self, work: Work) -> None:
        """A revision is run from its file, so the file must be the one that the run froze (I-5)."""
        if revisions.source(work.target.name, self.revision) != work.sources[self.source_name()]:
            raise RunRefused(
                f"Revision {self.revision} was edited after this run began.",
                "Put the file back as it was, then resume; or roll the run back and begin again.",
            )
