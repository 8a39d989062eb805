"""A canary: personal data and a password that are planted, and the search for them in all that handrail leaves."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from db.postgres import EmbeddedServer
from db.session import Target
from tests.driving import ONE_STEP, ask

NAME, PHONE, PASSWORD = "Kanari Goldfink", "+49305550177", "Ta-ubenschl@g/77"
PERSONAL = ("Kanari", "Goldfink", "5550177")
SECRET = (PASSWORD, quote(PASSWORD, safe=""), "Ta-ubenschl", "g/77")
WAYS = ("URL", "PGPASSWORD", "PGPASSFILE")

SCENE = f"""
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE guest (id int PRIMARY KEY, name text, phone text);
CREATE TABLE member (name text UNIQUE, phone text NOT NULL CHECK (length(phone) < 20), boss text REFERENCES member (name));
CREATE TABLE stay (phone text, EXCLUDE (phone WITH =));
INSERT INTO guest VALUES (1, '{NAME}', '{PHONE}');
INSERT INTO member VALUES ('{NAME}', '{PHONE}');
INSERT INTO stay VALUES ('{PHONE}');
CREATE FUNCTION told() RETURNS void LANGUAGE plpgsql AS $$ DECLARE who guest; BEGIN
    SELECT * INTO who FROM guest;
    RAISE EXCEPTION 'one is odd' USING DETAIL = who.name, HINT = who.phone, ERRCODE = '23514', CONSTRAINT = 'odd';
END $$;
CREATE FUNCTION built() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
    EXECUTE format('INSERT INTO member VALUES (%L, %L)', '{NAME}', '{PHONE}');
END $$;
"""

FAILING = {
    "unique": ("INSERT INTO member SELECT name, phone FROM guest", "member_name_key"),
    "not null": ("INSERT INTO member SELECT name || 2, NULL FROM guest", "not-null"),
    "check": ("INSERT INTO member SELECT name || 2, repeat(phone, 2) FROM guest", "member_phone_check"),
    "foreign key": ("INSERT INTO member SELECT name || 2, phone, name || 3 FROM guest", "member_boss_fkey"),
    "exclusion": ("INSERT INTO stay SELECT phone FROM guest", "stay_phone_excl"),
    "index": ("INSERT INTO guest SELECT 2, name, phone FROM guest; CREATE UNIQUE INDEX one ON guest (phone)", "one"),
    "number": ("SELECT name::int FROM guest", "22P02"),
    "too large": ("SELECT phone::int FROM guest", "22003"),
    "enum": ("SELECT name::mood FROM guest", "22P02"),
    "date": ("SELECT name::date FROM guest", "22007"),
    "a time": ("SELECT ('2000-01-01 ' || right(phone, 7))::timestamp FROM guest", "2200"),
    "json": ("SELECT name::jsonb FROM guest", "22P02"),
    "uuid": ("SELECT phone::uuid FROM guest", "22P02"),
    "raised": ("SELECT told()", "odd"),
    "built": ("SELECT built()", "member_name_key"),
}

CHECKED = """
[phase.checkpoint]
id = "looked"
title = "Looked"
[[phase.checkpoint.check]]
id = "none"
kind = "sql"
title = "Nobody is called so"
sql = "SELECT count(*) FROM guest WHERE name::int > 0"
equals = 0
[[phase.checkpoint.check]]
id = "nobody"
kind = "sql"
title = "Nobody at all"
sql = "SELECT name, phone FROM guest"
no_rows = true
"""


def reached(way: str, server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, word: str = PASSWORD) -> str:
    """The target, with the password given one of the ways."""
    url = server.url("postgres", "locked")
    if way == "URL":
        return url.replace("locked@", f"locked:{quote(word, safe='')}@")
    if way == "PGPASSWORD":
        monkeypatch.setenv("PGPASSWORD", word)
    else:
        file = passfile(server)
        file.write_text(f"*:*:*:locked:{word}\n")
        file.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(file))
    return url


def passfile(server: EmbeddedServer) -> Path:
    """Beside the folder that is searched for the password; whoever asked for it takes it away."""
    folder = server.pgdata.parent.parent
    return folder.with_name(f"{folder.name}.pgpass")


def silent(words: str, *, rows: bool = False) -> None:
    """`rows` are those that a plan's own check selects, and those of a dump."""
    found = [one for one in (*SECRET, *(() if rows else PERSONAL)) if one in words]
    assert found == [], words[-3000:]


def kept_silent(server: EmbeddedServer) -> None:
    """The journal, and all files: those of the server are the application's own, but for its log."""
    if not ask(Target(server.url("postgres")), "SELECT to_regnamespace('handrail') IS NULL"):
        silent(journal(server))
    home = server.pgdata.parent.parent
    for file in home.rglob("*"):
        if file.is_file() and not file.is_symlink():
            of_server = server.pgdata in file.parents and file.name != "server.log"
            silent(file.read_bytes().decode("latin-1"), rows=of_server or file.suffix in (".dump", ".unproven"))


def journal(server: EmbeddedServer) -> str:
    """All of it, but for the rows that a plan's checks selected."""
    told = []
    with psycopg.connect(server.url("postgres")) as connection:
        tables = connection.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'handrail'::regnamespace"
        )
        for (table,) in tables.fetchall():
            found = connection.execute(f"SELECT (to_jsonb(t) - '{{rows,row}}'::text[])::text FROM {table} t".encode())
            told += [row for (row,) in found]
    return "\n".join(told)


def planned(folder: Path, sql: str, more: str = "") -> None:
    step = f'id = "one"\nkind = "sql"\nsql = "{sql}"\nundo = "-- none"\n'
    (folder / "tiny.toml").write_text(ONE_STEP + step + more)
