"""blockers: who is in the way of a run's step and who waits for it; and ending one of those in the way."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy.orm import Session

from console.commands import targeting
from console.commands.confirming import agreed
from console.commands.telling import event_document, line, say, tell
from console.engine import blocking
from console.engine.blocking import How
from console.engine.errors import RunRefused
from db.errors import RightMissing
from db.models import Run
from db.queries import activity, runs
from db.queries.blocking import Blocker, Waiting
from db.session import Target
from db.text import one_line
from db.wording import counted, lasting

QUERY_WIDTH = 100
DONE = {"cancel": "its statement is cancelled.", "terminate": "it is terminated."}


@dataclass(frozen=True)
class Queue:
    """Those before and behind a run's step at one time, by the server's clock."""

    at: datetime.datetime
    blockers: Sequence[Blocker]
    waiting: Waiting

    def document(self) -> dict[str, Any]:
        return {
            "blockers": [
                {"pid": one.pid, "login": one.login, "application": one.application, "state": one.state,
                 "since": one.since.isoformat() if one.since else None, "seconds": self._seconds(one),
                 "holds": one.holds, "query": one.query}
                for one in self.blockers
            ],
            "waiting": {"sessions": self.waiting.sessions, "seconds": self.waiting.seconds},
        }  # fmt: skip

    def lines(self) -> list[str]:
        """Two lines for each that is in the way, the oldest first; one for all who wait."""
        told = []
        for one in self.blockers:
            told.append(f"in the way: {self.named(one)}")
            if one.query:
                told.append(f"  {'last ' if one.state.startswith('idle') else ''}query: {_cut(one.query)}")
        if self.waiting.sessions:
            wait = counted(self.waiting.sessions, "session waits", "sessions wait")
            told.append(f"behind it: {wait} for this step, the longest for {lasting(self.waiting.seconds)}")
        return told

    def named(self, one: Blocker) -> str:
        since, seconds = one.since, self._seconds(one)
        parts = [
            f"pid {one.pid}" if one.pid else one_line(one.application),
            one_line(one.login),
            one_line(one.application) if one.pid else "",
            one_line(one.state),
            f"for {lasting(seconds)}, since {since:%H:%M:%S} UTC" if since and seconds is not None else "",
            f"holds {one_line(one.holds)}" if one.holds else "",
        ]
        return ", ".join(part for part in parts if part)

    def _seconds(self, one: Blocker) -> float | None:
        return round((self.at - one.since).total_seconds(), 1) if one.since else None


def blockers(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = targeting.open_run(session, options)
        seen = queue(session, row)
    how: How
    for how in get_args(How):
        if (pid := getattr(options, how)) is not None:
            return _end(options, target, row.id, how, pid, seen)
    if options.json:
        tell({"run": row.id, **seen.document()})
        return 0
    for words in [*([] if seen.blockers else ["Nobody is in the way."]), *seen.lines()]:
        line(words)
    return 0


def _end(options: argparse.Namespace, target: Target, run: int, how: How, pid: int, seen: Queue) -> int:
    """Ends the very session that was shown; whoever has its pid by the time of the answer is left alone."""
    blocker = next((one for one in seen.blockers if one.pid == pid), None)
    if blocker is None:
        raise RunRefused(f"Session {pid} is not in the way of run {run}.", f"See: handrail blockers {run}")
    if blocker.started is None:
        raise RightMissing(
            f"This login may not see when session {pid} began, nor end it.",
            "It needs: GRANT pg_read_all_stats, pg_signal_backend",
        )
    say(f"In the way of run {run} on {target.label}: {seen.named(blocker)}")
    if not agreed(options, f"{_effect(how, blocker)} Go on?"):
        say("Nothing was done.")
        return 0
    with target.session() as session:
        event = blocking.end(session, run, how, blocker)
    if options.json:
        tell(event_document(event))
    else:
        line(f"Session {pid}: {DONE[how]}")
    return 0


def _effect(how: How, blocker: Blocker) -> str:
    if how == "terminate":
        return f"Session {blocker.pid} is terminated: its connection ends, and its transaction is undone."
    if blocker.state.startswith("idle"):
        return f"Session {blocker.pid} runs no statement now, so a cancel changes nothing; --terminate ends it."
    return f"The statement of session {blocker.pid} is cancelled: its transaction fails, the session stays."


def queue(session: Session, row: Run) -> Queue:
    """A step whose executor died has the pid of nobody, or of somebody else by now: it waits for no one."""
    at, driver = activity.now(session), activity.driver(session)
    if driver is None or driver.pid not in {step.pid for step in row.steps}:
        return Queue(at, [], Waiting(0, 0.0))
    newest = runs.events(session, row.id, blocking.RECENT)
    return Queue(at, blocking.in_the_way(session, row, newest), blocking.made_to_wait(session, row))


def _cut(query: str) -> str:
    words = one_line(query)
    return words if len(words) <= QUERY_WIDTH else words[: QUERY_WIDTH - 1] + "…"
