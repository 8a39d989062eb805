"""Real servers for the tests: each in a folder of its own, on a Unix socket alone, gone at the end."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from db import postgres
from db.postmaster import postmaster

# Tests crash servers with kill -9, which loses nothing that the kernel has; only a power cut would.
HASTE = ("fsync", "full_page_writes")
MEMORY, ROOM = Path("/dev/shm"), 8 * 2**30  # bytes for all of a run's servers


@dataclass(frozen=True)
class Server:
    version: int
    embedded: postgres.EmbeddedServer

    def url(self, database: str) -> str:
        return self.embedded.url(database)

    def create(self, database: str, template: str | None = None) -> str:
        """The new database's URL. A template may have no session open while it is copied."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
            sql.Identifier(database), sql.Identifier(template or "template0")
        )
        self._execute(statement)
        # nobody has seen the journal of a database that is new, whatever another of its name had
        for seen in postgres.home().glob(f"*/*/{database}.json*"):
            seen.unlink()
        return self.url(database)

    def drop(self, database: str) -> None:
        """Whoever is still connected is cut off."""
        name = sql.Identifier(database)
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def serving(version: int) -> Iterator[Server]:
    with server_folder() as folder:
        server = Server(version, postgres.start(version, folder))
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            for setting in HASTE:
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield server


@contextmanager
def server_folder() -> Iterator[Path]:
    """Short enough for a socket, and outside pytest's own folder, which it closes to other users."""
    folder = Path(tempfile.mkdtemp(prefix="handrail-", dir=MEMORY if _roomy() else None))
    try:
        yield folder
    finally:
        for lock in folder.rglob("[0-9][0-9].lock"):
            postgres.stop(int(lock.stem), lock.parent)
        shutil.rmtree(folder)


def _roomy() -> bool:
    """Whether memory holds what the tests write: a new database is there in 10 ms, and on some disks in 300."""
    return MEMORY.is_dir() and min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) > ROOM


def wait_until(happened: Callable[[], object], limit: float = 30) -> None:
    """For what another process does in its own time."""
    deadline = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < deadline, f"not within {limit} s: {happened}"
        time.sleep(0.01)


def pid(server: postgres.EmbeddedServer) -> int:
    found = postmaster(server.pgdata)
    assert found is not None
    return found.process.pid


def ended(process: psutil.Process) -> bool:
    """A zombie has; in a container nobody may ever collect it."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill(server: postgres.EmbeddedServer) -> None:
    """As the kernel would, short of memory: the postmaster alone, its children left behind."""
    psutil.Process(pid(server)).kill()
    wait_until(lambda: postmaster(server.pgdata) is None)


def answer(server: postgres.EmbeddedServer, question: str = "SELECT 42") -> object:
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute(question.encode()).fetchone()
    return row[0] if row else None
