"""Times and numbers as people read them, the same on screens and on the command line."""

from __future__ import annotations

from typing import Any


def took(seconds: float | None) -> str:
    """30 ms, 3.2 s, 42 s, 1:05, 2:00:10"""
    if seconds is None:
        return ""
    if seconds < 0.95:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else lasting(seconds)


def lasting(seconds: float) -> str:
    """The same, in whole seconds: for what still goes on."""
    whole = max(int(seconds + 0.5), 0)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def period(seconds: float) -> str:
    """7 d, 24 h, 90 min, 40 s: of a deadline, or of what is good for a while"""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def between(low: float, high: float) -> str:
    """9 to 11 s; 50 s to 1:10; 9 s"""
    first, last = lasting(low), lasting(high)
    return last if first == last else f"{first.removesuffix(' s') if last.endswith('s') else first} to {last}"


def number(value: float) -> str:
    """412 000"""
    return f"{value:,.0f}".replace(",", " ")


def about(value: float) -> str:
    """63 000 for 62 783: two digits are known of a guess"""
    return number(round(value, 1 - len(str(int(value)))) if value >= 100 else value)


def counted(value: int, one: str, many: str = "") -> str:
    """1 row, 3 rows"""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def plain(value: Any) -> str:
    """What an event keeps, on one line: lists and objects without brackets."""
    if isinstance(value, dict):
        if {"title", "rows", "rule"} <= value.keys():
            return f"{value['rows']} {value['title']}, {value['rule']}"
        if {"capture", "written", "carried", "aside"} <= value.keys():
            carried = f"{value['carried']} carried back, {value['aside']} set aside"
            return f"{value['capture']} {value['written']} written, {carried}"
        return ", ".join(f"{key} {plain(inner)}" for key, inner in value.items())
    if isinstance(value, list):
        # [before, after] of a table's rows reads as a change; anything else as a list
        pair = len(value) == 2 and all(isinstance(inner, int) for inner in value)
        return (" -> " if pair else "; ").join(plain(inner) for inner in value)
    return "null" if value is None else str(value)
