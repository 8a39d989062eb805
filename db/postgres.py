"""The embedded PostgreSQL: up in a second, under the user's data folder, shared by every console.

Nobody owns it: it outlives the console that started it, and ends when told to. Consoles that start
it at once take turns on a lock file beside the data. After kill -9, at any moment, the next start
puts it right.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import platformdirs

from db.binaries import binary, server_programs
from db.errors import ServerNotStarted
from db.postmaster import clear, end, postmaster
from db.server_account import let_read, let_through, run, server_account

__all__ = ["EmbeddedServer", "binary", "home", "running", "start", "stop"]

START_LIMIT = 300  # seconds; a recovery after a crash replays what was written, and that takes its time
SOCKET_PATH_LIMIT = 103  # bytes in an address of a Unix socket, on the smaller of our systems (macOS)
SOCKETS = "handrail-"  # a folder of that name in the temporary one, where the path is too long
UNFINISHED = ".new-"  # part of the name of a data folder until it is whole
SETTINGS = ("-c", "listen_addresses=", "-c", "max_connections=200",
            # an error of a statement is its client's to know; it quotes rows, and a log is read by others (FM-E9)
            "-c", "log_min_messages=log", "-c", "log_min_error_statement=panic")  # fmt: skip


@dataclass(frozen=True)
class EmbeddedServer:
    """A server that answers, on a Unix socket which only its owner (and root) can reach."""

    version: int
    pgdata: Path
    sockets: Path

    def url(self, database: str, login: str = "postgres") -> str:
        """For libpq and psycopg. The port is said, since PGPORT would fill the gap."""
        folder = quote(str(self.sockets))
        return f"postgresql://{quote(login, safe='')}@/{quote(database, safe='')}?host={folder}&port=5432"


def home() -> Path:
    """Everything that handrail keeps on this machine; HANDRAIL_HOME moves it."""
    told = os.environ.get("HANDRAIL_HOME")
    return Path(told).expanduser().absolute() if told else platformdirs.user_data_path("handrail")


def start(version: int = 18, folder: Path | None = None) -> EmbeddedServer:
    """Make it, start it, or find it running.

    `folder` holds one data folder a version; it is `<home>/postgres` unless told otherwise.
    """
    pgdata = _pgdata(version, folder)
    with _in_one_line(pgdata):
        server = _answering(version, pgdata)
        if server is not None:
            return server
        programs = server_programs(version)
        with _alone(pgdata):
            account = server_account(pgdata)
            let_read(account, programs)
            let_through(account, pgdata, programs / "postgres")
            _sweep(pgdata)
            if not (pgdata / "PG_VERSION").exists():
                _initialise(programs, pgdata, account)
            server = _settled(version, pgdata)
            if server is None:
                _launch(programs, pgdata, account)
                server = _settled(version, pgdata)
    if server is None:
        raise ServerNotStarted("The embedded server stopped as it started.", f"See {_log(pgdata)}.")
    return server


def running(version: int = 18, folder: Path | None = None) -> EmbeddedServer | None:
    """The server, if it answers now; one that is still starting or recovering does not."""
    pgdata = _pgdata(version, folder)
    with _in_one_line(pgdata):
        return _answering(version, pgdata)


def stop(version: int = 18, folder: Path | None = None) -> bool:
    """True if it ran. Whoever is connected is cut off; what was committed is kept."""
    pgdata = _pgdata(version, folder)
    with _in_one_line(pgdata):
        if not pgdata.exists():
            return False
        with _alone(pgdata):
            found = postmaster(pgdata)
            if found is None:
                return False
            end(found.process)
            if found.sockets.name.startswith(SOCKETS):
                with suppress(OSError):  # never a folder with something in it
                    found.sockets.rmdir()
            return True


def _pgdata(version: int, folder: Path | None) -> Path:
    pgdata = (folder or home() / "postgres").absolute() / str(version)
    if re.search(r'["$`\\\n]', str(pgdata)):  # pg_ctl hands the path to a shell, in double quotes
        raise ServerNotStarted(
            f"PostgreSQL cannot start in a path with a quote, $ or backslash: {pgdata}",
            "Set HANDRAIL_HOME to a plainer one.",
        )
    return pgdata


def _log(pgdata: Path) -> Path:
    return pgdata / "server.log"


def _answering(version: int, pgdata: Path) -> EmbeddedServer | None:
    found = postmaster(pgdata)
    return EmbeddedServer(version, pgdata, found.sockets) if found and found.ready else None


def _settled(version: int, pgdata: Path) -> EmbeddedServer | None:
    """Wait while a server is on its way up or down: what became of it."""
    limit = time.monotonic() + START_LIMIT
    while found := postmaster(pgdata):
        if found.ready:
            return EmbeddedServer(version, pgdata, found.sockets)
        if time.monotonic() > limit:
            raise ServerNotStarted(
                f"The server still recovers after {START_LIMIT} s.",
                f"Try again later, or see {_log(pgdata)}.",
            )
        time.sleep(0.05)
    return None


def _sweep(pgdata: Path) -> None:
    """What consoles left that were killed while they made a data folder."""
    for left in pgdata.parent.glob(f"{pgdata.name}{UNFINISHED}*"):
        shutil.rmtree(left, ignore_errors=True)


def _initialise(programs: Path, pgdata: Path, account: pwd.struct_passwd | None) -> None:
    """Beside its place, then renamed: what was cut off half way is never taken for a whole one."""
    fresh = Path(tempfile.mkdtemp(prefix=f"{pgdata.name}{UNFINISHED}", dir=pgdata.parent))
    try:
        if account:
            os.chown(fresh, account.pw_uid, account.pw_gid)
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", *_locale(int(pgdata.name))]
        made = run([programs / "initdb", "-D", fresh, *options], account, fresh)
        if made.returncode != 0:
            raise _failure("could not be made", made.stderr, pgdata)
        fresh.rename(pgdata)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _locale(version: int) -> list[str]:
    """Upper and lower case of every script, the same on each machine: names are searched so."""
    if version >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=en_US.UTF-8" if sys.platform == "darwin" else "--locale=C.UTF-8"]


def _launch(programs: Path, pgdata: Path, account: pwd.struct_passwd | None) -> None:
    sockets = _sockets(pgdata, account)
    clear(pgdata, sockets)
    log = _log(pgdata)
    said_before = log.stat().st_size if log.exists() else 0
    settings = shlex.join(["-p", "5432", "-k", str(sockets), *SETTINGS])
    # Ten seconds do for a clean start; whoever recovers for longer is waited for after this.
    options: list[str | Path] = ["-w", "-t", "10", "-l", log, "-o", settings]
    started = run([programs / "pg_ctl", "start", "-D", pgdata, *options], account, pgdata)
    if started.returncode != 0 and postmaster(pgdata) is None:
        said = log.read_bytes()[said_before:].decode(errors="replace") if log.exists() else ""
        raise _failure("did not start", started.stderr + said, pgdata)


def _sockets(pgdata: Path, account: pwd.struct_passwd | None) -> Path:
    """The data folder; where its path will not do for a socket, a private folder in /tmp's place.

    Too long is one reason; a comma the other, since libpq would read two hosts.
    """
    if len(os.fsencode(pgdata / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT and "," not in str(pgdata):
        return pgdata
    owner = account.pw_uid if account else os.geteuid()
    mark = hashlib.sha256(f"{owner} {pgdata}".encode(errors="surrogateescape")).hexdigest()[:10]
    folder = Path(tempfile.gettempdir()) / f"{SOCKETS}{mark}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if account and folder.lstat().st_uid == 0:
        os.chown(folder, account.pw_uid, account.pw_gid, follow_symlinks=False)
    if folder.is_symlink() or folder.stat().st_uid != owner or folder.stat().st_mode & 0o077:
        raise ServerNotStarted(
            f"{folder} should be a private folder for the server's socket, and is another's.",
            "Set HANDRAIL_HOME to a shorter path.",
        )
    if len(os.fsencode(folder / ".s.PGSQL.5432")) > SOCKET_PATH_LIMIT:
        raise ServerNotStarted(f"The path {folder} is too long for a socket.", "Set TMPDIR to a shorter one.")
    return folder


@contextmanager
def _alone(pgdata: Path) -> Iterator[None]:
    """One at a time starts or stops this server; the kernel takes the lock back from the dead."""
    pgdata.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(pgdata.with_suffix(".lock"), os.O_RDONLY | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _in_one_line(pgdata: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename or pgdata
        raise ServerNotStarted(
            f"The embedded server cannot use {where}: {error.strerror or error}.",
            _hint(str(error)),
        ) from error


def _failure(what: str, output: str, pgdata: Path) -> ServerNotStarted:
    """The one line of many in which PostgreSQL says why."""
    reasons = re.findall(r"(?:FATAL|PANIC|error|ERROR):\s+(.+)", output) or output.strip().split("\n")
    log = f"See {_log(pgdata)}." if _log(pgdata).exists() else ""
    hint = " ".join(filter(None, [_hint(output), log]))
    return ServerNotStarted(f"The embedded server {what}: {reasons[0].strip()}", hint)


def _hint(output: str) -> str:
    if re.search("no space|quota", output, re.IGNORECASE):
        return "Free some space there, or set HANDRAIL_HOME to a folder on another disk."
    if re.search("denied|not permitted|read-only|not a directory", output, re.IGNORECASE):
        return "Set HANDRAIL_HOME to a folder that you can write to."
    return ""
