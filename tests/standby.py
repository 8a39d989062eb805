"""A replica of a test's server."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from db.binaries import server_programs
from db.server_account import run, server_account
from db.session import Target
from tests.servers import Server

ELSEWHERE = "127.0.0.2"  # who connects to it does so from 127.0.0.1


@contextmanager
def standby(primary: Server, folder: Path) -> Iterator[Target]:
    """A replica of the server, on a socket in its own folder and at an address that is not ours."""
    with socket.socket() as free:
        free.bind((ELSEWHERE, 0))
        port = free.getsockname()[1]
    programs, account = server_programs(primary.version), server_account(primary.embedded.pgdata)
    if not (programs / "pg_basebackup").exists():
        pytest.skip("pg_basebackup is not installed here")
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    copy = folder / "copy"
    source = f"host={primary.embedded.sockets} port=5432 user=postgres application_name=copy"
    made = run(
        [programs / "pg_basebackup", "-D", copy, "-d", source, "-c", "fast", "-R", "-X", "stream"], account, folder
    )
    assert made.returncode == 0, made.stderr
    settings = f"-p {port} -k {folder} -c listen_addresses={ELSEWHERE} -c max_connections=200"
    control: list[str | Path] = [programs / "pg_ctl", "-D", copy, "-w"]
    started = run([*control, "-l", folder / "log", "-o", settings, "start"], account, folder)
    assert started.returncode == 0, (folder / "log").read_text()
    try:
        yield Target(f"postgresql://postgres@/postgres?host={folder}&port={port}")
    finally:
        run([*control, "-m", "immediate", "stop"], account, folder)
