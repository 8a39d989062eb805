"""A trigger as a plan declares it: what it looks at, its limit, and what happens when it fires."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from console.engine.errors import PlanError
from console.engine.keys import Estimate, Id, Strict
from console.engine.triggers.second import Second
from db import wording
from db.session import Target

SAMPLES = re.compile(r"(\d{1,2}) of (\d{1,2})")
SHORTEST = 0.05


@dataclass(frozen=True)
class Looking:
    """What a trigger looks with. `ended` is set once nobody wants an answer any more."""

    target: Target
    second: Second
    run: int
    ended: threading.Event


@dataclass(frozen=True)
class Sample:
    """One look. `value` is None where there was none to be had, `said` says why; `of` is the step that it is about."""

    value: float | None
    over: bool
    said: str = ""
    of: str = ""

    @property
    def counts(self) -> bool:
        return self.over or self.value is not None


def samples(written: Any) -> Any:
    """3 of 5 -> (3, 5)"""
    found = SAMPLES.fullmatch(written) if isinstance(written, str) else None
    if not found or not 1 <= int(found[1]) <= int(found[2]) <= 60:
        raise ValueError('write how many of the last samples, such as "3 of 5", of 60 at most')
    return int(found[1]), int(found[2])


Over = Annotated[tuple[int, int], BeforeValidator(samples)]
Positive = Annotated[float, Field(gt=0)]


class Trigger(Strict, ABC):
    id: Id

    @property
    @abstractmethod
    def watches(self) -> str:
        """What it looks for, in a clause."""

    @property
    def effect(self) -> str:
        """What it does when it fires."""
        return "is said loudly"

    @property
    def declared(self) -> str:
        """All of it in a line, before it is armed."""
        return f"{self.id}: {self.watches}: {self.effect}"

    def require(self, checks: Collection[str]) -> None:
        """Raises PlanError where it cannot be right; `checks` are the ids of the plan's checks."""


class Acting(Trigger, ABC):
    """One that stops a run. With `do` "roll back" the run is then taken back: after a person agreed, where it asks."""

    do: Literal["stop", "roll back"] = "stop"
    ask: bool = True

    def require(self, checks: Collection[str]) -> None:
        if self.do == "stop" and not self.ask:
            raise PlanError("ask: a trigger that only stops has nothing to ask.", 'Write do = "roll back", or no ask.')

    @property
    def rolls_back_alone(self) -> bool:
        return self.do == "roll back" and not self.ask

    @property
    def effect(self) -> str:
        if self.rolls_back_alone:
            return "stops the run and rolls it back"
        return "stops the run and asks whether to roll back" if self.do == "roll back" else "stops the run"


class Sampled(Acting, ABC):
    """One that looks every so often and fires when `over` = n of m samples were over its limit.

    `cool_down` is how long it is disarmed after the run that it stopped goes on. `stays`: what it measures does not get
    better while a run rests, so that it is not looked at before it goes on.
    """

    stays: ClassVar[bool] = False

    over: Over = (3, 5)
    every: Annotated[Estimate, Field(ge=SHORTEST)] = 1.0
    cool_down: Estimate = 30.0

    @property
    def declared(self) -> str:
        needed, of = self.over
        return f"{super().declared}; {needed} of {of} samples, {wording.took(self.every)} apart"

    @property
    @abstractmethod
    def limit(self) -> float:
        """The highest value that is not over."""

    @abstractmethod
    def sample(self, looking: Looking) -> Sample:
        """How it stands now. Raises psycopg.Error or HandrailError where the target cannot be asked."""

    def told(self, value: float) -> str:
        """A value of its kind, in words."""
        return f"{value:,.10g}".replace(",", " ")

    def sampled(self, value: float, said: str = "", of: str = "") -> Sample:
        return Sample(value, value > self.limit, said, of)


class InSeconds(Sampled, ABC):
    at_most: Positive

    @property
    def limit(self) -> float:
        return self.at_most

    def told(self, value: float) -> str:
        return "0 s" if value <= 0 else wording.took(value)


class Check(Acting):
    """A checkpoint has a check that failed: one of those named, or any."""

    kind: Literal["check"]
    checks: list[Id] = Field(default_factory=list)

    @property
    def watches(self) -> str:
        return f"a check fails, of {', '.join(self.checks)}" if self.checks else "a check fails"

    def require(self, checks: Collection[str]) -> None:
        super().require(checks)
        for check in self.checks:
            if check not in checks:
                raise PlanError(f"checks: there is no check {check!r}.", f"There are: {', '.join(sorted(checks))}")


class Restore(Trigger):
    """An incident that stays open longer than `within` seconds is overdue (A-39)."""

    kind: Literal["restore"]
    within: Annotated[Estimate, Field(gt=0)] = 3600.0

    @property
    def watches(self) -> str:
        return f"an incident stays open for over {wording.period(self.within)}"
