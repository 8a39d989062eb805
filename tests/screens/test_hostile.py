"""Hostile text goes through every screen and command: no raw byte of it, no crash, no action fired (I-10, FM-E1 to E7).

A new screen is a Visit of a walk, a new command a line of COMMANDS; a screen that no walk visits fails a test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from threading import Thread
from typing import NamedTuple

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from console.app import PLACES
from console.cli import main
from console.engine import journey, reading
from db.errors import HandrailError
from db.session import Target
from tests.driving import drive, look
from tests.hostile import ALL, MARKS, raw
from tests.screens import planted, planted_clients
from tests.screens.waiting import ask
from tests.servers import wait_until
from tests.staffed import as_login
from tests.terminal import ROOT, Terminal, at_terminal

pytestmark = pytest.mark.newest
HANDRAIL = "import sys; from console.cli import main; sys.exit(main())"
SIZE = (140, 50)
DEAF, SETTLED, LEFT = 0.7, 0.25, 0.5  # seconds: of a dialog, of a screen, and of an escape that begins no sequence
ESCAPE, UP, DOWN, END = "\x1b", "\x1b[A", "\x1b[B", "\x1b[F"
CTRL_F, CTRL_O, CTRL_P, CTRL_T, CTRL_U = "\x06", "\x0f", "\x10", "\x14", "\x15"
PASTED = ALL.replace(ESCAPE, "").replace("\n", "")  # terminals paste no escape
WAITS = (
    "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database()"
)


class Siege(NamedTuple):
    target: Target
    folder: Path
    way: ExitStack
    """Holds the session that is in the way."""

    def options(self, target: Target) -> list[str]:
        return ["--target", target.url, "--plans", str(self.folder)]


class Visit(NamedTuple):
    """Keys from where one is, and what of handrail's own words stands there; `place` is a key of PLACES, or what else
    it is. `back` escapes lead on to the next; `first` happens before the keys."""

    place: str
    keys: str
    sees: tuple[str, ...]
    back: int = 0
    first: Callable[[Siege], None] | None = None
    hostile: bool = True


def someone_else_works(siege: Siege) -> None:
    """Changes the schema, and is in the way of the next step."""
    with psycopg.connect(siege.target.url) as connection:
        connection.execute(SQL("CREATE TABLE {} (a int)").format(Identifier(planted.NAMES[3])))
    siege.way.enter_context(planted.in_the_way(siege.target))


def another_watches(siege: Siege) -> None:
    walk(siege, as_login(siege.target, "sec2"), WATCH)


def way_is_free(siege: Siege) -> None:
    siege.way.close()


def peace(siege: Siege) -> None:
    with psycopg.connect(siege.target.url) as connection:
        connection.execute("INSERT INTO peace VALUES (1)")


def gate_is_broken(siege: Siege) -> None:
    wait_until(lambda: ask(siege.target.url, "SELECT pid FROM pg_locks WHERE locktype = 'advisory'") == [])
    planted.gated(siege.target, 2)


ENGINEER = (
    Visit("home", "", ("PostgreSQL 18", "siege")),
    Visit("help", "?", ("esc closes",), back=1, hostile=False),
    Visit("palette", CTRL_P, ("Search for commands",), back=1, hostile=False),
    Visit("run", "\r", ("run 1 faults", "✗ failed", "Log (UTC)")),
    Visit("sql", "s", ("forward",), back=1),
    Visit("checkpoint", "\r", ("1 of 2 checks passed", "Rows at fault")),
    Visit("rows", "\r", ("row 1",), back=1),
    Visit("sql", "s", ("checkpoint faulty",), back=2),
    Visit("rollback", "R", ("Type faults to roll back:", "what others wrote since")),
    Visit("run", "faults\r", ("the schema is",), back=1),
    Visit("notice", "\t\r", ("broken.toml line",)),
    Visit("plan", END + "\r", ("plan siege",)),
    Visit("sql", "s", ("siege ·",), back=1),
    Visit("dialog", "S", ("Start a run of siege on sample?",)),
    Visit("run", "y", ("run 2 siege",)),
    Visit("dialog", "n", ("Is step 1",)),
    Visit("run", "y", ("step done",)),
    Visit("dialog", "n", ("Somebody else changed the schema",), first=someone_else_works),
    Visit("run", "y", ("blocked by pid",)),
    Visit("dialog", "x", ("Stop step 2",), back=1, first=another_watches),
    Visit("blockers", "b", ("its last statement", "It holds")),
    Visit("dialog", "t", ("Terminate the session",), back=2),
    Visit("notice", "", ("✗ step 2",), first=way_is_free),
    Visit("dialog", "n", ("Do step 2",), first=peace),
    Visit("run", "y", ("measures it",)),
    Visit("dialog", "n", ("Measure checkpoint",)),
    Visit("run", "y", ("waits for security",)),
    Visit("decision", "d", ("answers 1", "waits for security"), first=gate_is_broken),
    Visit("dialog", "\r", ("take it",), back=1),
    Visit("dialog", "w", ("Run 2 of siege,",), back=2),
    Visit("checkpoint", UP + "\r", ("Sign-offs", "✗ rejected"), back=1),
    Visit("inbox", "i", ("! break-glass 1",)),
    Visit("audit", "A", ("events",), hostile=False),  # the newest may all be tries for a lock
    Visit("rows", "\r", ("row 1", "hash"), back=1, hostile=False),
    Visit("audit", "v", ("whole",), hostile=False),
    Visit("audit", "f", (), hostile=False),
    Visit("audit", f"\x1b[200~{PASTED}\x1b[201~", ("\u2401",)),
    Visit("notice", "\r", ("filter.",), back=2),
)
WATCH = (
    Visit("home", "", ("PostgreSQL 18", "siege")),
    Visit("run", "\r", ("runs it elsewhere",)),
    Visit("dialog", "T", ("Take run 2 over",), back=1),
    Visit("dialog", "x", ("Stop step 2",), back=2),
)
APPROVER = (
    Visit("home", "", ("PostgreSQL 18", "BREAK-GLASS")),
    Visit("inbox", "i", ("for you", "sign")),
    Visit("checkpoint", "\r", ("Sign-offs",), back=1),
    Visit("decision", END + "\r", ("security: needed (you)",)),
    Visit("dialog", "a", ("approve it",), back=1),
    Visit("dialog", "G", ("break it open",), back=3),
)
SUPPORT = (
    Visit("home", "", ("PostgreSQL 18", "siege")),
    Visit("clients", "/", ("2 found", "\u2401")),
    Visit("clients", "zzz", ("0 found",), hostile=False),
    Visit("clients", CTRL_U + "siege", ("2 found", "\u2401")),
    Visit("clients", f" \x1b[200~{PASTED}\x1b[201~", ("over 12 words",)),
    Visit("dialog", CTRL_F, ("Filter by",), back=1),
    Visit("dialog", CTRL_O, ("Saved searches",), back=1),
    Visit("clients", CTRL_U + "siege", ("2 found",), hostile=False),  # the rows stood there all the while
    Visit("client", DOWN + "\r", ("Id", "faults, is failed", "History")),
    Visit("rows", END + "\r", ("row 1",), back=1),
    Visit("dialog", "\x1b[H" + DOWN * 3 + "m", ("Reveal",)),
    Visit("client", f"\x1b[200~why {PASTED}\x1b[201~\r", ("siege",), hostile=False, back=3),
    Visit("tenants", CTRL_T, ("tenant",), back=1),
)
COMMANDS = (
    "status", "status 1", "blockers", "inbox --all", "inbox", "plan list", "plan show siege", "plan show faults",
    "plan lint", "plan show broken", "audit export", "audit export --format csv", "audit verify", "decisions",
    "decisions show 2 how", "operator list", "doctor", "doctor --plan siege", "rollback 2", "sign 2 how --approve",
    "resume 2 --take-over", "resume 2", "init --name sample", "clients search siege", "clients show c1", "clients saved",
    "clients reveal c1 email --reason because", "clients search siege --export csv", "tenants list",
    "clients search siege --export jsonl", "fingerprint", "report 2", "report 2 --format html",
)  # fmt: skip


@pytest.fixture
def siege(sample: Target, tmp_path: Path) -> Iterator[Siege]:
    """Run 1 stands at a checkpoint with rows at fault; a login with a hostile name began it."""
    planted.plans(tmp_path)
    planted.plant(sample)
    assert planted.fails(sample, tmp_path) == 1
    with ExitStack() as way:
        yield Siege(sample, tmp_path, way)


def walk(siege: Siege, target: Target, visits: Sequence[Visit]) -> None:
    """From the start of a console to its end by `q`, and by nothing else."""
    with at_terminal(HANDRAIL, *siege.options(target), size=SIZE) as seen:
        for visit in visits:
            _visits(siege, seen, visit)
        seen.types("q")
        assert seen.ended() == 0
        seen.listen(0.1)
        assert raw(seen.written, terminal=True) == []
        text = seen.written.decode()
        assert [mark for mark in MARKS if mark not in text] == []


def _visits(siege: Siege, seen: Terminal, visit: Visit) -> None:
    if visit.first:
        visit.first(siege)
    again = visit.place == "dialog" and visit.keys in ("S", "n")  # not heard until the place knows that it may
    for last in (*[False] * (3 if again else 0), True):
        if visit.keys:
            seen.types(visit.keys)
        try:
            seen.sees(*visit.sees, limit=60 if last else 10)
            break
        except AssertionError:
            if last:
                raise
    seen.listen(DEAF if visit.place == "dialog" else SETTLED)
    for _ in range(120):
        if not visit.hostile or any(mark in seen.reading for mark in MARKS):
            break
        seen.listen(0.25)
    assert not visit.hostile or any(mark in seen.reading for mark in MARKS), f"{visit}: {seen.reading}"
    assert raw(seen.written, terminal=True) == [], visit
    for _ in range(visit.back):
        seen.types(ESCAPE)
        seen.listen(LEFT)


def test_every_screen(siege: Siege) -> None:
    walk(siege, planted.besieger(siege.target), ENGINEER)
    walk(siege, as_login(siege.target, "sec2"), APPROVER)


def test_every_screen_of_support(siege: Siege) -> None:
    planted_clients.plant(siege.target, planted.LOGIN)
    planted_clients.saves(planted.besieger(siege.target))
    walk(siege, planted.besieger(siege.target), SUPPORT)


def test_no_screen_is_left_out() -> None:
    visited = {visit.place for visit in (*ENGINEER, *WATCH, *APPROVER, *SUPPORT)}
    assert {*PLACES, "home", "dialog", "notice", "palette"} - visited == set()


def test_every_command(siege: Siege, capsys: pytest.CaptureFixture[str]) -> None:
    target, harm = siege.target, planted.besieger(siege.target)
    drive(harm, lambda here: journey.back(here, 1))
    drive(harm, lambda here: journey.begin(here, reading.load("siege", siege.folder)))
    siege.way.enter_context(planted.in_the_way(target))
    going = Thread(target=_goes_on, args=(harm,))
    going.start()
    wait_until(lambda: ask(target.url, WAITS))
    for _ in range(50):  # the step lets go of the queue between two tries, and then nobody is in its way
        told = _commands(siege, harm, capsys, ("status", "blockers"))
        if "[@click=app.quit]" in told["blockers"]:
            break
    assert "[@click=app.quit]" in told["blockers"]
    siege.way.close()
    going.join()
    assert look(target, 2).state == "failed"
    _commands(siege, harm, capsys, ("status", "resume 2"))
    peace(siege)
    _goes_on(harm)
    planted.gated(target, 2)
    planted_clients.plant(target, planted.LOGIN)
    planted_clients.saves(harm)
    told = _commands(siege, harm, capsys, COMMANDS)
    silent = [name for name in COMMANDS if not any(mark in told[name] for mark in (*MARKS, "\\u001b", "\\x1b"))]
    assert silent == ["blockers", "audit verify", "rollback 2", "init --name sample"]


def _goes_on(harm: Target) -> None:
    with suppress(HandrailError):
        drive(harm, lambda here: journey.resume(here, 2, said=True))


def _commands(
    siege: Siege, target: Target, capsys: pytest.CaptureFixture[str], commands: Sequence[str]
) -> dict[str, str]:
    """What each said, on both streams, as lines and as JSON."""
    told: dict[str, str] = {}
    for command in commands:
        for form in ([], ["--json"]):
            main([*siege.options(target), *command.split(), *form])
            out, err = capsys.readouterr()
            assert raw((out + err).encode()) == [], f"{command} {form}"
            assert "Traceback" not in err, command
            if form:
                assert all(json.loads(line) is not None for line in out.splitlines() if "csv" not in command)
            told[command] = told.get(command, "") + out + err
    return told


@pytest.mark.parametrize(
    "words",
    [
        ("status", ALL), ("status", "1", ALL), ("plan", "show", ALL), ("--plans", ALL, "plan", "list"),
        ("--target", ALL, "status"), ("audit", "verify", "--anchor", ALL), ("audit", "export", "--person", ALL),
        ("run", ALL, "--until", ALL),
    ],
)  # fmt: skip
def test_what_was_typed_comes_back_in_one_line(
    sample: Target, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    with suppress(SystemExit):
        main(["--target", sample.url, *words])
    out, err = capsys.readouterr()
    assert raw((out + err).encode()) == []
    assert len(err.splitlines()) == 1


def test_a_real_pipe(siege: Siege) -> None:
    for words in (["status"], ["status", "--json"], ["audit", "export", "--format", "csv"]):
        done = subprocess.run(
            [sys.executable, "-c", HANDRAIL, *siege.options(siege.target), *words],
            capture_output=True, cwd=ROOT, check=True,
        )  # fmt: skip
        assert raw(done.stdout + done.stderr) == []
        assert done.stdout
