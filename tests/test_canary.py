"""A canary's name and number, and a password, are planted; nothing that handrail leaves behind sings of them.

FM-E9: no log, error, traceback or event quotes a row. FM-E10: no password anywhere, whatever way it was given.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from console.cli import main
from console.engine.steps.sql import Sql
from db import postgres
from db.errors import HandrailError
from db.postgres import EmbeddedServer
from db.session import Target
from tests.canary import (
    CHECKED,
    FAILING,
    NAME,
    PASSWORD,
    SCENE,
    WAYS,
    kept_silent,
    passfile,
    planned,
    reached,
    silent,
)
from tests.commands.calling import Said
from tests.driving import ONE_STEP
from tests.terminal import ROOT, at_terminal

Handrail = Callable[..., Said]


@pytest.fixture
def embedded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """Under HANDRAIL_HOME, as the demo's is; its login `locked` wants a password."""
    monkeypatch.setenv("HANDRAIL_HOME", str(folder))
    server = postgres.start(18)
    rules = server.pgdata / "pg_hba.conf"
    rules.write_text("local all locked scram-sha-256\n" + rules.read_text())
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE locked LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(SCENE.encode())
    yield server
    passfile(server).unlink(missing_ok=True)


@pytest.fixture
def handrail(capfd: pytest.CaptureFixture[str]) -> Handrail:
    """handrail in this process; what C libraries write is heard too."""

    def call(*words: str, rows: bool = False) -> Said:
        capfd.readouterr()
        try:
            code = main(words)
        except SystemExit as left:
            code = int(str(left.code))
        said = Said(code, *capfd.readouterr())
        silent(said.out + said.err, rows=rows)
        return said

    return call


