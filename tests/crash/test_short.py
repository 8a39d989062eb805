"""The short form of `make crash`: a console struck at a spread of its points goes on as if it had not been (FM-A1).

The seed decides where; HANDRAIL_SEED gives it again.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable

import pytest

from console.engine.plan import Plan
from tests.crash import templates
from tests.crash.faults import Kind, Way
from tests.crash.matrix import Matrix, Spot
from tests.crash.moments import Calm, Struck, killed, server_stopped
from tests.driving import tiny
from tests.servers import Server, serving

KILL, OTHERS = 60, 400  # one point in so many
SEEDS = 5
SQL = """id = "one"
kind = "sql"
sql = "UPDATE person SET n = n + 1"
undo = "UPDATE person SET n = n - 1"
"""
FILL = """id = "one"
kind = "backfill"
table = "person"
key = "id"
set = "n = r.n + 10"
where = "r.n < 10"
undo = "UPDATE person SET n = n - 10"
"""

pytestmark = pytest.mark.newest


@pytest.fixture(scope="session")
def seed() -> int:
    return int(os.environ.get("HANDRAIL_SEED") or random.SystemRandom().randrange(1_000_000))


def spread(seed: int) -> Callable[[Spot], str | None]:
    """Mostly kills, now and then another fault."""
    chance = random.Random(seed)
    offset = chance.randrange(KILL)
    others = dict(zip(chance.sample(range(OTHERS), 3), ("cut", "end session", "stop"), strict=True))

    def fault(spot: Spot) -> str | None:
        if other := others.get(spot.number % OTHERS):
            return other
        return "kill" if spot.number % KILL == offset else None

    return fault


@pytest.mark.parametrize(("way", "least"), [("forward", 12), ("back", 10)])
def test_points(server: Server, people: str, small: Plan, seed: int, way: Way, least: int) -> None:
    """FM-A1, FM-A2, FM-A8, FM-A9, FM-B1, FM-H8: no work without its word in the journal, no word without its work."""
    matrix = Matrix(server, small, spread(seed))
    met = list(matrix.points(people, (way,)))
    wrong = "\n".join(str(point) for point in met if point.wrong)
    assert not wrong, f"HANDRAIL_SEED={seed}\n{wrong}"
    assert len(met) >= least, f"HANDRAIL_SEED={seed}: {len(met)} of {matrix.total} points"
    assert {point.fault for point in met} == {"kill", "cut", "end session", "stop"}


@pytest.mark.parametrize(
    ("step", "kinds", "least"), [(SQL, ("begin", "commit"), 24), (FILL, ("begin",), 20)], ids=["sql", "backfill"]
)
def test_each_transaction(server: Server, people: str, step: str, kinds: tuple[Kind, ...], least: int) -> None:
    """FM-A2, FM-B7: where two that should be one were apart, one of these kills falls between; none is left out."""
    matrix = Matrix(server, tiny(step), lambda spot: "kill" if spot.kind in kinds else None)
    met = list(matrix.points(people, ("forward",)))
    assert not [str(point) for point in met if point.wrong]
    assert len(met) >= least


def test_random_moments(server: Server, people: str, small: Plan, seed: int) -> None:
    """FM-A1: inside a statement, or between two."""
    calm = Calm.of(server, people, small)
    require_sound(lambda one: killed(server, people, small, calm, one), seed)


def test_a_server_that_stops_at_once(small: Plan, seed: int) -> None:
    """FM-B1: the console comes back, or a person resumes."""
    with serving(18) as own:
        templates.people(own, "people")
        calm = Calm.of(own, "people", small)
        require_sound(lambda one: server_stopped(own, "people", small, calm, one), seed)


def require_sound(strike: Callable[[int], Struck], seed: int) -> None:
    """Strikes until something was struck: a run may have been over before."""
    for one in range(seed, seed + SEEDS):
        struck = strike(one)
        assert not struck.wrong, f"HANDRAIL_SEED={one}\n{struck.wrong}"
        if struck.strikes:
            return
    raise AssertionError(f"HANDRAIL_SEED={seed}: nothing was struck")
