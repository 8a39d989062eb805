"""Triggers: what stops a run, and takes it back, when the target gets worse while it goes forward.

declared.py and the files of kinds say what is looked at; sentry.py looks, a thread for each trigger, and fires when n
of the last m samples were over (series.py); firing.py says what then becomes of the run; incident.py is what stays open
until somebody rolls back or goes on; gauging.py is how a trigger stands, in words.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from console.engine.triggers.declared import Acting, Check, Restore, Sampled, Trigger
from console.engine.triggers.kinds import Blocked, Connections, Elapsed, Lag, LockWaits
from console.engine.triggers.login import Login
from console.engine.triggers.probe import Probe

AnyTrigger = Annotated[
    Elapsed | Check | Login | LockWaits | Blocked | Lag | Connections | Probe | Restore, Field(discriminator="kind")
]

KINDS: tuple[type[Trigger], ...] = (
    Elapsed, Check, Login, LockWaits, Blocked, Lag, Connections, Probe, Restore,
)  # fmt: skip

__all__ = ["KINDS", "Acting", "AnyTrigger", "Check", "Probe", "Restore", "Sampled", "Trigger"]
