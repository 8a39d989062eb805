"""Struck at a random moment: inside a statement, between two, while a batch is on its way. The seed says which."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from console.engine import executor, journey
from console.engine.plan import Plan
from db import postgres
from db.postmaster import postmaster
from db.session import Target
from tests.crash.faults import PROCESSES, Way
from tests.crash.matrix import State
from tests.driving import begun, drive, fingerprinted, look
from tests.servers import Server, pid, wait_until

STRIKES = 40


@dataclass(frozen=True)
class Struck:
    """A run that was struck `strikes` times on its way; `wrong` is empty where it ended as if it had not been."""

    seed: int
    strikes: int
    wrong: list[str]
    seconds: float


@dataclass(frozen=True)
class Calm:
    """How a run ends that nobody strikes, and what of it no two runs leave the same."""

    state: State
    unstable: set[str]

    @classmethod
    def of(cls, server: Server, template: str, plan: Plan) -> Calm:
        state, again = (_done(server, template, plan) for _ in range(2))
        return cls(state, state.unstable(again))

    def differences(self, target: Target, run: int) -> list[str]:
        return self.state.differences(State.of(target, run), self.unstable)


def killed(server: Server, template: str, plan: Plan, calm: Calm, seed: int) -> Struck:
    """Up and down, killed after a random time again and again, and at last let through."""
    chance, began = random.Random(seed), time.monotonic()
    target = Target(server.create(f"killed_{seed}", template))
    before = fingerprinted(target)
    run = begun(target, plan)
    strikes = _until("done", target, run, "forward", chance)
    wrong = calm.differences(target, run)
    strikes += _until("rolled back", target, run, "back", chance)
    if fingerprinted(target) != before:
        wrong.append("rolled back, it is not as before")
    target.close()
    server.drop(f"killed_{seed}")
    return Struck(seed, strikes, wrong, time.monotonic() - began)


def server_stopped(server: Server, template: str, plan: Plan, calm: Calm, seed: int) -> Struck:
    """The whole server is stopped at once at a random moment and started again; the console comes back by itself, or a
    person resumes (FM-B1)."""
    chance, began = random.Random(seed), time.monotonic()
    target = Target(server.create(f"stopped_{seed}", template))
    run = begun(target, plan)
    process = PROCESSES.Process(target=go, args=(target.url, run, "forward"))
    process.start()
    process.join(chance.uniform(0.05, 1.0))
    met = process.is_alive()
    target.close()
    stop_at_once(server)
    postgres.start(server.version, server.embedded.pgdata.parent)
    process.join(90)
    if look(target, run).state != "done":
        drive(target, lambda here: journey.resume(here, run, said=True))
    wrong = calm.differences(target, run)
    target.close()
    server.drop(f"stopped_{seed}")
    return Struck(seed, int(met), wrong, time.monotonic() - began)


def stop_at_once(server: Server) -> None:
    """As pg_ctl stop -m immediate: no checkpoint, recovery at the next start."""
    psutil.Process(pid(server.embedded)).send_signal(signal.SIGQUIT)
    wait_until(lambda: postmaster(server.embedded.pgdata) is None)


def go(url: str, run: int, way: Way) -> None:
    """The console's process."""
    target = Target(url)
    with executor.at(target) as here:
        _onward(way, run)(here)


def _onward(way: Way, run: int) -> Callable[[executor.Executor], None]:
    if way == "forward":
        return lambda here: journey.forward(here, run, said=True)
    return lambda here: journey.back(here, run)


def _done(server: Server, template: str, plan: Plan) -> State:
    target = Target(server.create("calm", template))
    run = begun(target, plan)
    drive(target, _onward("forward", run))
    state = State.of(target, run)
    target.close()
    server.drop("calm")
    return state


def _until(goal: str, target: Target, run: int, way: Way, chance: random.Random) -> int:
    """Goes that way with a console that is killed, and another, until the goal is reached; how many were killed."""
    for strikes in range(STRIKES):
        process = PROCESSES.Process(target=go, args=(target.url, run, way))
        process.start()
        process.join(chance.uniform(0.05, 0.6))
        process.kill()
        process.join()
        if look(target, run).state == goal:
            return strikes
    drive(target, _onward(way, run))
    return STRIKES
