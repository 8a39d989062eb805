"""Client programs that fit the server: pg_dump refuses a newer one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from db.binaries import binary, server_programs
from db.errors import ToolMissing
from tests.servers import Server


def test_the_same_version_as_the_server(server: Server) -> None:
    said = subprocess.check_output([binary("pg_dump", server.version), "--version"], text=True)
    assert f"(PostgreSQL) {server.version}." in said


def test_or_the_nearest_newer() -> None:
    assert binary("psql", 13).exists()
    assert binary("psql", 13) in {binary("psql", major) for major in range(13, 17)}


def test_the_path_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 29.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert binary("pg_dump", 28) == program
    assert binary("pg_dump", 18) != program


def test_an_older_one_is_refused_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 28.1'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"of PostgreSQL 29 or newer is not.*newest found is of 28, which is too old"):
        binary("pg_dump", 29)


def test_nothing_fits() -> None:
    with pytest.raises(ToolMissing, match="pg_dump of PostgreSQL 99"):
        binary("pg_dump", 99)
    with pytest.raises(ToolMissing, match="PostgreSQL 99 is not installed"):
        server_programs(99)
