"""The one door from screens to the engine (design.md section 3).

A question is a plain function fn(session, ...), run in a thread in one transaction. Driving is a plain function
fn(executor, ...), run in a thread on the backend that holds the target's lock. The engine is imported at the first
question, after the first paint.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from console.engine.executor import Executor
    from db.errors import HandrailError
    from db.listening import Listening
    from db.queries.activity import Driver
    from db.searching import Searching
    from db.session import Target

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 1.5
"""Seconds after which a search that was cancelled was cancelled by its own time limit."""


class Asking:
    """Asks one target, and drives at most one executor on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._target: Target | None = None
        self._executor: Executor | None = None
        self._drives: set[object] = set()
        self._listening: Listening | None = None
        self._pid: int | None = None
        self._searching: Searching | None = None
        self._latest: object = None
        self._one_search = threading.Lock()
        self._searcher = 0

    async def ask(self, fn: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of `fn` in a transaction of its own."""
        return await asyncio.to_thread(self._answer, fn, args, kwargs)

    async def search(self, fn: Callable[Concatenate[Searching, P], T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The answer of `fn` on the session that searches; None where another search came after it.

        The one before is cancelled, on the server too: an old answer never arrives after a newer one.
        """
        self._latest = mine = object()
        return await asyncio.to_thread(self._searched, mine, fn, args, kwargs)

    async def look_up(self, fn: Callable[Concatenate[Searching, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of `fn` on the same session; a question that none takes the place of."""
        return await asyncio.to_thread(lambda: fn(self.searching(), *args, **kwargs))

    async def think(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The answer of a slow `fn` that needs no database."""
        return await asyncio.to_thread(fn, *args, **kwargs)

    async def drive(self, fn: Callable[Concatenate[Executor, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `fn` with the target's executor; raises RunDriven where another session has it."""
        return await self._drive(None, fn, args, kwargs)

    async def take_over(
        self, over: Driver, fn: Callable[Concatenate[Executor, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """drive(), with the target taken from the session that has it: that session is terminated."""
        return await self._drive(over, fn, args, kwargs)

    @property
    def driving(self) -> bool:
        """True until the thread has ended, even where nobody waits for its answer any more."""
        return bool(self._drives)

    @property
    def pid(self) -> int | None:
        """The session that this console drives on, or drove on last: a look may still see it for a moment."""
        return executor.hold.pid if (executor := self._executor) else self._pid

    def listen(self, heard: Callable[[], None]) -> None:
        """Calls `heard`, in another thread, when the target tells of a sign-off or an answer; until close()."""
        from db.listening import Listening

        if self._listening is None or self._listening.over:
            self._listening = Listening(self.target(), heard)

    def cancel(self) -> None:
        """Stops what this console drives; call again until `driving` is over."""
        if (executor := self._executor) is not None:
            executor.cancel()

    def close(self) -> None:
        if self._searching is not None:
            self._searching.close()
        if self._listening is not None:
            self._listening.close()
        if self._target is not None:
            self._target.close()

    @staticmethod
    def known(error: BaseException) -> HandrailError | None:
        """An error that has words for a person; None for a bug."""
        from db.errors import HandrailError

        return error if isinstance(error, HandrailError) else None

    @property
    def label(self) -> str:
        """database@host, once the target has been asked."""
        return self._target.label if self._target is not None else ""

    @property
    def login(self) -> str:
        """Who asks, as the target names it; empty where libpq decides."""
        return str(self.target().parameters.get("user") or "")

    @property
    def login_may_change(self) -> bool:
        """Whether this is the demo, whose people one may be."""
        from console.engine import demo

        return demo.is_of(self.url)

    def target(self) -> Target:
        """Made at the first question; blocking only by its import."""
        from db.session import Target

        if self._target is None:
            self._target = Target(self.url)
        return self._target

    def searching(self) -> Searching:
        from db.searching import Searching

        if self._searching is None:
            self._searching = Searching(self.target())
        return self._searching

    def _searched(self, mine: object, fn: Callable[..., T], args: Any, kwargs: Any) -> T | None:
        from db.errors import StatementCancelled

        searching = self.searching()
        searching.cancel(self._searcher)  # and nothing that is looked up
        with self._one_search:
            if self._latest is not mine:
                return None
            self._searcher = threading.get_ident()
            began = time.monotonic()
            try:
                answer = fn(searching, *args, **kwargs)
            except StatementCancelled:
                if self._latest is not mine:
                    return None
                if time.monotonic() - began > PATIENCE:
                    raise
                answer = fn(searching, *args, **kwargs)  # the cancel was meant for the one before
            finally:
                self._searcher = 0
        return answer if self._latest is mine else None

    def _answer(self, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        with self.target().session() as session:
            return fn(session, *args, **kwargs)

    async def _drive(self, over: Driver | None, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        drive = object()
        self._drives.add(drive)
        return await asyncio.to_thread(self._driven, drive, over, fn, args, kwargs)

    def _driven(self, drive: object, over: Driver | None, fn: Callable[..., T], args: Any, kwargs: Any) -> T:
        try:
            from console.engine import executor
            from console.settings import Settings

            with executor.at(self.target(), over=over) as here:
                here.notify = Settings().notify()
                self._executor = here
                try:
                    return fn(here, *args, **kwargs)
                finally:
                    self._executor, self._pid = None, here.hold.pid
        finally:
            self._drives.discard(drive)
