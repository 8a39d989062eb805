"""backup-verified: the dump of a backup step is still there, whole, and was restored and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from console.engine.checks.common import Asking, Check, Found
from console.engine.steps.backup import digest


class BackupVerified(Check):
    kind: Literal["backup-verified"]
    step: str

    def query(self) -> str:
        return f"-- sha256 of the dump of step {self.step}, beside what it was when it was restored and compared"

    def measure(self, asking: Asking) -> Found:
        kept = asking.steps.get(self.step, {})
        if "sha256" not in kept:
            return Found("a dump, restored and compared", "none", False)
        wanted, file = str(kept["sha256"]), Path(str(kept["file"]))
        found = digest(file) if file.is_file() else "the file is gone"
        at_fault = [] if found == wanted else [{"file": str(file), "sha256": found}]
        return Found(
            f"sha256 {wanted[:12]}",
            found[:16] if at_fault else f"sha256 {found[:12]}",
            not at_fault,
            at_fault,
        )
