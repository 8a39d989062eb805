"""The embedded server: found anywhere, shared by all, stopped when told, plain about what it lacks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import psutil
import psycopg
import pytest

from db import postgres
from db.errors import ServerNotStarted
from db.postmaster import PID_FILE
from tests.servers import Server, answer, ended, wait_until

ROOT = Path(__file__).parents[2]
START = "from db import postgres; print(postgres.start().pgdata)"
NOBODY = 65534


def python(home: Path, code: str = START) -> subprocess.Popen[str]:
    """Another process of ours, a console as it were."""
    environment = {**os.environ, "HANDRAIL_HOME": str(home), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)


def test_it_answers_with_two_hundred_connections_and_safe_writes(folder: Path) -> None:
    server = postgres.start(18, folder)
    assert answer(server, "SHOW max_connections") == "200"
    assert answer(server, "SHOW fsync") == "on"
    assert answer(server, "SHOW listen_addresses") == ""
    assert answer(server, "SELECT lower('MÜLLER ŁÓDŹ ΑΘΗΝΑ')") == "müller łódź αθηνα"


def test_only_its_owner_reaches_the_socket(folder: Path) -> None:
    server = postgres.start(18, folder)
    assert stat.S_IMODE(server.sockets.stat().st_mode) == 0o700


def test_it_outlives_the_console_and_is_found_again(folder: Path) -> None:
    console = python(folder)
    said, complaints = console.communicate()
    assert (console.returncode, complaints) == (0, "")
    server = postgres.running(18, folder / "postgres")
    assert server is not None
    assert said.strip() == str(server.pgdata)
    assert postgres.start(18, folder / "postgres") == server
    assert answer(server) == 42


def test_consoles_that_start_it_at_once_share_one(folder: Path) -> None:
    consoles = [python(folder) for _ in range(3)]
    for console in consoles:
        _, complaints = console.communicate()
        assert (console.returncode, complaints) == (0, "")
    server = postgres.running(18, folder / "postgres")
    assert server is not None
    starts = (server.pgdata / "server.log").read_text().count("starting PostgreSQL")
    assert starts == 1


def test_stop_says_whether_it_ran(folder: Path) -> None:
    assert not postgres.stop(18, folder)
    server = postgres.start(18, folder)
    assert postgres.stop(18, folder)
    assert postgres.running(18, folder) is None
    assert not postgres.stop(18, folder)
    assert not (server.pgdata / PID_FILE).exists()


def test_asking_makes_no_folder(folder: Path) -> None:
    assert postgres.running(18, folder / "new") is None
    assert not postgres.stop(18, folder / "new")
    assert not (folder / "new").exists()


def test_a_data_folder_that_was_cut_off_half_way_is_made_anew(folder: Path) -> None:
    half = folder / "18.new-gone"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert answer(postgres.start(18, folder)) == 42
    assert not half.exists()


@pytest.mark.parametrize("name", ["a b#100%@né+e&f=g?", "one,two", "l" * 120])
def test_any_path_and_any_database_make_a_url(folder: Path, name: str) -> None:
    server = postgres.start(18, folder / name)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute('CREATE DATABASE "a b/c?d%e+f"')
    with psycopg.connect(server.url("a b/c?d%e+f")) as connection:
        assert connection.info.dbname == "a b/c?d%e+f"
    assert postgres.running(18, folder / name) == server
    assert postgres.stop(18, folder / name)
    assert server.sockets == server.pgdata or not server.sockets.exists()


def test_a_path_that_pg_ctl_would_misread_is_refused(folder: Path) -> None:
    with pytest.raises(ServerNotStarted, match="quote, \\$ or backslash"):
        postgres.start(18, folder / "$HOME")


def test_settings_for_another_server_do_not_move_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "LC_ALL": "xx_XX.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    assert answer(postgres.start(18, folder)) == 42


def test_home_is_where_it_was_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    assert postgres.home() == tmp_path
    monkeypatch.delenv("HANDRAIL_HOME")
    assert postgres.home().name == "handrail"


def test_a_home_that_is_no_folder_is_one_clear_line(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(ServerNotStarted) as caught:
        postgres.start(18, folder / "file")
    assert caught.value.message.startswith(f"The embedded server cannot use {folder / 'file'}")
    assert "HANDRAIL_HOME" in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_console_that_is_killed_while_it_makes_the_server_leaves_no_half_of_one(folder: Path) -> None:
    with python(folder) as console:
        wait_until(lambda: any(folder.rglob("PG_VERSION")))
        left = psutil.Process(console.pid).children(recursive=True)
        console.kill()
    assert answer(postgres.start(18, folder / "postgres")) == 42
    wait_until(lambda: all(ended(process) for process in left))
    postgres.stop(18, folder / "postgres")
    postgres.start(18, folder / "postgres")
    assert {path.name for path in (folder / "postgres").iterdir()} == {"18", "18.lock"}


def test_a_console_that_is_killed_while_the_server_comes_up(folder: Path) -> None:
    with python(folder) as console:
        wait_until((folder / "postgres" / "18" / PID_FILE).exists)
        console.kill()
    assert answer(postgres.start(18, folder / "postgres")) == 42


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(folder: Path) -> None:
    code = (
        "import resource; from db import errors, postgres\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"  # as if the disk ended there
        "try: postgres.start()\n"
        "except errors.ServerNotStarted as error: print(error.message)"
    )
    said, complaints = python(folder, code).communicate()
    assert complaints == ""
    assert said.startswith("The embedded server could not be made: ")
    assert said.count("\n") == 1
    assert [path.name for path in (folder / "postgres").iterdir()] == ["18.lock"]


def test_settings_that_the_server_refuses_are_told_from_its_log(folder: Path) -> None:
    server = postgres.start(18, folder)
    postgres.stop(18, folder)
    with (server.pgdata / "postgresql.conf").open("a") as settings:
        settings.write("work_mem = 'much'\n")
    with pytest.raises(ServerNotStarted, match=r"did not start: .*errors"):
        postgres.start(18, folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to open the way for another account")
def test_roots_folders_may_be_passed_and_not_listed(folder: Path) -> None:
    (folder / "own").mkdir(mode=0o700)
    assert answer(postgres.start(18, folder / "own")) == 42
    assert stat.S_IMODE((folder / "own").stat().st_mode) == 0o701


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests are run by an ordinary user already")
def test_an_ordinary_user_has_one_too_after_root(folder: Path) -> None:
    folder.chmod(0o755)
    own, roots = folder / "own", folder / "root"
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    assert answer(postgres.start(18, roots / "postgres")) == 42
    said, complaints = _as_nobody(own, START)
    assert (said, complaints) == (f"{own}/postgres/18\n", "")
    _, complaints = _as_nobody(roots, START)
    assert f"cannot use {roots}/postgres/18/postmaster.pid: Permission denied" in complaints
    said, complaints = _as_nobody(own, "from db import postgres; print(postgres.stop())")
    assert (said, complaints) == ("True\n", "")


def _as_nobody(home: Path, code: str) -> tuple[str, str]:
    """Root's own Python may lie where nobody else can go; the system's will do then."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    path = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])
    environment = {"HANDRAIL_HOME": str(home), "PYTHONPATH": path, "PATH": os.environ["PATH"]}
    for interpreter in (sys.executable, f"/usr/bin/{version}"):
        try:
            answer = subprocess.run(
                [interpreter, "-c", code],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                env=environment,
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        return answer.stdout, answer.stderr
    pytest.skip(f"no {version} here that an ordinary user can run")


def test_every_version_makes_and_drops_databases(server: Server) -> None:
    with psycopg.connect(server.create("first")) as connection:
        assert connection.info.server_version // 10000 == server.version
        connection.execute("CREATE TABLE client (id int)")
    connection = psycopg.connect(server.create("second", template="first"))
    connection.execute("TABLE client")
    server.drop("second")
    connection.close()
    server.drop("first")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.url("first"))
