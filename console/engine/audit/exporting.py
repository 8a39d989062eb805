"""The journal for other programs: JSON lines, which lose nothing, or CSV, which a spreadsheet may open."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from console.engine import journey, sheet
from console.engine.errors import UnknownOperator
from db.queries import chain


class Row(NamedTuple):
    """An event. `at` is ISO, in UTC; `detail` is the server's own JSON, so that its hash can be computed from it."""

    id: int
    at: str
    by: str
    person: str
    run: int | None
    step: str | None
    kind: str
    detail: str
    hash: str


def rows(
    session: Session,
    *,
    run: int | None = None,
    person: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Row]:
    """In a session that has asked nothing yet. A person's events are those of all their logins, of removed ones too.

    Raises UnknownRun and UnknownOperator: an empty file would read as if nothing had happened.
    """
    chain.snapshot(session)
    if run is not None:
        journey.found(session, run)
    if person is not None and not chain.knows(session, person):
        raise UnknownOperator(f"Nobody here is called {person!r}.", "handrail operator list shows the people.")
    return (Row._make(row) for row in chain.rows(session, run, person, kind, since, until))


def json_lines(events: Iterable[Row]) -> Iterator[str]:
    """An object a line, in plain ASCII: no terminal obeys it, and no encoding spoils it."""
    for row in events:
        before = json.dumps({name: value for name, value in row._asdict().items() if name not in ("detail", "hash")})
        yield f'{before[:-1]}, "detail": {_ascii(row.detail)}, "hash": "{row.hash}"}}'


def csv_lines(events: Iterable[Row]) -> Iterator[str]:
    """The names, then a line a row, without its line end."""
    return sheet.lines(Row._fields, events)


def _ascii(written: str) -> str:
    """The same JSON; outside its strings there is nothing but ASCII already."""
    return re.sub(r"[^\x20-\x7e]+", lambda found: json.dumps(found[0])[1:-1], written)
