"""The answer to a search: rows in the order of where they matched, an honest count, and what was meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from console.engine.clients.asking import TENANT, Asked, asked
from db import wording
from db.searching import Searching

SHOWN = 50
WINDOW = 500
FIRST = 2_000
"""How many terms of the leading word are followed while somebody types."""

REFINED = 100_000
"""How many are followed once they have stopped, where the first answer could not fill the page."""

FIND = "SELECT handrail_search.find(%s::jsonb, %s, %s, %s, %s)"
MEANT = "SELECT handrail_search.meant(%s)"
VALUES = """
SELECT f.name, f.title, v.value FROM handrail_search.field f, unnest(handrail_search.values_of(f.name)) AS v (value)
WHERE f.kind = 'exact' ORDER BY f.position
"""
FIELDS = "SELECT name, title, kind, anywhere, masked FROM handrail_search.field ORDER BY position"

Counted = Literal["exact", "about", "at least"]


@dataclass(frozen=True)
class KnownField:
    name: str
    title: str
    kind: str
    anywhere: bool
    masked: bool


@dataclass(frozen=True)
class Client:
    """A client as lists show it: `shown` by field, masked where the field is; `why`, for each piece, the field."""

    n: int
    id: str
    tenant: str
    changed_at: datetime | None
    shown: Mapping[str, str]
    why: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {"client": self.id, TENANT: self.tenant, **self.shown, "why": list(self.why)}


@dataclass(frozen=True)
class Found:
    """`complete`: no client is missing from a page that is not full. `ignored` are pieces that are no words at all."""

    clients: Sequence[Client]
    count: int
    counted: Counted
    complete: bool
    ignored: tuple[str, ...] = ()

    @property
    def told(self) -> str:
        """12 found; about 200 000 found, first 50 shown"""
        number = wording.about(self.count) if self.counted == "about" else wording.number(self.count)
        before = {"exact": "", "about": "about ", "at least": "at least "}[self.counted]
        first = f", first {len(self.clients)} shown" if self.count > len(self.clients) > 0 else ""
        return f"{before}{number} found{first}"

    def document(self) -> dict[str, Any]:
        return {"count": self.count, "counted": self.counted, "complete": self.complete,
                "ignored": list(self.ignored), "clients": [client.document() for client in self.clients]}  # fmt: skip


def fields(searching: Searching) -> list[KnownField]:
    return [KnownField(*row) for row in searching.once(FIELDS)]


def read(searching: Searching, written: str, tenant: str = "") -> Asked:
    """What was typed, with the fields that this target has."""
    return asked(written, [field.name for field in fields(searching)], tenant)


def find(searching: Searching, wanted: Asked, top: int = SHOWN, most: int = FIRST, after: int = 0) -> Found:
    """At most `top` clients, 500 at most; nothing asked is a window of all of them after entry `after`.

    Raises NotIndexed, RightMissing where the login may not search, StatementCancelled where another came first.
    """
    answer = searching.ask(FIND, wanted.json(), wanted.tenant or None, top, most, after)
    searching.forget(answer["made"])  # an index that was made again may have other fields
    names = [field.name for field in fields(searching)]
    clients = [_client(row, names) for row in answer["rows"]]
    return Found(clients, answer["count"], answer["counted"], answer["complete"], tuple(answer["ignored"]))


def meant(searching: Searching, wanted: Asked) -> list[str]:
    """What else to type where nothing was found: the same with one slip mended in the first word that has one."""
    for place, piece in enumerate(wanted.pieces):
        if piece.excluded or piece.field not in ("", TENANT, *(f.name for f in fields(searching) if f.kind == "words")):
            continue
        if len(wanted.pieces) > 1 and find(searching, Asked((piece,), wanted.tenant), top=1).clients:
            continue
        if near := searching.ask(MEANT, piece.text):
            words = [one.field + ":" * bool(one.field) + one.text for one in wanted.pieces]
            prefix = piece.field + ":" * bool(piece.field)
            return [" ".join([*words[:place], prefix + word, *words[place + 1 :]]) for word in near]
    return []


def filters(searching: Searching) -> list[tuple[str, str, str]]:
    """Fields with few values and their first values: name, title, value."""
    return [(name, title, value) for name, title, value in searching.rows(VALUES)]


def _client(row: Mapping[str, Any], names: Sequence[str]) -> Client:
    shown = {name: value for name, value in zip(names, row["shown"], strict=True) if value is not None}
    changed = datetime.fromisoformat(row["changed_at"]) if row["changed_at"] else None
    return Client(row["n"], row["client"], row["tenant"] or "", changed, shown, tuple(w or "" for w in row["why"]))
