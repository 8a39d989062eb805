"""Every point of every item of a plan, up and down: struck there, resumed, and compared with a run that was not.

Item by item: the database as it is before an item is cloned for each point, struck, and taken on to the end of that
item. What is equal there goes on equally, so the whole plan need not be run for each point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from itertools import count

from console.engine import journey
from console.engine.plan import Item, Plan
from db.fingerprint import Fingerprint
from db.queries import runs
from db.session import Target
from tests.crash.faults import Way, points, struck
from tests.driving import drive, events, fingerprinted, look
from tests.servers import Server

NUMBERS = count(1)


@dataclass(frozen=True)
class State:
    """How a database and its journal stand. `ends` counts how often each item was said to have ended."""

    found: Fingerprint
    run: str
    steps: dict[str, str]
    rows: dict[str, int]
    ends: dict[str, int]

    @classmethod
    def of(cls, target: Target, run: int) -> State:
        row, found = look(target, run), fingerprinted(target)
        ends: dict[str, int] = {}
        for event in events(target, run):
            if event.kind in ("step done", "checkpoint passed", "step undone"):
                ends[f"{event.step} {event.kind}"] = ends.get(f"{event.step} {event.kind}", 0) + 1
        rows = {step.step: step.progress.get("rows", 0) for step in row.steps}
        return cls(found, row.state, {step.step: step.state for step in row.steps}, rows, ends)

    def differences(self, other: State, unstable: set[str]) -> list[str]:
        """What is not the same, but for the content of tables that no two runs leave the same (times, random ids)."""
        wrong = [f"objects: {name}" for name in self.found.objects.items() ^ other.found.objects.items()]
        for table in self.found.content.keys() | other.found.content.keys():
            one, two = (found.content.get(table, [0, ""]) for found in (self.found, other.found))
            if one[0] != two[0] or (table not in unstable and one != two):
                wrong.append(f"{table}: {one} is not {two}")
        for name in ("run", "steps", "rows", "ends"):
            if getattr(self, name) != getattr(other, name):
                wrong.append(f"{name}: {getattr(self, name)} is not {getattr(other, name)}")
        return wrong

    def unstable(self, other: State) -> set[str]:
        mine, theirs = self.found.content, other.found.content
        return {table for table in mine.keys() & theirs.keys() if mine[table] != theirs[table]}


@dataclass(frozen=True)
class Point:
    """One strike and what came of it; `wrong` is empty where all is as in the run that was not struck."""

    way: Way
    item: str
    number: int
    wrong: list[str]
    seconds: float


class Matrix:
    """`wanted` says which of the points, counted over the whole matrix, are tried."""

    def __init__(self, server: Server, plan: Plan, fault: str, wanted: Callable[[int], bool]) -> None:
        self.server, self.plan, self.fault, self.wanted = server, plan, fault, wanted
        self.total = 0

    def points(self, template: str) -> Iterator[Point]:
        """All the way up, then all the way down. `template` is the name of a prepared database without a run."""
        at, run = self._begun(template)
        for item in self.plan.items:
            at = yield from self._item(at, run, item, "forward")
        for item in reversed(self.plan.items):
            at = yield from self._item(at, run, item, "back")
        self.server.drop(at)

    def _begun(self, template: str) -> tuple[str, int]:
        name, target = self._clone(template)
        run = drive(target, lambda here: journey.begin(here, self.plan))
        target.close()
        return name, run

    def _item(self, before: str, run: int, item: Item, way: Way) -> Generator[Point, None, str]:
        """The points of one item; returns the name of the database as it is after the item."""
        after, calm, unstable, last = self._calm(before, run, way)
        for number in range(1, last + 1):
            self.total += 1
            if self.wanted(self.total):
                began = time.monotonic()
                name, target = self._clone(before)
                if struck(target, run, way, number, self.fault):
                    self._resume(target, run, item, way)
                    wrong = State.of(target, run).differences(calm, unstable)
                    yield Point(way, item.id, number, wrong, time.monotonic() - began)
                target.close()
                self.server.drop(name)
        self.server.drop(before)
        return after

    def _calm(self, before: str, run: int, way: Way) -> tuple[str, State, set[str], int]:
        """The item done twice without a fault: the database after it, its state, what differs, how many points."""
        states = []
        for _ in range(2):
            name, target = self._clone(before)
            last = points(target, run, way)
            states.append((name, State.of(target, run)))
            target.close()
        (name, state), (other, second) = states
        self.server.drop(other)
        return name, state, state.unstable(second), last

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
