"""The gauges of a run's triggers in words: the same on the run screen, in `handrail status` and in a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from console.engine.triggers.declared import Sampled, Trigger
from db.models import Gauge

BLOCKS = "▁▂▃▄▅▆▇"
ABOVE = "█"
SHOWN = 12  # samples


@dataclass(frozen=True)
class Reading:
    """One sampled trigger as it stands; `gauge` is None before its first sample."""

    trigger: Sampled
    gauge: Gauge | None
    going: bool

    @property
    def value(self) -> str:
        if self.gauge is None or self.gauge.value is None:
            return "-"
        return self.trigger.told(self.gauge.value)

    @property
    def limit(self) -> str:
        return self.trigger.told(self.trigger.limit)

    @property
    def state(self) -> str:
        """armed, cooling; at rest while nothing of the run goes forward"""
        if not self.going:
            return "at rest"
        return "armed" if self.gauge is None or self.gauge.armed else "cooling"

    @property
    def over(self) -> int:
        return self.gauge.over if self.gauge is not None else 0

    @property
    def hot(self) -> bool:
        """Whether its newest sample was over the limit."""
        if self.gauge is None:
            return False
        failed = self.gauge.value is None and self.over > 0
        return failed or (self.gauge.value is not None and self.gauge.value > self.trigger.limit)

    @property
    def near(self) -> float:
        """How near it is to firing: the share of its samples that are over, then the share of the limit."""
        value = self.gauge.value if self.gauge is not None and self.gauge.value is not None else 0.0
        return self.over / self.trigger.over[0] + min(value / self.trigger.limit if self.trigger.limit else value, 99.0)

    @property
    def spark(self) -> str:
        """The last samples; a full block is over the limit."""
        return sparkline(self.gauge.samples[-SHOWN:] if self.gauge is not None else [], self.trigger.limit)

    @property
    def told(self) -> str:
        over = f"{self.over} of {self.trigger.over[1]} over" if self.over else ""
        said = self.gauge.said if self.gauge is not None else "not looked at yet"
        return "   ".join(words for words in (over, said) if words)

    def line(self, width: int = 0) -> str:
        """lag   3.2 s of at most 5 s   armed   ▁▁▂▃   1 replica"""
        parts = (self.trigger.id.ljust(width), f"{self.value} of at most {self.limit}".ljust(24), self.state.ljust(7),
                 self.spark.ljust(SHOWN), self.told)  # fmt: skip
        return "  ".join(parts).rstrip()

    def document(self) -> dict[str, Any]:
        trigger, gauge = self.trigger, self.gauge
        needed, of = trigger.over
        return {"trigger": trigger.id, "kind": trigger.kind, "do": trigger.do,  # type: ignore[attr-defined]
                "state": self.state, "value": gauge.value if gauge else None, "at_most": trigger.limit,
                "samples": gauge.samples if gauge else [], "over": self.over, "needed": needed, "of": of,
                "said": gauge.said if gauge else "", "at": gauge.at.isoformat() if gauge else None}  # fmt: skip


def readings(triggers: Iterable[Trigger], gauges: Iterable[Gauge], *, going: bool) -> list[Reading]:
    """In the plan's order."""
    kept = {gauge.trigger: gauge for gauge in gauges}
    return [Reading(one, kept.get(one.id), going) for one in triggers if isinstance(one, Sampled)]


def nearest(found: Sequence[Reading], shown: int) -> list[Reading]:
    """So many that are nearest to firing, in the plan's order."""
    chosen = sorted(found, key=lambda one: -one.near)[:shown]
    return [one for one in found if one in chosen]


def sparkline(values: Sequence[float], limit: float) -> str:
    def block(value: float) -> str:
        if value > limit:
            return ABOVE
        share = value / limit if limit > 0 else 0.0
        return BLOCKS[round(max(0.0, min(share, 1.0)) * (len(BLOCKS) - 1))]

    return "".join(block(value) for value in values)


def would_roll_back(found: Sequence[Reading]) -> str | None:
    """no, or which trigger would; None where none of them rolls back."""
    back = [one for one in found if one.trigger.do == "roll back"]
    over = [one.trigger.id for one in back if one.over >= one.trigger.over[0]]
    return (f"yes: {', '.join(over)}" if over else "no") if back else None
