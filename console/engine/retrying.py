"""Trying again what passes by itself: a lock that others hold (FM-B5), a deadlock, a serialization failure (FM-B6).

Each try is a whole transaction. The ladder says how long a try waits for a lock, and how long the application is left
alone afterwards: short tries first, since most holders are gone in a moment, longer ones later. The timeout is never
dropped; at the end of the ladder the step fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from db.errors import HandrailError, LockNotGranted, StatementFailed
from db.translation import translate

T = TypeVar("T")

PASSING = ("40P01", "40001", "55P03")

# (seconds in which a lock must be granted, seconds until the next try); about a minute in all
LADDER = (
    (0.1, 0.2), (0.1, 0.4), (0.2, 0.8), (0.2, 1.5), (0.5, 3.0), (0.5, 5.0), (1.0, 8.0), (1.0, 10.0), (2.0, 15.0),
    (2.0, 0.0),
)  # fmt: skip


@dataclass(frozen=True)
class Again:
    """Why a transaction is tried again, which try failed, out of how many, and in how many seconds the next begins."""

    why: HandrailError
    tried: int
    tries: int
    wait: float


def retried(
    do: Callable[[float], T], longest: float, wait: Callable[[float], object], say: Callable[[Again], None]
) -> T:
    """The answer of `do`, which is given how long it may wait for each lock, at most `longest` seconds.

    Between two tries `say` hears why, and `wait` a growing time, jittered, so that two do not meet again and again.
    """
    for tried, (patience, pause) in enumerate(LADDER[:-1], 1):
        try:
            return do(min(patience, longest))
        except (DBAPIError, StatementFailed) as error:
            known = known_error(error)
            if not isinstance(known, StatementFailed) or not _passes(known):
                raise
            seconds = pause * random.uniform(0.5, 1.5)
            say(Again(known, tried, len(LADDER), seconds))
        wait(seconds)
    try:
        return do(min(LADDER[-1][0], longest))
    except (DBAPIError, StatementFailed) as error:
        known = known_error(error)
        if not isinstance(known, LockNotGranted):
            raise
        known.message += f" It was tried {len(LADDER)} times."
        raise known from error


def _passes(known: StatementFailed) -> bool:
    """An object that somebody dropped while the catalogs were read is gone at the next try."""
    return known.sqlstate in PASSING or (known.sqlstate == "XX000" and "with OID" in known.message)


def known_error(error: Exception) -> HandrailError | None:
    """The error in handrail's words; None for a bug."""
    if isinstance(error, HandrailError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    return translate(cause) if hasattr(cause, "diag") else None  # type: ignore[arg-type]