@pytest.mark.parametrize("way", WAYS)
def test_what_fails_quotes_no_row(
    way: str, embedded: EmbeddedServer, handrail: Handrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("--target", reached(way, embedded, monkeypatch), "--plans", str(tmp_path), "--json")
    assert handrail(*words, "init", "--name", "sample").code == 0
    failing = list(FAILING.values())[: None if way == "URL" else 2]
    for number, (sql, told) in enumerate(failing, 1):
        planned(tmp_path, sql)
        said = handrail(*words, "run", "tiny", "--yes")
        assert (said.code, told in said.out) == (1, True), said.out
        assert handrail(*words, "status").code == 0
        assert handrail(*words, "rollback", str(number), "--confirm", "tiny").code == 0
    planned(tmp_path, "SELECT 1", CHECKED)
    said = handrail(*words, "run", "tiny", "--yes", rows=True)
    assert (said.code, NAME in said.out) == (1, True)  # what the plan's own check selects is shown
    for command in (["doctor"], ["audit", "export"], ["audit", "export", "--format", "csv"], ["audit", "anchor"],
                    ["audit", "verify"]):  # fmt: skip
        assert handrail(*words, *command).code == 0, command
    kept_silent(embedded)


def test_a_session_that_is_lost(embedded: EmbeddedServer, handrail: Handrail, tmp_path: Path,
                                monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    words = ("--target", reached("URL", embedded, monkeypatch), "--plans", str(tmp_path), "--json")
    handrail(*words, "init", "--name", "sample")
    planned(tmp_path, "SELECT name, pg_terminate_backend(pg_backend_pid()) FROM guest")
    assert handrail(*words, "run", "tiny", "--yes").code == 7
    assert handrail(*words, "status").code == 0
    kept_silent(embedded)
    postgres.stop(18)
    assert handrail(*words, "status").code == 7


@pytest.mark.parametrize("way", WAYS)
def test_a_wrong_password(
    way: str, embedded: EmbeddedServer, handrail: Handrail, monkeypatch: pytest.MonkeyPatch
) -> None:
    for json in ([], ["--json"]):
        said = handrail("--target", reached(way, embedded, monkeypatch, f"no{PASSWORD}"), *json, "status")
        assert (said.code, "refused the password" in said.err) == (7, True)
    kept_silent(embedded)


MALFORMED = [
    f"postgresql://locked:{PASSWORD}@localhost/x",  # cut at the first / and @
    "postgresql://locked:5432/Ta-ubenschl@localhost/x",
    "postgresql://locked:a@Ta-ubenschl@localhost:1/x",
    "postgresql://locked:%zTa-ubenschl@localhost/x",
    "postgresql://locked:Ta-ubenschl@[::1/x",
    "postgresql://locked:a/b?Ta-ubenschl@localhost/x",
    "host=localhost password='Ta-ubenschl",
    "host=localhost password=a Ta-ubenschl",
    "host=localhost port=Ta-ubenschl",
    "host=localhost Ta-ubenschl=password",
]


@pytest.mark.parametrize("url", MALFORMED)
def test_a_target_that_is_none_is_not_repeated(url: str, handrail: Handrail) -> None:
    for command in (["status"], ["--json", "doctor"], ["--json", "init", "--name", "x"]):
        said = handrail("--target", url, *command)
        assert said.code in (2, 7)
        assert "Traceback" not in said.err
    with suppress(HandrailError):
        silent(f"{Target(url)!r} {Target(url).label}")


def test_a_restore_that_fails_quotes_no_row(
    embedded: EmbeddedServer, handrail: Handrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(embedded.url("postgres")) as connection:
        connection.execute(
            "CREATE FUNCTION here() RETURNS bool LANGUAGE sql AS $$ SELECT current_database() = 'postgres' $$"
        )
        connection.execute("ALTER TABLE guest ADD CONSTRAINT only_here CHECK (here())")
    words = ("--target", reached("URL", embedded, monkeypatch), "--plans", str(tmp_path), "--json")
    handrail(*words, "init", "--name", "sample")
    (tmp_path / "tiny.toml").write_text(ONE_STEP + 'id = "one"\nkind = "backup"\n')
    said = handrail(*words, "run", "tiny", "--yes")
    assert (said.code, "only_here" in said.out) == (1, True)
    kept_silent(embedded)


def test_a_bug_in_a_step_is_in_the_journal_by_its_kind(
    embedded: EmbeddedServer, handrail: Handrail, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise KeyError(NAME)

    words = ("--target", reached("URL", embedded, monkeypatch), "--plans", str(tmp_path), "--json")
    handrail(*words, "init", "--name", "sample")
    planned(tmp_path, "SELECT 1")
    monkeypatch.setattr(Sql, "apply", bug)
    with pytest.raises(KeyError):
        main([*words, "run", "tiny", "--yes"])
    assert "KeyError" in handrail(*words, "status").out
    kept_silent(embedded)


# A bug while an error is handled, while one is on its way, and an error that nobody handles.
BUGS = {
    "handled": """
def broken(session): session.connection().exec_driver_sql("INSERT INTO public.member SELECT name, phone FROM public.guest")
def failing(url, row):
    from db.session import Target
    try:
        with Target(url).session() as session: broken(session)
    except Exception: raise RuntimeError("a bug")
""",
    "on its way": """
def failing(url, row):
    from db.session import Target
    with Target(url).session() as session:
        try: session.connection().exec_driver_sql("INSERT INTO public.member SELECT name, phone FROM public.guest")
        except Exception: raise RuntimeError("a bug")
""",
    "unhandled": """
def failing(url, row):
    from db.session import Target
    try:
        with Target(url).session() as session:
            session.connection().exec_driver_sql("INSERT INTO public.member SELECT name, phone FROM public.guest")
    except Exception as error: raise RuntimeError("a bug") from error
""",
}
IN_A_SCREEN = """
import asyncio, os, sys
from console.app import HandrailApp
from console.screens.home import HomeScreen
async def look(self):
    url = row = self.app.asking.url
    await asyncio.to_thread(failing, url, row)
HomeScreen.look = look
app = HandrailApp(sys.argv[1])
app.run()
sys.exit(app.return_code)
"""
IN_A_COMMAND = """
import sys
import console.commands.looking as looking
from console.cli import main
from console.engine.steps.sql import Sql
looking.status = lambda options: failing(options.target, options.target)
sys.exit(main(["--target", sys.argv[1], "status"]))
"""


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("way", ["URL", "PGPASSWORD"])
def test_a_console_that_breaks(bug: str, way: str, embedded: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    url = reached(way, embedded, monkeypatch)
    with at_terminal(BUGS[bug] + IN_A_SCREEN, url) as seen:
        assert seen.ended() == 1
        seen.listen(0.2)
    assert "a bug" in seen.reading
    assert "member_name_key" in seen.reading
    silent(seen.written.decode(errors="replace"))
    broken = subprocess.run(
        [sys.executable, "-c", BUGS[bug] + IN_A_COMMAND, url], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (broken.returncode, "a bug" in broken.stderr, "member_name_key" in broken.stderr) == (1, True, True)
    silent(broken.stdout + broken.stderr)
    kept_silent(embedded)
