"""The newest head of a journal that this machine has seen: a restore to an older state rewinds the journal too (FM-I6).

An anchor that is written over, in <home>/seen/<identity of the target>/<database>.json.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine.audit import anchors
from console.engine.audit.anchors import Anchor
from console.engine.errors import JournalBehind
from console.engine.executor import Executor
from db import journal
from db.errors import HandrailError
from db.models import Event
from db.postgres import home
from db.session import transaction

P = ParamSpec("P")
T = TypeVar("T")

HASH = text("SELECT encode(hash, 'hex') FROM handrail.event WHERE id = :number")
ACCEPT = "If that is so, and meant, say it: handrail audit anchor --accept-restore"


def file_of(head: Anchor) -> Path:
    return home() / "seen" / head.target / f"{quote(head.database, safe='')}.json"


def behind(session: Session) -> str:
    """How the journal is behind what was seen of it, in a clause; empty where it is not, or nothing was seen."""
    now = anchors.head(session)
    file = file_of(now)
    if not file.exists():
        return ""
    seen = anchors.read(file)[-1]
    if now.count < seen.count:
        return f"it has {now.count} events, and this machine has seen {seen.count}, on {seen.at}"
    if seen.count and session.scalar(HASH, {"number": seen.count}) != seen.hash:
        return f"its event {seen.count} is another than the one that this machine saw on {seen.at}"
    return ""


def require_ahead(session: Session) -> None:
    if how := behind(session):
        raise JournalBehind(f"The journal is older than it was: {how}. The database may have been restored.", ACCEPT)


def remember(session: Session) -> None:
    """Keeps the head as it stands, where there is room. What is behind is not: that is for a person to accept."""
    if not behind(session):
        with suppress(OSError):
            _write(anchors.head(session))


def accept(session: Session) -> Event | None:
    """Journals that the older journal is the one to go on with; None where it is not behind."""
    how = behind(session)
    if not how:
        return None
    said = journal.record(session, "restore accepted", found=how)
    _write(anchors.head(session))
    return said


def minded(do: Callable[Concatenate[Executor, P], T]) -> Callable[Concatenate[Executor, P], T]:
    """Refuses to begin where the journal is behind, and remembers how it stands at the end, however that comes."""

    @wraps(do)
    def whole(executor: Executor, /, *args: P.args, **named: P.kwargs) -> T:
        with executor.transaction() as session:
            require_ahead(session)
        try:
            return do(executor, *args, **named)
        finally:
            _remember_at_rest(executor)

    return whole


def _remember_at_rest(executor: Executor) -> None:
    """Where the connection still can; what is not remembered now is remembered the next time."""
    connection = executor.connection
    if not connection.closed and not connection.invalidated and not connection.in_transaction():
        with suppress(DBAPIError, HandrailError), transaction(connection) as session:
            remember(session)


def _write(anchor: Anchor) -> None:
    """Whole or not at all."""
    file = file_of(anchor)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    new.write_text(f"{anchor.line()}\n", encoding="utf-8")
    new.replace(file)
