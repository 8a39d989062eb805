"""backup-verified: the dump of a backup step is still there, whole, was restored and compared, and is not too old.

Where a command made the backup, its exit code and its age are all that is known, and that is what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from console.engine import dumps
from console.engine.checks.common import Asking, Check, Found
from console.engine.keys import Estimate
from db.text import one_line
from db.wording import period

NOT_OURS = "not restored by handrail"
OLD = "extract(epoch FROM clock_timestamp() - CAST(:at AS timestamptz))::float8"


class BackupVerified(Check):
    """`younger_than` counts from the moment of which the backup is, by the server's clock."""

    kind: Literal["backup-verified"]
    step: str
    younger_than: Estimate | None = None

    def query(self) -> str:
        age = f", and whether it is younger than {period(self.younger_than)}" if self.younger_than else ""
        return (
            f"-- sha256 of the dump of step {self.step}, beside what it was when it was restored and compared{age};\n"
            "-- where a command made the backup, its exit code"
        )

    def measure(self, asking: Asking) -> Found:
        kept = asking.steps.get(self.step, {})
        if "exit_code" not in kept and "sha256" not in kept:
            return Found(self._expected("a dump, restored and compared"), "none", False)
        age = _age(asking, kept)
        late = self._late(age)
        if "exit_code" in kept:
            ended, expected = kept["exit_code"], "exit code 0"
            wrong, found = "" if ended == 0 else f"exit code {ended}", f"{kept['command']}: exit code {ended}"
        else:
            wanted, file = str(kept["sha256"]), Path(str(kept["file"]))
            wrong, expected, found = dumps.wrong(file, wanted), f"sha256 {wanted[:12]}", f"sha256 {wanted[:12]}"
        told = [wrong or found, late or (f"{period(age)} old" if age is not None else "")]
        told += [NOT_OURS] if "exit_code" in kept else []
        at_fault = [{name: kept.get(name) for name in ("file", "sha256", "command", "exit_code", "output", "taken_at")
                     if name in kept}] if wrong or late else []  # fmt: skip
        return Found(self._expected(expected), one_line(", ".join(filter(None, told))), not (wrong or late), at_fault)

    def _expected(self, what: str) -> str:
        return f"{what}, younger than {period(self.younger_than)}" if self.younger_than else what

    def _late(self, age: float | None) -> str:
        """Why the backup is too old, in a clause; empty where it is not."""
        if self.younger_than is None:
            return ""
        if age is None:
            return "nobody knows how old"
        if age < 0:
            return "taken in the future, by the server's clock"
        return f"{period(age)} old" if age >= self.younger_than else ""


def _age(asking: Asking, kept: Mapping[str, Any]) -> float | None:
    """Seconds; None for a backup of an older handrail, which did not keep its time."""
    return float(asking.one(f"SELECT {OLD}", at=kept["taken_at"])) if "taken_at" in kept else None
