"""How fast rows go by, and when they will be through: measured on what this screen saw, a range and not a promise."""

from __future__ import annotations

from collections import deque

WINDOW = 15.0
LEAST = 1.5


class Pace:
    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, at: float, rows: int) -> None:
        """`at` is a monotonic clock in seconds. Rows that went down are another step's, or the way back."""
        if self._seen and rows < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((at, rows))
        while at - self._seen[0][0] > WINDOW:
            self._seen.popleft()

    def rate(self) -> float | None:
        """Rows a second; None while too little was seen."""
        return _rate(list(self._seen))

    def ends_in(self, left: int) -> tuple[float, float] | None:
        """Seconds, from and to: the faster and the slower half of what was seen."""
        seen = list(self._seen)
        halves = [_rate(part) for part in (seen, seen[: len(seen) // 2 + 1], seen[len(seen) // 2 :])]
        rates = [rate for rate in halves if rate]
        return (left / max(rates), left / min(rates)) if rates else None


def _rate(seen: list[tuple[float, int]]) -> float | None:
    if len(seen) < 2 or seen[-1][0] - seen[0][0] < LEAST / 2:
        return None
    return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])
