"""Words of the journal, clean; and of its details, without what is a row's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from console.engine.report.document import Happened
from db.models import Event
from db.queries.reporting import Names
from db.text import clean, one_line
from db.wording import plain

NOT_RECORDED = "not recorded"
UNTOLD = ("pid", "digest", "fingerprint", "row", "values", "scope")
LISTED = 50


def happened(event: Event, names: Names) -> Happened:
    return Happened(event.id, event.at, clean(names.of_login(event.by)), optional(event.step), clean(event.kind),
                    detail(event))  # fmt: skip


def detail(event: Event) -> str:
    """`tables 3, schema as before`: what an event says of itself. Rows are counted, and never quoted."""
    said = {key: value for key, value in event.detail.items() if key not in UNTOLD and value not in (None, "", [], {})}
    return ", ".join(f"{one_line(key.replace('_', ' '))} {_plain(key, value)}" for key, value in said.items())


def _plain(key: str, value: Any) -> str:
    if isinstance(value, list):
        if key == "rows":
            return str(len(value))
        return "; ".join(one_line(plain(one)) for one in value[:LISTED])
    return one_line(plain(value))


def optional(words: object) -> str | None:
    return None if words is None else clean(words)


def whole(value: object) -> int | None:
    """A count that an event holds; None where what is there is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def moment(at: datetime | None) -> str:
    """2026-11-21 14:03:22 UTC"""
    return NOT_RECORDED if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
