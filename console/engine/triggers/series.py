"""The last samples of a trigger: n of m over the limit fire, and a blip does not (FM-H10)."""

from __future__ import annotations

from collections import deque

from console.engine.triggers.declared import Sample

KEPT = 24  # samples for the eye


class Series:
    """Times are of a monotonic clock, in seconds. Samples count from `cool` on.

    One that is `held` was agreed to be over: its samples count once it has been under its limit.
    """

    def __init__(
        self, over: tuple[int, int], cool_down: float, cool: float = float("-inf"), *, held: bool = False
    ) -> None:
        self.needed, of = over
        self.values: deque[float] = deque(maxlen=max(KEPT, of))
        self.armed = False
        self._counted: deque[bool] = deque(maxlen=of)
        self._cool_down, self._cool, self._held = cool_down, cool, held
        self._about = ""

    @property
    def over(self) -> int:
        """How many of the samples that count were over."""
        return sum(self._counted)

    def add(self, at: float, sample: Sample) -> bool:
        """Whether this sample makes it fire."""
        if sample.of != self._about:
            self._about = sample.of
            self._counted.clear()
            self.values.clear()
        if sample.value is not None:
            self.values.append(sample.value)
        self._held = self._held and (sample.over or not sample.counts)
        self.armed = at >= self._cool and not self._held
        if not self.armed:
            self._counted.clear()
        if not self.armed or not sample.counts:
            return False
        self._counted.append(sample.over)
        if not sample.over or self.over < self.needed:
            return False
        self._cool = at + self._cool_down
        return True
