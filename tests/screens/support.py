"""Somebody of support before the console, where clients are looked up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from textual.widgets import Input

from console.widgets.ledger import Ledger
from db.session import Target
from tests.driving import ask
from tests.screens.person import Person, console
from tests.staffed import as_login

Size = tuple[int, int]


@asynccontextmanager
async def looking(
    target: Target, login: str = "support1", size: Size = (80, 24), place: str = "clients", *about: object
) -> AsyncIterator[Person]:
    """Support begins at the clients; everybody else is taken there."""
    async with console(as_login(target, login).url, size) as person:
        if login.startswith("support"):
            await person.until(lambda: person.place == "ClientsScreen")
        else:
            await person.sees("PostgreSQL 18")
        if place != "clients" or not login.startswith("support") or about:
            person.app.visit(place, *about)
            await person.until(lambda: person.app.screen.query("#where") and person.place == f"{place.title()}Screen")
        yield person


def box(person: Person) -> Input:
    return person.app.screen.query_one("#box", Input)


def listed(person: Person, ledger: str = "#found") -> list[list[str]]:
    """The rows of a list as they are told."""
    found = person.app.screen.query_one(ledger, Ledger)
    return [[cell.plain for cell in found.get_row_at(row)] for row in range(found.row_count)]


def keys_of(person: Person, ledger: str = "#found") -> list[str]:
    found = person.app.screen.query_one(ledger, Ledger)
    return [str(key.value) for key in found.rows]


def chosen(person: Person, ledger: str = "#found") -> str | None:
    return person.app.screen.query_one(ledger, Ledger).chosen


async def writes(person: Person, text: str) -> None:
    """Into the box, in place of what stands there."""
    box(person).focus()
    box(person).value = ""
    await person.presses(*("space" if one == " " else "colon" if one == ":" else one for one in text))


def client_of(target: Target, condition: str, fields: str = "client") -> str:
    found: str = ask(target, f"SELECT {fields} FROM handrail_search.entry WHERE {condition} ORDER BY n LIMIT 1")
    return found


def written(target: Target) -> str:
    """What the target's own tables hold, and who may see what, as one digest."""
    with psycopg.connect(target.url, autocommit=True) as connection:
        tables = [row[0] for row in connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
            " AND c.oid NOT IN ('handrail.event'::regclass, 'handrail.head'::regclass) ORDER BY 1")]  # fmt: skip
        digests = [
            connection.execute(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {one} t".encode()
            ).fetchone()
            for one in tables
        ]
    return str(digests)
