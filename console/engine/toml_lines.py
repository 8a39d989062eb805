"""On which line of a TOML text a key stands; tomllib reads values, but forgets places."""

from __future__ import annotations

import re
from collections.abc import Sequence

HEADER = re.compile(r"^\s*(\[\[?)\s*([\w.\-\"']+)\s*\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"^\s*([\w\-\"'.]+)\s*=")
Path = tuple[str | int, ...]


def lines(text: str) -> dict[Path, int]:
    """Line (from 1) of each table and key, by its path: ("phase", 0, "step", 2, "undo")."""
    found: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    here: Path = ()
    open_quotes = ""
    for number, line in enumerate(text.splitlines(), 1):
        if open_quotes:
            open_quotes = "" if open_quotes in line else open_quotes
            continue
        if header := HEADER.match(line):
            here = _table(_parts(header[2]), counts, is_list=header[1] == "[[")
            found.setdefault(here, number)
        elif key := KEY.match(line):
            found.setdefault((*here, *_parts(key[1])), number)
            open_quotes = _left_open(line)
    return found


def line_of(text: str, path: Sequence[str | int]) -> int:
    """The line of a key, or of the nearest table around it."""
    found = lines(text)
    wanted = tuple(path)
    while wanted and wanted not in found:
        wanted = wanted[:-1]
    return found.get(wanted, 1)


def _table(parts: Path, counts: dict[Path, int], *, is_list: bool) -> Path:
    """The path of a header, with the number of the list item that each list on the way has reached."""
    path: Path = ()
    for place, part in enumerate(parts):
        path = (*path, part)
        if place == len(parts) - 1 and is_list:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(dotted: str) -> Path:
    return tuple(part.strip("\"'") for part in dotted.split("."))


def _left_open(line: str) -> str:
    """The triple quotes that a line opens and does not close."""
    for quotes in ('"""', "'''"):
        if line.count(quotes) % 2:
            return quotes
    return ""
