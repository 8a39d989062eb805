"""Trying again what two sessions did to each other: a deadlock or a serialization failure passes by itself (FM-B6)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from db.errors import HandrailError, StatementFailed
from db.translation import translate

T = TypeVar("T")

PASSING = ("40P01", "40001")
TRIES = 6
FIRST_SECONDS = 0.1


def retried(do: Callable[[], T], wait: Callable[[float], object], say: Callable[[str], None]) -> T:
    """The answer of `do`, a whole transaction. Between two tries `say` hears why, and `wait` a growing time."""
    for earlier in range(TRIES - 1):
        try:
            return do()
        except (DBAPIError, StatementFailed) as error:
            known = known_error(error)
            if not isinstance(known, StatementFailed) or known.sqlstate not in PASSING:
                raise
            say(known.message)
        wait(FIRST_SECONDS * 2**earlier * random.uniform(0.5, 1.5))
    return do()


def known_error(error: Exception) -> HandrailError | None:
    """The error in handrail's words; None for a bug."""
    if isinstance(error, HandrailError):
        return error
    cause = error.orig if isinstance(error, DBAPIError) else error
    return translate(cause) if hasattr(cause, "diag") else None  # type: ignore[arg-type]
