"""n of the last m samples fire; a flapping metric, a blip and a cool-down do not (FM-H10). Series of samples, simulated."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from console.engine.triggers.declared import Sample
from console.engine.triggers.series import Series

GOOD, OVER, NONE = Sample(1.0, False), Sample(9.0, True), Sample(None, False)


def fires(series: Series, said: str) -> list[int]:
    """At which of the samples it fires, one a second: x is over, . is not, - is none."""
    samples: Iterable[Sample] = ({"x": OVER, ".": GOOD, "-": NONE}[one] for one in said)
    return [at for at, sample in enumerate(samples) if series.add(float(at), sample)]


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("..x......x....x", []),
        ("xx...xx...xx...", []),
        ("xx.x", [3]),
        ("xxx", [2]),
        ("x.x.x", [4]),
        ("x..x.x", []),
        ("xx----x", [6]),
        ("xx-----", []),
        (".....", []),
    ],
)
def test_three_of_five(said: str, at: list[int]) -> None:
    assert fires(Series((3, 5), 0.0), said) == at


@pytest.mark.parametrize(("over", "at"), [((1, 1), [2]), ((5, 5), []), ((2, 2), []), ((2, 3), [4])])
def test_the_plan_says_how_many_of_how_many(over: tuple[int, int], at: list[int]) -> None:
    assert fires(Series(over, 100.0), "..x.x...x") == at


def test_it_is_disarmed_for_its_cool_down_and_then_counts_anew() -> None:
    assert fires(Series((2, 3), 5.0), "xxxxxxxxx") == [1, 7]


def test_what_was_over_before_the_cool_down_ended_does_not_count() -> None:
    assert fires(Series((2, 3), 30.0, cool=4.0), "xxxx.x.x") == [7]


def test_what_was_agreed_to_is_armed_once_it_has_been_under_its_limit() -> None:
    series = Series((2, 3), 30.0, held=True)
    assert fires(series, "xxxxxxxx") == []
    assert not series.armed
    assert fires(series, "-xx.xx") == [5]


def test_another_step_is_measured_anew() -> None:
    """Two samples of a slow step say nothing about the next one."""
    series = Series((3, 5), 0.0)
    said = [*[Sample(9.0, True, of="first")] * 2, *[Sample(9.0, True, of="second")] * 2]
    assert [series.add(at, one) for at, one in enumerate(said)] == [False] * 4
    assert list(series.values) == [9.0, 9.0]


def test_no_more_samples_are_kept_than_are_shown() -> None:
    series = Series((3, 5), 0.0)
    for at in range(1000):
        series.add(at, GOOD)
    assert len(series.values) == 24
