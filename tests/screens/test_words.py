"""Times, numbers and paces as people read them."""

from __future__ import annotations

import pytest

from console.widgets.pace import Pace
from db import wording


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, ""), (0.03, "30 ms"), (0.99, "1.0 s"), (3.2, "3.2 s"), (9.97, "10 s"), (59.6, "1:00"), (65, "1:05"),
     (7210, "2:00:10")],
)  # fmt: skip
def test_took(seconds: float | None, told: str) -> None:
    assert wording.took(seconds) == told


@pytest.mark.parametrize(
    ("low", "high", "told"), [(9, 11, "9 to 11 s"), (9, 9.2, "9 s"), (50, 70, "50 s to 1:10"), (70, 80, "1:10 to 1:20")]
)
def test_between(low: float, high: float, told: str) -> None:
    assert wording.between(low, high) == told


def test_numbers_are_grouped() -> None:
    assert wording.counted(1, "row") == "1 row"
    assert wording.counted(412_000, "row") == "412 000 rows"


def test_pace_tells_a_range_from_what_it_saw() -> None:
    pace = Pace()
    for second, rows in enumerate([0, 100, 200, 300, 500, 700, 900]):
        pace.see(float(second), rows)
    assert pace.rate() == pytest.approx(150)
    soonest, latest = pace.ends_in(1000) or (0, 0)
    assert soonest == pytest.approx(5)
    assert latest == pytest.approx(10)


def test_pace_says_nothing_before_it_knows() -> None:
    pace = Pace()
    assert pace.rate() is None
    pace.see(0, 100)
    assert pace.rate() is None
    assert pace.ends_in(10) is None


def test_pace_forgets_another_step() -> None:
    pace = Pace()
    for second in range(5):
        pace.see(float(second), 1000 * second)
    pace.see(5.0, 10)
    assert pace.rate() is None
