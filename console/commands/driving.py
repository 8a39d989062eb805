"""Driving an executor from a command: in a thread, so that a signal can cancel the statement and still be honest.

The main thread waits. Ctrl-C, SIGTERM and a closed terminal cancel what runs, again until the executor has come to
rest and journalled where it stopped; only then does the command end, with 130.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from console.commands.telling import say
from console.engine.executor import Executor, Tell, TellProgress, at
from db.session import Target

T = TypeVar("T")
AGAIN_SECONDS = 0.5


def driven(target: Target, do: Callable[[Executor], T], tell: Tell, tell_progress: TellProgress) -> T:
    """The answer of `do`, or its error; raises KeyboardInterrupt after a stop that came too late to matter."""
    outcome: dict[str, Any] = {}
    here: list[Executor] = []
    ended = threading.Event()

    def work() -> None:
        try:
            with at(target, tell, tell_progress) as executor:
                here.append(executor)
                outcome["answer"] = do(executor)
        except BaseException as error:  # carried over to the main thread, which raises it
            outcome["error"] = error
        finally:
            ended.set()

    with _signals_interrupt():
        threading.Thread(target=work, name="executor").start()
        _wait(ended, here)
    if "error" in outcome:
        raise outcome["error"]
    answer: T = outcome["answer"]
    return answer


def _wait(ended: threading.Event, here: list[Executor]) -> None:
    """Until the work has ended. Not by Thread.join(): interrupted, it takes a running thread for a stopped one."""
    stopping = False
    while not ended.is_set():
        try:
            ended.wait(AGAIN_SECONDS)
        except KeyboardInterrupt:
            if not stopping:
                say("Stopping: the statement is cancelled, the journal written ...")
            stopping = True
        if stopping and here and not ended.is_set():
            here[0].cancel()


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP arrive like Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
