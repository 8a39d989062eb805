"""CSV that a spreadsheet may open: nothing in it is computed, and no character of it is obeyed (FM-E8)."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Iterator, Sequence

from db.text import clean

FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet begins to compute


def lines(names: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The names, then a line a row, without its line end."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in itertools.chain([names], rows):
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue().removesuffix("\r\n")
        buffer.seek(0)
        buffer.truncate()


def _cell(value: object) -> str:
    words = "" if value is None else str(value)
    told = clean(words)  # which may leave out what stood before a formula
    return ("'" if words.startswith(FORMULAS) or told.lstrip(" \"'").startswith(FORMULAS) else "") + told
