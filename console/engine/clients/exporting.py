"""What was found, for other programs: as it was shown, mask and all, and with an event that says so."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine import sheet
from console.engine.clients.asking import TENANT
from console.engine.clients.finding import Client, KnownField
from db import postgres
from db.searching import sendable

EXPORTED = text("SELECT handrail_search.exported(:asked, :rows)")
FORMATS = ("csv", "jsonl")


def tell(session: Session, asked: str, rows: int) -> None:
    """Says in the journal who took which clients along; before they are handed out."""
    session.execute(EXPORTED, {"asked": sendable(asked), "rows": rows})


def write(clients: Sequence[Client], fields: Sequence[KnownField]) -> Path:
    """CSV in a new file under handrail's own folder, readable by this account alone."""
    folder = postgres.home() / "exports"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"clients-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.csv"
    path.touch(mode=0o600, exist_ok=False)
    path.write_text("".join(f"{line}\r\n" for line in lines(clients, fields, "csv")), encoding="utf-8")
    return path


def lines(clients: Sequence[Client], fields: Sequence[KnownField], form: str) -> Iterator[str]:
    """CSV or JSON lines, each without its line end; the second are pure ASCII."""
    names = [field.name for field in fields]
    if form == "csv":
        rows = [[one.id, one.tenant, *(one.shown.get(name) or "" for name in names)] for one in clients]
        # a line end would begin a row, and what follows it a formula
        return sheet.lines(["client", TENANT, *names], [[value.replace("\n", " ") for value in row] for row in rows])
    return (json.dumps({"client": one.id, TENANT: one.tenant, **one.shown}) for one in clients)
