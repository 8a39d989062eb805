"""The kinds of step, one a file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from console.engine.steps.backfill import Backfill
from console.engine.steps.backup import Backup
from console.engine.steps.common import Step
from console.engine.steps.concurrently import Concurrently
from console.engine.steps.finish import Finish
from console.engine.steps.manual import Manual
from console.engine.steps.observe import Observe
from console.engine.steps.revision import Revision
from console.engine.steps.sql import Sql

AnyStep = Annotated[
    Revision | Sql | Backfill | Concurrently | Backup | Manual | Observe | Finish, Field(discriminator="kind")
]
KINDS: tuple[type[Step], ...] = (Revision, Sql, Backfill, Concurrently, Backup, Manual, Observe, Finish)

__all__ = ["KINDS", "AnyStep", "Backfill", "Backup", "Concurrently", "Finish", "Manual", "Observe", "Revision", "Sql",
           "Step"]  # fmt: skip
