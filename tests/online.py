"""What tests of online statements say often: a step of them, rubble, a session that is in the way."""

from __future__ import annotations

from typing import Any

import psycopg

from console.engine import executor, journey
from console.engine.plan import Plan
from db.queries import runs
from db.session import Target
from tests.driving import ask, tiny

STEP = """\
id = "index"
kind = "concurrently"
"""
CREATE = "CREATE UNIQUE INDEX CONCURRENTLY person_email ON person (email)"
DROP = "DROP INDEX CONCURRENTLY person_email"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'person_email'::regclass"
NOTHING = "-- nothing to undo: the test says so"


def online(sql: str = CREATE, undo: str = DROP) -> Plan:
    return tiny(f"{STEP}sql = '''{sql}'''\nundo = '''{undo}'''")


def invalidated(target: Target, index: int, more: str = "indisready = false") -> None:
    """As an interrupted build or drop leaves an index."""
    ask(target, f"UPDATE pg_index SET indisvalid = false, {more} WHERE indexrelid = {index}")


def mended(target: Target, number: int) -> Any:
    """What the run's last step says that it mended."""
    with target.session() as session:
        ends = [event for event in runs.events(session, number, 1000) if event.kind in ("step done", "step undone")]
    return ends[-1].detail.get("mended")


def phase(target: Target) -> str:
    """What the index build that is under way waits for or does."""
    return str(ask(target, "SELECT phase FROM pg_stat_progress_create_index WHERE datname = current_database()"))


def cancel(target: Target, pid: int) -> None:
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute("SELECT pg_cancel_backend(%s)", (pid,))


def drive_alone(url: str, number: int) -> None:
    """A console of its own, in another process."""
    with executor.at(Target(url)) as here:
        journey.resume(here, number, said=True)
