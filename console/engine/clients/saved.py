"""Searches kept under a name on the target, for oneself or for all; and what was asked before, on this machine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine.clients.asking import LONGEST
from console.engine.errors import SearchRefused
from db import postgres
from db.searching import sendable

KEPT = 200
ALL = text(
    "SELECT owner, name, asked, shared, usual, owner = session_user AS mine FROM handrail_search.saved_search"
    " ORDER BY owner <> session_user, name"
)
# a default of one's own is one: the one before is none any more
UNUSUAL = text("UPDATE handrail_search.saved_search SET usual = false WHERE owner = session_user AND usual")
SAVE = text(
    "INSERT INTO handrail_search.saved_search (name, asked, shared, usual) VALUES (:name, :asked, :shared, :usual)"
    " ON CONFLICT (owner, name) DO UPDATE SET asked = excluded.asked, shared = excluded.shared, usual = excluded.usual"
)
FORGET = text("DELETE FROM handrail_search.saved_search WHERE owner = session_user AND name = :name RETURNING name")


@dataclass(frozen=True)
class Saved:
    """`usual`: what the screen opens with; `shared`: everybody who may search sees it."""

    owner: str
    name: str
    asked: str
    shared: bool
    usual: bool
    mine: bool


def searches(session: Session) -> list[Saved]:
    """One's own first."""
    return [Saved(*row) for row in session.execute(ALL)]


def save(session: Session, name: str, asked: str, *, shared: bool = False, usual: bool = False) -> None:
    """Kept under a name of one's own; the same name again is another search."""
    if not name.strip() or len(name) > 60:
        raise SearchRefused("A search is kept under a name of at most 60 characters.", "Give it one.")
    if len(asked) > LONGEST:
        raise SearchRefused(f"That is over {LONGEST} characters.", "Nobody could ask it again.")
    if usual:
        session.execute(UNUSUAL)
    session.execute(SAVE, {"name": sendable(name.strip()), "asked": sendable(asked), "shared": shared, "usual": usual})


def forget(session: Session, name: str) -> None:
    if session.execute(FORGET, {"name": sendable(name)}).scalar() is None:
        raise SearchRefused(f"You have no saved search {name!r}.", "See: handrail clients saved")


def _file() -> Path:
    return postgres.home() / "searches"


def asked_before() -> list[str]:
    """The newest last; none where nothing was kept."""
    with suppress(OSError, UnicodeDecodeError):
        return _file().read_text(encoding="utf-8").splitlines()[-KEPT:]
    return []


def remember(asked: str) -> None:
    """One line, readable by this account alone. Where it cannot be written there is no history, and no error."""
    line = " ".join(sendable(asked).split())
    before = [one for one in asked_before() if one != line]
    if not line:
        return
    with suppress(OSError):
        _file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = _file().with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.chmod(0o600)
        fresh.write_text("\n".join([*before, line][-KEPT:]) + "\n", encoding="utf-8")
        fresh.replace(_file())
