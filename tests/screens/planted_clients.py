"""Clients of the corpus: hostile in every field, in the tables that refer to them, and in what is saved of searches."""

from __future__ import annotations

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from console.engine import operators
from console.engine.clients import indexing, saved
from console.engine.clients.described import Description
from db.session import Target
from tests.hostile import ALL, LONGER, pieces

CLIENT = "c1"
NAMES = pieces()
RELATED = "[/red] \x1b[7777m\x9d \u202e [@click=app.quit]r[/]"

DESCRIPTION = Description.model_validate(
    {
        "tenant": "company",
        "source": [
            {
                "table": "public.siege_client", "title": "[/red] Record", "id": "id", "changed": "at",
                "fields": {"name": "name", "company": "company", "email": "email", "state": "state"},
                "shows": ["name", "company", "email", "state"], "masks": {"email": "email"},
            }
        ],
        "field": [
            {"name": "name", "title": "[bold]Name", "code": "n", "kind": "words"},
            {"name": "company", "title": "Company", "code": "c", "kind": "words"},
            {"name": "email", "title": "E-mail", "code": "e", "kind": "email", "masked": True},
            {"name": "state", "title": "State", "code": "s", "kind": "exact", "anywhere": False, "history": True},
        ],
    }
)  # fmt: skip


def plant(target: Target, login: str) -> None:
    """Indexed, and open to `login`; one client is called CLIENT, the other's id is hostile too."""
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE siege_client (id text PRIMARY KEY, name text, company text, email text, state text,"
            " at timestamptz DEFAULT now())"
        )
        columns = SQL(", ").join(SQL("{} text DEFAULT {}").format(Identifier(name), Literal(ALL)) for name in NAMES[:4])
        connection.execute(
            SQL("CREATE TABLE {} ({}, whose text REFERENCES siege_client)").format(Identifier(RELATED), columns)
        )
        for id in (CLIENT, ALL):
            connection.execute(
                "INSERT INTO siege_client VALUES (%s, %s, %s, %s, %s)",
                (id, f"siege {ALL}", f"company {LONGER[:5000]}", f"{NAMES[0]}@{ALL}", ALL),
            )
            connection.execute(SQL("INSERT INTO {} (whose) VALUES (%s)").format(Identifier(RELATED)), (id,))
    indexing.make(target, DESCRIPTION, "full")
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute("UPDATE siege_client SET state = %s", (f"[@click=app.quit]x[/] [/red] {NAMES[1]}",))
    with target.session() as session:
        operators.open_tenant(session, login, "*")


def saves(target: Target) -> None:
    with target.session() as session:
        saved.save(session, ALL[:60].strip() or "x", f"siege {ALL}"[:300], shared=True)
