"""Two fingerprints compared: objects by name, content by the rows that differ.

What is compared is a database as it is now (live.py), in one snapshot, with another or with a file (kept.py). Each
table's rows fall into 1024 buckets by the hash of their key, so only what differs is read again (rows.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.engine.comparing.head import Held
from console.engine.comparing.kept import Kept
from console.engine.comparing.live import Live
from console.engine.comparing.rows import NONE, Found, Some, merged, some
from db import fingerprint


@dataclass(frozen=True)
class Content:
    """A table whose content differs: its rows before and after, its key's columns, and how much is known of which.

    `found` is exact. Where it is None, the rows that may differ are among the `candidates`; `why` says so, or why
    there are not even these. `buckets` is the number of those that differ.
    """

    table: str
    rows: tuple[int, int]
    key: list[str]
    buckets: int
    found: Found | None = None
    candidates: Some = NONE
    why: str = ""


@dataclass(frozen=True)
class Compared:
    """`objects` as db.fingerprint.differences says them."""

    objects: list[str]
    content: list[Content]
    content_known: bool

    @property
    def equal(self) -> bool:
        return not (self.objects or self.content)


def compared(before: Live | Kept, after: Live) -> Compared:
    known = before.head.content is not None and after.head.content is not None
    return Compared(
        fingerprint.differences(before.head.fingerprint, after.head.fingerprint, apart=True),
        list(_contents(before, after)) if known else [],
        known,
    )


def _contents(before: Live | Kept, after: Live) -> Iterator[Content]:
    was, now = before.head.content or {}, after.head.content or {}
    for table in sorted(was.keys() & now.keys()):
        if (was[table].rows, was[table].hash) != (now[table].rows, now[table].hash):
            yield _content(before, after, table, was[table], now[table])


def _content(before: Live | Kept, after: Live, table: str, was: Held, now: Held) -> Content:
    both = (was.rows, now.rows)
    differing = [
        bucket
        for bucket in was.buckets.keys() | now.buckets.keys()
        if was.buckets.get(bucket) != now.buckets.get(bucket)
    ]
    if was.columns != now.columns:
        return Content(table, both, now.key, len(differing), why="its columns are not the same, so no row is")
    if was.key != now.key:
        return Content(table, both, now.key, len(differing), why="its primary key is not the same")
    if before.knows_rows:
        found = merged(before.rows(table, differing), after.rows(table, differing))
        return Content(table, both, now.key, len(differing), found)
    if not now.key:
        why = "it has no primary key, and the file no rows (--rows)"
        return Content(table, both, now.key, len(differing), why=why)
    why = "the file has no rows (--rows), so which of these differ is not known, nor which are gone"
    return Content(table, both, now.key, len(differing), None, some(after.rows(table, differing)), why)
