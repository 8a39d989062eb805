"""Sizes and lists in findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.engine.doctor import Finding

SHOWN = 5


def cut(findings: list[Finding]) -> list[Finding]:
    more = len(findings) - SHOWN
    return findings if more <= 0 else [*findings[:SHOWN], replace(findings[SHOWN], found=f"and {more} more", hint="")]


def listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def size(count: int) -> str:
    """340 MB, 1.2 GB; of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{-(-count // 1_000_000)} MB"
