"""One measured figure beside its peer's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """Milliseconds of ours and of the peer, medians; `goal` is the largest ratio that we want."""

    name: str
    ours: float
    peer_name: str
    peer: float
    goal: float

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    def line(self) -> str:
        verdict = "within" if self.ratio <= self.goal else "OVER"
        return (
            f"{self.name:<34} {self.ours:>9.1f} ms   {self.peer_name:<34} {self.peer:>9.1f} ms   "
            f"ratio {self.ratio:5.2f}   {verdict} {self.goal:g}"
        )

    def document(self) -> dict[str, float | str]:
        return {"ms": self.ours, "peer": self.peer_name, "peer_ms": self.peer, "ratio": self.ratio, "goal": self.goal}


def median_ms(do: Callable[[], object], times: int = 5, prepare: Callable[[], object] = lambda: None) -> float:
    """The median of several tries; `prepare` is run before each and not timed."""
    taken = []
    for _ in range(times):
        prepare()
        began = time.perf_counter()
        do()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
