"""The states of runs and steps: a word, a sign, and a tone that repeats it."""

from __future__ import annotations

from console.widgets.safe_text import BAD, BUSY, GOOD, QUIET, STRONG, Part

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
    "failed": ("✗", BAD),
    "interrupted": ("!", BAD),
}


def state(word: str) -> Part:
    """✓ done, ▶ running, ✗ failed"""
    sign, tone = STATES.get(word, ("·", QUIET))
    return f"{sign} {word}", tone
