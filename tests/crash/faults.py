"""What goes wrong in a console, at a numbered point: it is killed, or its session is ended under it.

Points are counted by SQLAlchemy's own events, the engine knows nothing of them: a transaction is about to begin (so the
one before has been committed), a statement has been executed, a COMMIT is about to be sent.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
from collections.abc import Callable
from typing import Any, Literal, get_args

import psycopg
from sqlalchemy import Engine, event

from console.engine import executor, journey
from db.errors import HandrailError
from db.session import Target

Way = Literal["forward", "back"]
Kind = Literal["begin", "after_cursor_execute", "commit"]
ENDED, MET = 0, 3

# A server that has imported the engine once and forks: a console every few milliseconds, not every second.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload([__name__])


def points(target: Target, run: int, way: Way) -> list[Kind]:
    """Goes one item in a console of its own, unharmed; the points that it passed."""
    told = PROCESSES.SimpleQueue()
    process = PROCESSES.Process(target=count_all, args=(target.url, run, way, told))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    passed: list[Kind] = told.get()
    return passed


def struck(target: Target, run: int, way: Way, point: int, fault: str = "kill") -> bool:
    """Goes one item in a console of its own that meets `fault` at `point`; False where it ended before that."""
    process = PROCESSES.Process(target=meet, args=(target.url, run, way, point, fault))
    process.start()
    process.join(60)
    assert process.exitcode in (ENDED, MET, -signal.SIGKILL), f"point {point}: exit {process.exitcode}"
    return process.exitcode != ENDED


def count_all(url: str, run: int, way: Way, told: Any) -> None:
    passed: list[Kind] = []
    on_each_point(passed.append)
    with executor.at(Target(url)) as here:
        one(here, run, way)
    told.put(passed)


def meet(url: str, run: int, way: Way, point: int, fault: str) -> None:
    """The process: exits with ENDED or MET, or is killed."""
    left, met = [point], []
    there: list[executor.Executor] = []
    target = Target(url)

    def reached(_kind: Kind) -> None:
        left[0] -= 1
        if left[0] == 0 and there:
            met.append(fault)
            FAULTS[fault](target, there[0])
        elif left[0] == 0:  # before there is an executor: only a kill can strike it
            os.kill(os.getpid(), signal.SIGKILL)

    on_each_point(reached)
    try:
        with executor.at(target) as here:
            there.append(here)
            one(here, run, way)
    except HandrailError:
        if not met:
            raise
    os._exit(MET if met else ENDED)


def one(here: executor.Executor, run: int, way: Way) -> None:
    if way == "forward":
        journey.forward(here, run, "one", said=True)
    else:
        journey.back(here, run, one=True)


def on_each_point(do: Callable[[Kind], None]) -> None:
    for kind in get_args(Kind):
        event.listen(Engine, kind, _telling(do, kind))


def _telling(do: Callable[[Kind], None], kind: Kind) -> Callable[..., None]:
    return lambda *_: do(kind)


def kill(_target: Target, _here: executor.Executor) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_session(target: Target, here: executor.Executor) -> None:
    """Somebody terminates the backend, as an administrator would."""
    with psycopg.connect(target.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (here.hold.pid,))


def cut(_target: Target, here: executor.Executor) -> None:
    """The network goes: the socket is closed under the driver, and nobody says goodbye."""
    with socket.socket(fileno=os.dup(here.hold.driver.fileno())) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def stop(_target: Target, here: executor.Executor) -> None:
    """A person stops it."""
    here.cancel()


FAULTS: dict[str, Callable[[Target, executor.Executor], None]] = {
    "kill": kill, "end session": end_session, "cut": cut, "stop": stop,
}  # fmt: skip
