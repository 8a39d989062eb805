"""handrail as a shell starts it: processes of their own, with and without a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.engine.preparation import prepare
from db.postgres import EmbeddedServer
from db.session import Target
from tests.driving import ask

ROOT = Path(__file__).parent.parent.parent
FOR_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SLOW = """\
format = 1
id = "slow"
target = "sample"
title = "Slow"
[[phase]]
title = "Only"
[[phase.step]]
id = "slow"
kind = "sql"
title = "Slow while somebody is named slow"
estimate = "1s"
lock_timeout = "60s"
sql = '''
CREATE TABLE half (a int);
{sql}
'''
undo = "DROP TABLE half"
done_when = "SELECT to_regclass('half') IS NOT NULL"
"""
SLEEP = "SELECT pg_sleep(600) FROM person WHERE email = 'slow';"
WRITE = "ALTER TABLE person ADD COLUMN more int;"
ACTIVE = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
SLEEPS = f"SELECT count(*) {ACTIVE} AND wait_event = 'PgSleep'"
EXECUTORS = f"SELECT count(*) {ACTIVE} AND application_name = 'handrail: executor'"
MAIN = "import sys; from console.cli import main; sys.exit(main())"


class Said:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def plans(folder: Path, sql: str = SLEEP) -> str:
    """A folder with the plan `slow`, whose one step is `sql`."""
    (folder / "slow.toml").write_text(SLOW.format(sql=sql))
    return str(folder)


def of_its_own(server: EmbeddedServer) -> Target:
    """The target `sample` on a server of the test's own, with one person in it, who is slow."""
    target = Target(server.url("postgres"), "sample")
    prepare(target, "sample")
    ask(target, "CREATE TABLE person (email text)")
    ask(target, "INSERT INTO person VALUES ('slow')")
    return target


@contextmanager
def started(
    target: Target, *words: str, first: str = "", ignored: Sequence[int] = (), **streams: Any
) -> Iterator[subprocess.Popen[str]]:
    """A handrail that runs; `first` is Python that it runs before, and what is `ignored` is so from its start."""

    def signals() -> None:
        for number in FOR_SIGNALS:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    with subprocess.Popen(
        [sys.executable, "-c", f"{first}\n{MAIN}", "--target", target.url, *words],
        cwd=ROOT, text=True, **{"preexec_fn": signals, **streams},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def at_terminal(target: Target, typed: str, *words: str) -> Said:
    """handrail with a terminal as its standard input, at which `typed` has been typed ahead."""
    master, slave = pty.openpty()
    os.write(master, typed.encode())
    try:
        with started(target, *words, stdin=slave) as process:
            out, err = process.communicate(timeout=60)
    finally:
        os.close(master)
        os.close(slave)
    return Said(process.returncode, out, err)
