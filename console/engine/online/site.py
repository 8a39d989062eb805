"""Where a statement is made true: the step's connection, with a look that leaves nothing behind and a way to wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from console.engine.errors import StepFailed
from console.engine.online import builders
from console.engine.statements import located, send
from console.engine.work import Work
from db.session import EXECUTOR_SETTINGS

POLL_SECONDS = 0.2
SET_LOCK_TIMEOUT = text("SELECT set_config('lock_timeout', :value, false)")


@dataclass
class Site:
    """`place` names step and line for errors; `mended`, `left` and `already` are names, for the journal.

    `act` is what the statement at hand acts upon, `name` the same for people. `own` is what the step has acted upon,
    and the way back takes back; None for a step that an older handrail began. `already` was there before it acted.
    """

    work: Work
    back: bool
    place: str = ""
    mended: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    own: list[str] | None = None
    act: str = ""
    name: str = ""

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """A transaction that is rolled back: whatever is made in it to compare with is gone."""
        with self.work.connection.begin() as transaction:
            yield self.work.connection
            transaction.rollback()

    def send(self, sql: str) -> None:
        """One statement outside a transaction, waiting for as long as it must.

        A lock_timeout would hit the statement's own waits and leave rubble (F8).
        """
        self.work.stop_if_wanted()
        self._will_act()
        with self.work.autocommit() as connection:
            connection.execute(SET_LOCK_TIMEOUT, {"value": "0"})
            try:
                send(connection, sql)
            except DBAPIError as error:
                raise located(error, self.place) from error
            finally:
                if not connection.invalidated and not connection.connection.driver_connection.closed:  # type: ignore[union-attr]
                    connection.execute(SET_LOCK_TIMEOUT, {"value": EXECUTOR_SETTINGS["lock_timeout"]})

    def change(self, do: Callable[[Connection], None]) -> None:
        """A transaction for what takes a strong lock: tried again, and nobody waits long behind it (I-8)."""
        self._will_act()

        def once(patience: float) -> None:
            with self.work.changing(patience):
                try:
                    do(self.work.connection)
                except DBAPIError as error:
                    raise located(error, self.place) from error

        self.work.retried(once)

    def drop(self, name: str, sql: str) -> None:
        """Drops an index that an interrupted statement left."""
        self.send(sql)
        self.has_mended(name)

    def has_mended(self, name: str) -> None:
        """Keeps that something was left, and is no more."""
        self.mended.append(name)
        self.work.keep(mended=self.mended)

    def waited(self, table: int, indexes: list[int]) -> bool:
        """Waits while another backend works on indexes of a table (FM-A5); whether it had to.

        In polls: a session that waits inside a statement can deadlock an index build (F9).
        """
        told = ""
        while True:
            with self.looking() as connection:
                busy = builders.on(connection, table, indexes)
            if busy != told:
                self.work.keep(waiting=busy or None)
            if not busy:
                return bool(told)
            told = busy
            self.work.stopping.wait(POLL_SECONDS)
            self.work.stop_if_wanted()

    def another(self, name: str, definition: str, hint: str) -> None:
        """An index of the same name that is not the plan's: nobody drops it.

        On the way back it is left where it stands, since it is not what the step made, and the rollback is not stuck.
        """
        if self.back:
            self.leave(name)
            return
        self.looked()
        raise StepFailed(f"{self.place}: index {name} is there with another definition: {definition}", hint)

    @property
    def owns(self) -> bool:
        return self.own is None or not self.act or self.act in self.own

    def looked(self) -> None:
        """Keeps whether something was there before the step acted upon it."""
        names = {*self.already} - {self.name} if self.owns else {*self.already, self.name}
        if names != {*self.already}:
            self.already = sorted(names)
            self.work.keep(already=self.already)

    def leave(self, name: str) -> None:
        self.left = sorted({*self.left, name})
        self.work.keep(left=self.left)

    def _will_act(self) -> None:
        """Before anything is done: whoever is killed in between knows whose it is."""
        if not (self.back or self.owns):
            self.own = [*(self.own or []), self.act]
            self.work.keep(own=self.own)
