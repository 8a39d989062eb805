"""One client: fields, history, the records of the target, and how far the migration has got with it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries import runs
from db.searching import Searching, sendable

CLIENT = "SELECT handrail_search.client(%s)"
PART = "SELECT handrail_search.part_of(%s, %s, %s)"
REVEAL = text("SELECT handrail_search.reveal(:client, :field, :reason)")
REVEALED = "SELECT handrail_search.revealed(%s)"


@dataclass(frozen=True)
class Value:
    """A field of a client; `masked`: what stands here is not the whole of it."""

    field: str
    title: str
    value: str
    masked: bool


@dataclass(frozen=True)
class Change:
    field: str
    before: str
    after: str
    at: datetime


@dataclass(frozen=True)
class Listed:
    """A part that there may be; `source`: one of the records that the client consists of."""

    relation: str
    title: str
    source: bool


@dataclass(frozen=True)
class Rows:
    """The rows of a part: `columns`, and per row their values as text; `there` is false where the table is not."""

    listed: Listed
    there: bool
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: bool


@dataclass(frozen=True)
class Picture:
    id: str
    tenant: str
    changed_at: datetime | None
    values: Sequence[Value]
    history: Sequence[Change]
    parts: Sequence[Listed]

    @property
    def name(self) -> str:
        """The first field that holds anything; the id where none does."""
        return next((one.value for one in self.values if one.value and not one.masked), self.id)

    def document(self) -> dict[str, Any]:
        return {"client": self.id, "tenant": self.tenant,
                "changed_at": self.changed_at.isoformat() if self.changed_at else None,
                "fields": {one.field: one.value for one in self.values},
                "history": [{"field": one.field, "before": one.before, "after": one.after, "at": one.at.isoformat()}
                            for one in self.history]}  # fmt: skip


def picture(searching: Searching, client: str) -> Picture:
    """Raises ClientUnknown, which is also what a login hears that may not see the client."""
    found = searching.ask(CLIENT, client)
    changed = found["changed_at"]
    return Picture(
        found["client"], found["tenant"] or "", datetime.fromisoformat(changed) if changed else None,
        [Value(one["name"], one["title"], one["value"] or "", one["masked"]) for one in found["fields"] or []],
        [Change(one["field"], one["before"] or "", one["after"] or "", datetime.fromisoformat(one["at"]))
         for one in found["history"]],
        [Listed(one["relation"], one["title"], one["source"]) for one in found["parts"]],
    )  # fmt: skip


def rows(searching: Searching, client: str, listed: Listed, top: int = 20) -> Rows:
    """At most `top` rows of a part, the newest first where the description says by what."""
    found = searching.ask(PART, client, listed.relation, top)
    made = [tuple(cell or "" for cell in row) for row in found["rows"]]
    return Rows(listed, found["there"], tuple(found.get("columns") or ()), tuple(made[:top]), len(made) > top)


def reveal(session: Session, client: str, field: str, reason: str) -> int:
    """Says in the journal why; the number of that event, good for a minute. Raises ReasonMissing."""
    said = {"client": sendable(client), "field": sendable(field), "reason": sendable(reason)}
    return int(session.execute(REVEAL, said).scalar_one())


def revealed(searching: Searching, number: int) -> str:
    """The clear value, once what reveal() said is committed, and to nobody else."""
    return str(searching.ask(REVEALED, number) or "")


def migration(session: Session, records: Sequence[Rows]) -> str:
    """Where the migration has got to, for somebody who talks to the client."""
    there = [one.listed.title.lower() for one in records if one.listed.source and one.rows]
    absent = [one.listed.title.lower() for one in records if one.listed.source and one.there and not one.rows]
    stands = f"Has a {' and a '.join(there)}" if there else "Has no record any more"
    stands += f"; not yet a {' or a '.join(absent)}." if absent else "."
    run = runs.progress(session)
    if run is None or run.state in runs.OVER:
        return f"{stands} No migration is under way."
    word = {"rolling back": "being taken back", "running": "under way"}.get(run.state, run.state)
    return f"{stands} A migration, {run.plan}, is {word}: {run.done} of {run.steps} steps are done."
