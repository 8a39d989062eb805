"""The run screen's words about a step that observes. Pure functions of a Sight."""

from __future__ import annotations

from console.engine import gates, observed
from console.widgets.safe_text import STRONG, Part
from console.widgets.sight import Sight
from db.models import StepRun


def now(sight: Sight, step: StepRun) -> tuple[Part, ...]:
    """What was seen until now, the last rounds, and who may shorten it."""
    if not (told := observed.told(step.progress)):
        return ()
    gate = sight.gate(step.step)
    sooner: Part = (f"  shorter by sign-off: {gates.told(gate)}\n", STRONG) if gate else ""
    return (f"  {told}\n", f"  {observed.history(step.progress)}\n", sooner)


def rounds(step: StepRun) -> str:
    """The same below a checkpoint's verdict; empty for what does not observe."""
    return f"\n{observed.told(step.progress)}\n{observed.history(step.progress)}" if step.kind == "observe" else ""
