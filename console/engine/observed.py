"""How an observation stands, in words; from the progress that its step keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from db.wording import counted

SHOWN_ROUNDS = 40


def told(kept: Mapping[str, Any]) -> str:
    """observed 3 h 12 of 24 h, 192 rounds, all passed; empty where no round has ended yet."""
    if not kept.get("rounds"):
        return ""
    how = f"{kept['failures']} failed" if kept["failures"] else "all passed"
    now = f", now {counted(kept['failing'], 'failed round')}" if kept["failing"] else ""
    return f"observed {span(kept['observed'])} of {span(kept['of'])}, {counted(kept['rounds'], 'round')}, {how}{now}"


def history(kept: Mapping[str, Any]) -> str:
    """The last rounds, the newest last: ✓✓✗✓"""
    return "".join("✓" if passed else "✗" for _, passed, _ in kept.get("history", [])[-SHOWN_ROUNDS:])


def share(kept: Mapping[str, Any]) -> float | None:
    """How much of its time is over, 0 to 1."""
    return min(kept["observed"] / kept["of"], 1.0) if kept.get("rounds") else None


def span(seconds: float) -> str:
    """24 h, 3 h 12, 12 min, 40 s"""
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes} min" if minutes else f"{seconds:.0f} s"
    return f"{minutes // 60} h {minutes % 60}" if minutes % 60 else f"{minutes // 60} h"
