"""Every point of every item of a plan, up and down: struck there, resumed, and compared with a run that was not.

Item by item: the database as it is before an item is cloned for each point, struck, and taken on to the end of that
item. What is equal there goes on equally, so the whole plan need not be run for each point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import count

import psycopg
from psycopg import sql

from console.engine import journey
from console.engine.plan import Item, Plan
from db.fingerprint import Fingerprint
from db.queries import runs
from db.session import Target
from tests.crash.faults import Kind, Way, points, struck
from tests.driving import begun, drive, events, fingerprinted, look
from tests.servers import Server

NUMBERS = count(1)
BOTH: tuple[Way, ...] = ("forward", "back")
ENDS = ("step done", "checkpoint passed", "step undone")
COLUMN = sql.SQL(
    """
    SELECT {name} || '.' || key, count(value) || ' ' || coalesce(sum(hashtextextended(value, 0)::numeric), 0)
    FROM {table} AS t CROSS JOIN LATERAL jsonb_each_text(to_jsonb(t)) GROUP BY key
    """
)


@dataclass(frozen=True)
class State:
    """`columns` sums each column for itself, `ends` counts how often each item was said to have ended."""

    found: Fingerprint
    columns: dict[str, str]
    run: str
    steps: dict[str, str]
    rows: dict[str, int]
    ends: dict[str, int]

    @classmethod
    def of(cls, target: Target, run: int) -> State:
        row, found = look(target, run), fingerprinted(target)
        ends: dict[str, int] = {}
        for event in events(target, run):
            if event.kind in ENDS:
                ends[f"{event.step} {event.kind}"] = ends.get(f"{event.step} {event.kind}", 0) + 1
        rows = {step.step: step.progress.get("rows", 0) for step in row.steps}
        steps = {step.step: step.state for step in row.steps}
        return cls(found, _columns(target, found), row.state, steps, rows, ends)

    def differences(self, other: State, unstable: set[str]) -> list[str]:
        """What is not the same, but for the columns that no two runs leave the same (times, random ids).

        A table of theirs is still compared by its number of rows and its other columns.
        """
        mine, theirs = self.found, other.found
        wrong = [
            f"objects: {name}" for name in sorted({name for name, _ in mine.objects.items() ^ theirs.objects.items()})
        ]
        for table in sorted(mine.content.keys() | theirs.content.keys()):
            one, two = (found.content.get(table, [0, ""]) for found in (mine, theirs))
            if one[0] != two[0] or (one != two and table not in unstable):
                wrong.append(f"{table}: {one} is not {two}")
        for column in sorted({name for name, _ in self.columns.items() ^ other.columns.items()} - unstable):
            wrong.append(f"column {column}")
        for name in ("run", "steps", "rows", "ends"):
            if getattr(self, name) != getattr(other, name):
                wrong.append(f"{name}: {getattr(self, name)} is not {getattr(other, name)}")
        return wrong

    def unstable(self, other: State) -> set[str]:
        """Tables and columns of two runs that nobody struck."""
        mine, theirs = self.found.content, other.found.content
        tables = {table for table in mine.keys() & theirs.keys() if mine[table] != theirs[table]}
        return tables | {name for name, _ in self.columns.items() ^ other.columns.items()}


@dataclass(frozen=True)
class Spot:
    """One point: the `inside`th of an item, and the `number`th of the whole matrix."""

    way: Way
    item: str
    kind: Kind
    inside: int
    number: int


@dataclass(frozen=True)
class Point:
    """One strike and what came of it; `wrong` is empty where all is as in the run that was not struck."""

    spot: Spot
    fault: str
    wrong: list[str]
    seconds: float

    def __str__(self) -> str:
        where = f"{self.fault} at {self.spot.item} {self.spot.way}, {self.spot.kind}, point {self.spot.inside}"
        return f"{where}: {'; '.join(self.wrong) or 'as it should'}"


class Matrix:
    """`faults` answers which fault strikes at a spot; None: that one is passed by. `total` spots were seen."""

    def __init__(self, server: Server, plan: Plan, faults: Callable[[Spot], str | None]) -> None:
        self.server, self.plan, self.faults = server, plan, faults
        self.total = 0

    def points(self, template: str, ways: tuple[Way, ...] = BOTH) -> Iterator[Point]:
        """All the way up, then all the way down. `template` is the name of a prepared database without a run."""
        at, target = self._clone(template)
        run = begun(target, self.plan)
        target.close()
        for way in BOTH:
            for item in self.plan.items if way == "forward" else reversed(self.plan.items):
                if way in ways:
                    at = yield from self._item(at, run, item, way)
                elif "back" in ways:
                    at = self._passed(at, run, way)
        self.server.drop(at)

    def _item(self, before: str, run: int, item: Item, way: Way) -> Generator[Point, None, str]:
        """The points of one item; returns the name of the database as it is after the item."""
        after, calm, passed = self._calm(before, run, way)
        spots = [Spot(way, item.id, kind, inside, self.total + inside) for inside, kind in enumerate(passed, 1)]
        self.total += len(spots)
        met = [(spot, fault) for spot in spots if (fault := self.faults(spot))]
        unstable = self._unstable(before, run, way, calm) if met else set()
        for spot, fault in met:
            began = time.monotonic()
            name, target = self._clone(before)
            if struck(target, run, way, spot.inside, fault):
                self._resume(target, run, item, way)
                wrong = State.of(target, run).differences(calm, unstable)
                yield Point(spot, fault, wrong, time.monotonic() - began)
            target.close()
            self.server.drop(name)
        self.server.drop(before)
        return after

    def _passed(self, before: str, run: int, way: Way) -> str:
        """Nobody is struck on this item."""
        after, _, _ = self._calm(before, run, way)
        self.server.drop(before)
        return after

    def _calm(self, before: str, run: int, way: Way) -> tuple[str, State, list[Kind]]:
        """The item done without a fault: the database after it, its state, the points on the way."""
        name, target = self._clone(before)
        passed = points(target, run, way)
        state = State.of(target, run)
        target.close()
        return name, state, passed

    def _unstable(self, before: str, run: int, way: Way, calm: State) -> set[str]:
        """What is not even the same where nobody strikes."""
        name, again, _ = self._calm(before, run, way)
        self.server.drop(name)
        return calm.unstable(again)

    def _resume(self, target: Target, run: int, item: Item, way: Way) -> None:
        """What a person does who finds it: goes on to the end of the item, where it is not there yet."""
        row = look(target, run)
        undone = next(step.state for step in row.steps if step.step == item.id) == "undone"
        if row.state in runs.OVER and (way == "forward" or undone):
            return
        if way == "forward":
            drive(target, lambda here: journey.forward(here, run, until=item.id, said=True))
        elif row.state == "rolling back":
            drive(target, lambda here: journey.resume(here, run))
        elif not undone:
            drive(target, lambda here: journey.back(here, run, one=True))

    def _clone(self, template: str) -> tuple[str, Target]:
        name = f"crash_{next(NUMBERS)}"
        return name, Target(self.server.create(name, template))


def _columns(target: Target, found: Fingerprint) -> dict[str, str]:
    """Of all tables, in one question. NULLs count as nothing."""
    if not found.content:
        return {}
    each = [
        COLUMN.format(name=sql.Literal(table), table=sql.Identifier(*table.split(".", 1))) for table in found.content
    ]
    with psycopg.connect(target.url) as connection:
        return dict(connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall())
