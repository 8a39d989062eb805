"""Driving an executor from a command: in a thread, so that a signal can cancel the statement and still be honest.

The main thread waits. Ctrl-C, SIGTERM and a closed terminal are only noted when they arrive, so that none of them, nor
a second one, tears anything in two. Then what runs is cancelled, again until the executor has come to rest and
journalled where it stopped; only then does the command end, with 130. An executor that cannot come to rest because it
has no connection yet, or none any more, is left behind: nothing that it does is half done, as after kill -9.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from console.commands.telling import say
from console.engine.errors import StepStopped
from console.engine.executor import Executor, Tell, TellProgress, at
from console.settings import Settings
from db.errors import ConnectionFailed, StatementCancelled
from db.models import Event
from db.queries.activity import Driver
from db.session import Target

T = TypeVar("T")
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 0.5
LEFT_BEHIND_SECONDS = 0.8


class CutShort(ConnectionFailed):
    """A signal came while no connection held the target: there is nobody to ask where the run stands."""

    exit_code = 130


class Drive:
    """One executor at work in a thread. `signals` are those that came; `here` is the executor once it holds the target.

    The thread notes `here` before it reads `signals`, the main thread the other way round: one of the two sees both.
    """

    def __init__(self, tell: Tell) -> None:
        self.signals: list[int] = []
        self.here: Executor | None = None
        self.outcome: dict[str, Any] = {}
        self.ended = threading.Event()
        self._tell = tell
        self._adrift = False

    def work(
        self, target: Target, do: Callable[[Executor], Any], tell_progress: TellProgress, over: Driver | None
    ) -> None:
        try:
            with at(target, self._heard, tell_progress, over) as executor:
                executor.notify = Settings().notify()
                self.here = executor
                if not self.signals:
                    self.outcome["answer"] = do(executor)
        except BaseException as error:  # carried over to the main thread, which raises it
            self.outcome["error"] = error
        finally:
            self.ended.set()

    def wait(self) -> None:
        """Until the work has ended. Raises CutShort where it cannot. Not by Thread.join(), which no signal ends."""
        began = cancelled = 0.0
        while not self.ended.wait(LOOK_SECONDS):
            if not self.signals:
                continue
            now = time.monotonic()
            if not began:
                began = now
                say("Stopping: the statement is cancelled, the journal written ...")
            if self.here is not None and now - cancelled >= AGAIN_SECONDS:
                self.here.cancel()
                cancelled = time.monotonic()
            if (self.here is None or self._adrift) and now - began > LEFT_BEHIND_SECONDS:
                raise self._cut_short()

    def answer(self) -> Any:
        """What the work came to, in the light of the signals."""
        error = self.outcome.get("error")
        if self.signals:
            if self.here is None or isinstance(error, ConnectionFailed):
                raise self._cut_short() from error
            if error is None or isinstance(error, StatementCancelled):
                raise StepStopped("Stopped; no statement was under way.", "See: handrail status") from error
        if error is not None:
            raise error
        return self.outcome["answer"]

    def _cut_short(self) -> CutShort:
        if self.here is None:
            return CutShort("Stopped before the target was taken; no step was begun.", "See: handrail status")
        return CutShort(
            "Stopped while the connection was lost; what is not done in the journal has not happened.",
            "Go on with: handrail resume",
        )

    def _heard(self, event: Event) -> None:
        if event.kind in ("connection lost", "connection back"):
            self._adrift = event.kind == "connection lost"
        self._tell(event)


def driven(
    target: Target,
    do: Callable[[Executor], T],
    tell: Tell,
    tell_progress: TellProgress,
    over: Driver | None = None,
) -> T:
    """The answer of `do`, or its error; the target is taken from `over` where that is given."""
    drive = Drive(tell)
    with _noted(drive.signals):
        threading.Thread(
            target=drive.work, args=(target, do, tell_progress, over), name="executor", daemon=True
        ).start()
        drive.wait()
    answer: T = drive.answer()
    return answer


@contextmanager
def _noted(signals: list[int]) -> Iterator[None]:
    """SIGTERM and SIGHUP arrive like Ctrl-C. What the shell said to ignore (nohup, &) stays ignored."""

    def note(number: int, _frame: FrameType | None) -> None:
        signals.append(number)

    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
