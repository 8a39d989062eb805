"""python -m tests.crash: every plan of the repository struck at every point; prints points, failures and seconds.

--plan ID        one plan alone (small, captured, schema-unification)
--every N        each Nth point alone (1: all)
--boundaries     the journal's boundaries alone: before each BEGIN, and so after each COMMIT, and before each COMMIT
--fault NAME     kill (the default), cut, end session, stop
--random N       so many journeys with random kills, and a fifth as many stops of the server
--seed N         the seed of the first of them; printed either way
--version N      the server's version

At the end, kills inside the phases of an index build that waits, where a kill at a point never falls.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import get_args

from console.engine.plan import Plan
from tests.crash.faults import FAULTS, Kind
from tests.crash.matrix import Matrix
from tests.crash.moments import Calm, Struck, killed, server_stopped
from tests.crash.templates import TEMPLATES
from tests.servers import Server, serving

PHASES = "tests/engine/online/test_killed.py"


def main() -> int:
    words = argparse.ArgumentParser(
        prog="make crash", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    words.add_argument("--plan", choices=list(TEMPLATES), action="append")
    words.add_argument("--every", type=int, default=1)
    words.add_argument("--boundaries", action="store_true")
    words.add_argument("--fault", choices=list(FAULTS), default="kill")
    words.add_argument("--random", type=int, default=10)
    words.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    words.add_argument("--version", type=int, default=18, choices=(18, 16, 15))
    options = words.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="handrail-") as home, serving(options.version) as server:
        os.environ["HANDRAIL_HOME"] = home
        for name in options.plan or TEMPLATES:
            plan = TEMPLATES[name](server)
            kinds = ("begin", "commit") if options.boundaries else get_args(Kind)
            failures += points(server, name, plan, kinds, options.every, options.fault)
            failures += moments(server, name, plan, options.random, options.seed)
    failures += phases(options.version)
    print(f"{failures} failures")
    return 1 if failures else 0


def points(server: Server, name: str, plan: Plan, kinds: Sequence[str], every: int, fault: str) -> int:
    began, tried, failures = time.monotonic(), 0, 0
    matrix = Matrix(server, plan, lambda spot: fault if spot.kind in kinds and spot.number % every == 0 else None)
    for point in matrix.points(name):
        tried += 1
        if point.wrong:
            failures += 1
            print(f"  {point}", flush=True)
    print(
        f"{name}: {fault} at {tried} of {matrix.total} points, {failures} failures, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return failures + (tried == 0)


def moments(server: Server, name: str, plan: Plan, number: int, seed: int) -> int:
    failures = 0
    for struck in _struck(server, name, plan, number, seed):
        failures += bool(struck.wrong)
        said = "; ".join(struck.wrong) or "as a run that was not struck"
        print(f"{name}: seed {struck.seed}, {struck.strikes} strikes, {struck.seconds:.1f} s: {said}", flush=True)
    return failures


def _struck(server: Server, name: str, plan: Plan, number: int, seed: int) -> Iterator[Struck]:
    if not number:
        return
    calm = Calm.of(server, name, plan)
    for one in range(number):
        yield killed(server, name, plan, calm, seed + one)
    for one in range(-(-number // 5)):
        yield server_stopped(server, name, plan, calm, seed + one)


def phases(version: int) -> int:
    """The tests that say it, on this version; 1 where they do not pass."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        PHASES,
        "-k",
        f"postgres{version}",
        "-q",
        "-n0",
        "-p",
        "no:cacheprovider",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = said.stdout.strip().splitlines() or [said.stderr.strip()]
    if said.returncode:
        print(said.stdout)
    print(f"an index build that waits: {lines[-1].strip('= ')}")
    return 1 if said.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
