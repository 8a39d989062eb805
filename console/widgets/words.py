"""The states of runs and steps: a word, a sign, and a tone that repeats it."""

from __future__ import annotations

from typing import Any

from console.widgets.safe_text import BAD, BUSY, GOOD, QUIET, STRONG, Part

GOING = ("running", "rolling back")

# a sign, and the tone that repeats it; the word beside it carries the meaning (UX-C8)
STATES = {
    "done": ("✓", GOOD),
    "passed": ("✓", GOOD),
    "running": ("▶", BUSY),
    "undoing": ("↺", BUSY),
    "rolling back": ("↺", BUSY),
    "next": ("·", STRONG),
    "paused": ("·", STRONG),
    "waits": ("·", QUIET),
    "undone": ("↺", QUIET),
    "rolled back": ("↺", QUIET),
    "stopped": ("■", STRONG),
    "skipped": ("»", STRONG),
    "failed": ("✗", BAD),
    "interrupted": ("!", BAD),
}


def state(word: str) -> Part:
    """✓ done, ▶ running, ✗ failed"""
    sign, tone = STATES.get(word, ("·", QUIET))
    return f"{sign} {word}", tone


def of_run(run: Any, *, driven: bool) -> str:
    """The state of a run. A rollback keeps its direction in the journal while it is paused, or after a failure."""
    if driven or run.state not in GOING:
        return str(run.state)
    states = {step.state for step in run.steps}
    if run.state == "rolling back" and not states & {"running", "undoing"}:
        if "failed" in states:
            return "failed"
        if run.pause_requested or "stopped" in states:
            return "paused"
    return "interrupted"


def age(seconds: float) -> str:
    """How long something has stood: 45 s, 18 min, 3 h 12 min, 4 days"""
    minutes, hours = int(seconds // 60), int(seconds // 3600)
    if minutes < 2:
        return f"{max(int(seconds), 0)} s"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} days"
