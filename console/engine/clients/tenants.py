"""Tenants: whose clients there are, how many, and when one of them last changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db import wording
from db.searching import Searching

COUNTED = 1000
TENANTS = "SELECT name, clients, changed_at FROM handrail_search.tenants(%s, %s, %s)"
SIZE = "SELECT handrail_search.tenant_size(%s)"


@dataclass(frozen=True)
class Tenant:
    """`clients` is exact up to a thousand; one more than that means more."""

    name: str
    clients: int
    changed_at: datetime | None

    @property
    def size(self) -> str:
        return wording.number(self.clients) if self.clients <= COUNTED else f"over {wording.number(COUNTED)}"

    def document(self) -> dict[str, Any]:
        return {"tenant": self.name, "clients": self.clients if self.clients <= COUNTED else None,
                "at_least": min(self.clients, COUNTED),
                "changed_at": self.changed_at.isoformat() if self.changed_at else None}  # fmt: skip


def tenants(searching: Searching, holds: str = "", after: str | None = None, top: int = 50) -> list[Tenant]:
    """Those whose name holds these letters, by name, from the one that follows `after`; at most 500."""
    return [Tenant(*row) for row in searching.rows(TENANTS, holds, after, top)]


def size(searching: Searching, name: str) -> int:
    """How many clients a tenant has, all counted."""
    return int(searching.ask(SIZE, name))
