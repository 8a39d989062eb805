"""A pooler in transaction mode is found out and refused (FM-P5, F31): a real PgBouncer stands between."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from console.cli import main
from console.engine import pooler
from console.engine.errors import RunRefused
from console.engine.pooler import require_own_backend
from db.errors import ConnectionFailed
from db.server_account import server_account
from db.session import Target
from tests.driving import ask
from tests.servers import Server, wait_until

pytestmark = pytest.mark.newest

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SETTINGS = """\
[databases]
* = host={sockets} port=5432 user=postgres
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_round_robin = {turns}
logfile = {folder}/pgbouncer.log
"""

Between = Callable[..., Target]


@contextmanager
def pooling(server: Server, folder: Path, mode: str, size: int, turns: int) -> Iterator[Path]:
    """A PgBouncer of its own on a socket in the folder. It refuses to be root, as PostgreSQL does."""
    account = server_account(server.embedded.pgdata)
    settings = folder / "pgbouncer.ini"
    settings.write_text(
        SETTINGS.format(sockets=server.embedded.sockets, folder=folder, mode=mode, size=size, turns=turns)
    )
    if account:
        for path in (folder, settings):
            os.chown(path, account.pw_uid, account.pw_gid)
    process = subprocess.Popen(
        [str(PROGRAM), "-q", str(settings)],
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: process.poll() is not None or (folder / ".s.PGSQL.6432").exists())
        assert process.poll() is None, (folder / "pgbouncer.log").read_text()
        yield folder
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def between(server: Server, sample: Target, folder: Path) -> Iterator[Between]:
    """Gives the sample target as it is reached through a pooler of this mode."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed here (on Debian: apt-get install pgbouncer)")
    with ExitStack() as stack:

        def start(mode: str, size: int = 5, turns: int = 0) -> Target:
            running: AbstractContextManager[Path] = pooling(server, folder, mode, size, turns)
            at = stack.enter_context(running)
            return Target(f"postgresql://postgres@/{ask(sample, 'SELECT current_database()')}?host={at}&port=6432")

        yield start


def test_a_connection_without_a_pooler_is_accepted(sample: Target) -> None:
    require_own_backend(sample)


def test_a_pooler_in_session_mode_is_accepted(between: Between) -> None:
    require_own_backend(between("session"))


@pytest.mark.parametrize("turns", [0, 1], ids=["last used first", "in turn"])
@pytest.mark.parametrize("waiting", [0, 1, 2, 3])
def test_a_pooler_in_transaction_mode_is_refused(between: Between, turns: int, waiting: int) -> None:
    """However many backends wait in its pool, and whichever it gives out."""
    target = between("transaction", 5, turns)
    with ExitStack() as others:
        for _ in range(waiting):
            other = others.enter_context(psycopg.connect(target.url))
            other.execute("SELECT 1")
    with pytest.raises(RunRefused, match="A pooler in transaction mode is between") as refusal:
        require_own_backend(target)
    assert refusal.value.hint == "Connect to the server itself (port 5432) or use session mode."


def test_a_pool_of_one_is_refused_and_does_not_hang(between: Between) -> None:
    target = between("transaction", 1)
    began = time.monotonic()
    with pytest.raises(RunRefused, match="A pooler in transaction mode is between"):
        require_own_backend(target)
    assert time.monotonic() - began < 5


def test_a_pooler_in_statement_mode_is_refused(between: Between) -> None:
    with pytest.raises(RunRefused, match="A pooler in transaction mode is between"):
        require_own_backend(between("statement"))


def test_the_question_leaves_no_setting_in_anybodys_pool(between: Between, sample: Target) -> None:
    """F31: what it set for its session, the application would get with the backend."""
    target = between("transaction")
    settings = "SELECT json_object_agg(name, setting) FROM pg_settings WHERE name <> 'application_name'"
    before = ask(target, settings)
    with pytest.raises(RunRefused):
        require_own_backend(target)
    assert ask(target, settings) == before


def test_a_connection_that_ends_meanwhile_speaks_for_itself(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not the pooler's fault."""
    asked = pooler._asked

    def ended(connection: psycopg.Connection) -> int:
        pid = asked(connection)
        ask(sample, "SELECT pg_terminate_backend(%s)", pid)
        return pid

    monkeypatch.setattr(pooler, "_asked", ended)
    with pytest.raises(ConnectionFailed):
        require_own_backend(sample)


def test_where_no_connection_is_left_the_server_speaks(sample: Target) -> None:
    """And the one that was had is given back."""
    ask(sample, "CREATE ROLE single LOGIN CONNECTION LIMIT 1")
    single = Target(sample.url.replace("postgres@", "single@"))
    try:
        for _ in range(2):
            with pytest.raises(ConnectionFailed):
                require_own_backend(single)
            wait_until(lambda: not ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'single'"))
            assert ask(single, "SELECT 1") == 1
            wait_until(lambda: not ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'single'"))
    finally:
        ask(sample, "DROP ROLE single")


def test_doctor_names_the_pooler(between: Between, capsys: pytest.CaptureFixture[str]) -> None:
    plan = Path(__file__).parent / "plans" / "small.toml"
    assert main(["--target", between("transaction").url, "doctor", "--plan", str(plan)]) == 6
    assert "A pooler in transaction mode is between" in capsys.readouterr().out
