"""The rows that differ: two streams in the same order, merged; what is told is counted whole and listed in part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import NamedTuple

from db.fingerprint.content import BUCKETS, Row

FEW = 20
Key = tuple[str, ...]
BEFORE, AFTER = 0, 1


@dataclass(frozen=True)
class Some:
    """How many, and the keys of the first FEW; no keys where the table has none."""

    count: int
    keys: list[Key]


NONE = Some(0, [])


class Found(NamedTuple):
    new: Some
    gone: Some
    changed: Some


def merged(before: Iterable[Row], after: Iterable[Row]) -> Found:
    """Rows come by bucket, then by place; those of one place are few, and are compared together.

    Without keys a row that changed is one that is gone and one that is new.
    """
    new, gone, changed = _Kept(), _Kept(), _Kept()
    both = merge(_placed(before, BEFORE), _placed(after, AFTER), key=lambda one: one[:2])
    for _, alike in groupby(both, key=lambda one: one[0]):
        sides: tuple[Counter[tuple[Key | None, int]], ...] = (Counter(), Counter())
        for _, side, row in alike:
            sides[side][row.key, row.hash] += 1
        left, come = sides[BEFORE] - sides[AFTER], sides[AFTER] - sides[BEFORE]
        left_keys, come_keys = ({key for key, _ in one if key is not None} for one in (left, come))
        for (key, _), count in left.items():
            (changed if key in come_keys else gone).add(key, count)
        for (key, _), count in come.items():
            if key not in left_keys:
                new.add(key, count)
    return Found(new.some, gone.some, changed.some)


def some(rows: Iterable[Row]) -> Some:
    kept = _Kept()
    for row in rows:
        kept.add(row.key, 1)
    return kept.some


class _Kept:
    def __init__(self) -> None:
        self._count = 0
        self._keys: list[Key] = []

    def add(self, key: Key | None, count: int) -> None:
        self._count += count
        if key is not None and len(self._keys) < FEW:
            self._keys.append(key)

    @property
    def some(self) -> Some:
        return Some(self._count, self._keys)


def _placed(rows: Iterable[Row], side: int) -> Iterator[tuple[tuple[int, int], int, Row]]:
    for row in rows:
        yield (row.place % BUCKETS, row.place), side, row
