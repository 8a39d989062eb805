"""Whatever became of the server and its pid file, the next start puts it right and harms nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from db import postgres
from db.postmaster import PID_FILE, SOCKET_LOCK
from tests.servers import answer, ended, kill, pid, wait_until

ACTIVE = "SELECT state FROM pg_stat_activity"


@pytest.fixture
def foreigner(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else, under the account that runs the server: it could be signalled."""
    owner = postgres.start(18, folder).pgdata.stat().st_uid
    account = owner if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "600"], user=account) as process:
        yield process
        process.kill()


def test_it_recovers_from_kill_9_while_a_child_is_still_at_work(folder: Path) -> None:
    server = postgres.start(18, folder)
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    busy = psycopg.connect(server.url("postgres"))
    child = psutil.Process(busy.info.backend_pid)
    work = threading.Thread(target=_work_until_cut_off, args=(busy,))
    work.start()
    wait_until(lambda: answer(server, f"{ACTIVE} WHERE pid = {child.pid}") == "active")
    kill(server)
    assert not ended(child)
    again = postgres.start(18, folder)
    work.join()
    busy.close()
    assert ended(child)
    assert answer(again, "SELECT n FROM kept") == 7


def _work_until_cut_off(connection: psycopg.Connection) -> None:
    with suppress(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 8000000)")


def test_a_pid_that_now_belongs_to_another_process(folder: Path, foreigner: subprocess.Popen[bytes]) -> None:
    server = postgres.start(18, folder)
    kill(server)
    for name in (PID_FILE, SOCKET_LOCK):
        lines = (server.pgdata / name).read_text().splitlines()
        (server.pgdata / name).write_text("\n".join([str(foreigner.pid), *lines[1:], ""]))
    assert postgres.running(18, folder) is None
    assert not postgres.stop(18, folder)
    assert answer(postgres.start(18, folder)) == 42
    assert foreigner.poll() is None


@pytest.mark.parametrize("left", ["", "12", "no number\n", "99999999999999999999\n", "-1\n/x\n"])
def test_a_pid_file_that_was_cut_off(folder: Path, left: str) -> None:
    server = postgres.start(18, folder)
    kill(server)
    (server.pgdata / PID_FILE).write_text(left)
    (server.pgdata / SOCKET_LOCK).write_text(left)
    assert postgres.running(18, folder) is None
    assert answer(postgres.start(18, folder)) == 42


def test_a_server_whose_pid_file_was_lost_is_replaced_by_one_that_has_it(folder: Path) -> None:
    server = postgres.start(18, folder)
    process = psutil.Process(pid(server))
    (server.pgdata / PID_FILE).write_text("")
    again = postgres.start(18, folder)
    assert pid(again) != process.pid
    assert answer(again) == 42


def test_a_server_that_is_stopping_is_waited_for(folder: Path) -> None:
    server = postgres.start(18, folder)
    os.kill(pid(server), signal.SIGINT)
    wait_until(lambda: postgres.running(18, folder) is None)
    assert answer(postgres.start(18, folder)) == 42
