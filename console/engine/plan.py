"""A plan: a TOML file that says step by step how a target is changed, measured and taken back.

Read once and frozen: `text` and `sources` (the files and revisions that it names) are what a run keeps and executes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from pydantic import Field

from console.engine import locks
from console.engine.captures.declared import Capture
from console.engine.checks import AnyCheck
from console.engine.decisions import Decision
from console.engine.errors import UnknownStep
from console.engine.gates import Gate
from console.engine.steps import AnyStep, Step
from console.engine.steps.common import Id, Strict, Title
from console.engine.triggers import AnyTrigger


class Checkpoint(Strict):
    id: Id
    title: Title
    gate: Gate | None = None
    check: list[AnyCheck] = Field(min_length=1)


class Phase(Strict):
    title: Title
    step: list[AnyStep] = Field(default_factory=list)
    checkpoint: Checkpoint | None = None


class Kept(Strict):
    """What others wrote since step `since` was done, counted; and by which rule a rollback keeps it."""

    id: Id
    title: Title
    since: Id
    count: str
    rule: Literal["carried back", "set aside"]


class Written(Strict):
    """The file, key by key."""

    format: Literal[1]
    id: Id
    target: Id
    title: Title
    about: str = ""
    extensions: list[str] = Field(default_factory=list)
    decision: list[Decision] = Field(default_factory=list)
    phase: list[Phase] = Field(min_length=1)
    kept: list[Kept] = Field(default_factory=list)
    trigger: list[AnyTrigger] = Field(default_factory=list)
    capture: list[Capture] = Field(default_factory=list)


@dataclass(frozen=True)
class Item:
    """A step or a checkpoint, and where it stands; positions count from 1."""

    position: int
    phase: str
    what: Step | Checkpoint

    @property
    def id(self) -> str:
        return self.what.id

    @property
    def kind(self) -> str:
        return "checkpoint" if isinstance(self.what, Checkpoint) else str(self.what.kind)  # type: ignore[attr-defined]

    @property
    def estimate(self) -> float | None:
        """Seconds."""
        return None if isinstance(self.what, Checkpoint) else self.what.estimate


@dataclass(frozen=True)
class Plan:
    """`sources` maps each file and revision that the plan names to its text."""

    written: Written
    text: str
    sources: Mapping[str, str]

    @property
    def id(self) -> str:
        return self.written.id

    @property
    def title(self) -> str:
        return self.written.title

    @property
    def target(self) -> str:
        return self.written.target

    @cached_property
    def items(self) -> list[Item]:
        """Steps and checkpoints in the order in which they are run."""
        ordered: list[tuple[str, Step | Checkpoint]] = []
        for phase in self.written.phase:
            ordered += [(phase.title, step) for step in phase.step]
            ordered += [(phase.title, phase.checkpoint)] if phase.checkpoint else []
        return [Item(position, title, what) for position, (title, what) in enumerate(ordered, 1)]

    def item(self, id: str) -> Item:
        for item in self.items:
            if item.id == id:
                return item
        known = ", ".join(item.id for item in self.items)
        raise UnknownStep(f"Plan {self.id} has no step or checkpoint {id!r}.", f"It has: {known}")

    def decided_before(self, decision: Decision) -> int:
        """The position after which everything waits for the answers."""
        return self.item(decision.before).position - 1 if decision.before else 0

    def captures(self, item: Item, *, back: bool = False) -> list[Capture]:
        """Those that begin with an item; with `back` all that have begun where its undo works."""
        if not back:
            return [one for one in self.written.capture if one.since == item.id]
        return [one for one in self.written.capture if self.item(one.since).position <= item.position]

    def script(self, item: Item, *, back: bool = False) -> str:
        """What an item sends to the server, for people to read; above it, the locks for which others wait."""
        if isinstance(item.what, Checkpoint):
            return "\n\n".join(f"-- {check.title}\n{check.query()}" for check in item.what.check)
        script = item.what.script(self.target, self.sources, back=back)
        return locks.told(script) + script

    @cached_property
    def digest(self) -> str:
        """Of everything that runs: the plan's text and its sources, in a fixed order (I-5)."""
        whole = json.dumps([self.text, sorted(self.sources.items())], ensure_ascii=False)
        return hashlib.sha256(whole.encode()).hexdigest()
