"""What a fingerprint says of a database, in a file and in memory: everything but the rows."""

from __future__ import annotations

from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from db.fingerprint import Fingerprint

FORMAT: Final = 1


class Held(BaseModel):
    """A table: its rows, their hash, and the hash of each bucket that holds one. `key` is its primary key's columns."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    hash: str
    columns: list[str]
    key: list[str]
    buckets: dict[int, str]


class Head(BaseModel):
    """`content` is None where it was not asked for; `rows` says whether the file goes on with each row's key and hash.

    `server` is its version, `database` the name, `taken_at` ISO and the time of the snapshot.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    handrail: Literal["fingerprint"] = "fingerprint"
    format: Literal[1] = FORMAT
    server: str
    database: str
    taken_at: str
    rows: bool = False
    kinds: list[str]
    objects: dict[str, str]
    content: dict[str, Held] | None

    @property
    def fingerprint(self) -> Fingerprint:
        content = {table: [held.rows, held.hash] for table, held in (self.content or {}).items()}
        return Fingerprint(self.objects, content, frozenset(self.kinds))

    @property
    def total(self) -> int:
        return sum(held.rows for held in (self.content or {}).values())
