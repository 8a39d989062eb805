"""backup: a dump that is known to restore; or a command of whoever keeps the backups elsewhere.

The dump and the fingerprint that it must have are taken in one snapshot, so that writers need not wait. The dump is
restored into a scratch database of the same server, compared by fingerprint, and the scratch database dropped. The
schema `handrail` stays out: a restore must not rewind the journal (FM-I6); so does the index of clients, which is made
again. What both have put on the target's tables is commented out of the list beside the dump, by which it is restored:
pg_restore --use-list. Of a command handrail knows its exit code and what it said, no more.
"""

from __future__ import annotations

import shlex
from itertools import count
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from console.engine import dumping, outside
from console.engine.dumps import digest, seal, unproven
from console.engine.errors import PlanError, StepFailed
from console.engine.statements import PARAMETER
from console.engine.steps.common import Estimate, Found, Sources, Step
from console.engine.work import Work
from db import postgres
from db.queries import runs
from db.text import one_line

HOUR = 3600.0

Word = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


class Backup(Step):
    """`command` is run in place of our own dump, for `timeout` seconds at most."""

    transactional: ClassVar[bool] = False

    kind: Literal["backup"]
    command: list[Word] | None = Field(default=None, min_length=1)
    timeout: Estimate | None = None

    def require(self, target: str, sources: Sources) -> None:
        if self.command is None and self.timeout is not None:
            raise PlanError("timeout is a command's, and there is none.", "Leave it out, or give the command.")
        if self.timeout is not None and self.timeout <= 0:
            raise PlanError("timeout: write a time such as 1h.")
        if any(PARAMETER.search(word) for word in self.command or ()):
            raise PlanError("command: its words are sent as they are; parameters are for SQL.")

    @property
    def told(self) -> str:
        """The command as a shell would read it, in one line."""
        return one_line(shlex.join(self.command or ()))

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return "-- nothing to undo: the backup stays where it is"
        if self.command:
            return (
                "-- started on the machine of whoever runs handrail, without a shell; it is not restored by handrail:\n"
                f"-- {self.told}"
            )
        return "-- pg_dump --format=custom, pg_restore into a scratch database, fingerprints compared"

    def apply(self, work: Work) -> Found:
        return self._provided(work, self.command) if self.command else self._dumped(work)

    def take_back(self, work: Work) -> Found:
        return {}

    def _dumped(self, work: Work) -> Found:
        file = _free_name(work, self.id)
        major = dumping.major_of(work.connection)
        dumping.require_unbound(work.connection)
        taken = unproven(file)
        before, taken_at = dumping.dump(work, taken, major)
        was = digest(taken)
        dumping.restore_and_compare(work, taken, major, before)
        taken.rename(file)
        sealed = seal(file)
        if sealed != was:
            file.rename(taken)
            raise StepFailed(f"{file.name} changed while it was restored.", "Find out who writes there; take it again.")
        rows = sum(rows for rows, _ in before.content.values())
        found = {"file": str(file), "bytes": file.stat().st_size, "sha256": sealed, "rows": rows,
                 "tables": len(before.content), "fingerprint": before.digest, "taken_at": taken_at,
                 **dumping.versions(work, major), "globals": dumping.write_globals(work, file, major)}  # fmt: skip
        work.keep(**found)
        return found

    def _provided(self, work: Work, command: list[str]) -> Found:
        """What the command said is evidence, however it ended; its end alone says whether there is a backup."""
        outside.require_allowed(self.id)
        with work.connection.begin():
            began_at = dumping.now(work.connection)
        limit = HOUR if self.timeout is None else self.timeout
        ended = outside.run(command, work.stopping, limit)
        work.keep(command=self.told, exit_code=ended.code, output=ended.said, taken_at=began_at)
        work.stop_if_wanted()
        if ended.late:
            raise StepFailed(f"{self.told} was ended after {limit:.0f} s.", "Give it longer (timeout), or mend it.")
        if ended.code != 0:
            last = one_line((ended.said.splitlines() or ["it said nothing"])[-1])
            raise StepFailed(f"{self.told} ended with {ended.code}: {last}", "Mend the cause, then resume.")
        return {"command": self.told, "exit_code": 0, "taken_at": began_at}


def _free_name(work: Work, step: str) -> Path:
    """A name that no dump has yet: what was dumped before, by whomever, is never written over."""
    with work.transaction() as (session, _):
        identity = runs.target_identity(session)
    folder = postgres.home() / "backups" / f"{work.target.name}-{identity}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = (folder / f"run-{work.run}-{step}{f'-{again}' if again > 1 else ''}.dump" for again in count(1))
    return next(name for name in names if not name.exists() and not unproven(name).exists())
