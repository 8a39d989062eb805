"""A prepared target for the screens: three thousand people, rows that hold what nobody should put into a database."""

from __future__ import annotations

from pathlib import Path

import psycopg

from console.engine import preparation
from db.session import Target
from tests.servers import Server

PLANS = Path(__file__).parent / "plans"
TEMPLATE = "screens_template"

# slowly() makes a batch last long enough to be seen, for so many ms a row; step `hold` lasts as long as a test wants
TABLES = """
CREATE TABLE person (id integer PRIMARY KEY, name text, email text NOT NULL);
INSERT INTO person SELECT n, 'Person ' || n, 'Person.' || n || '@Example.org' FROM generate_series(1, 3000) n;
CREATE TABLE pause (seconds double precision NOT NULL, row_ms double precision NOT NULL);
INSERT INTO pause VALUES (0, 0);
CREATE FUNCTION slowly(t text) RETURNS text LANGUAGE sql VOLATILE AS
    $$ SELECT lower(t) FROM (SELECT pg_sleep(row_ms / 1000) FROM pause) AS slept $$;
ANALYZE person;
"""
HOSTILE = "[/] [@click=app.quit]x[/] \x1b]52;c;eA==\x07 \x9b31m \u202e"


def make_template(server: Server) -> None:
    url = server.create(TEMPLATE)
    with psycopg.connect(url) as connection:
        connection.execute(TABLES)
    target = Target(url)
    preparation.prepare(target, "sample")
    target.close()


def execute(url: str, *statements: str) -> None:
    """What an application, or the person who mends the data, writes meanwhile."""
    with psycopg.connect(url) as connection:
        for statement in statements:
            connection.execute(statement)
