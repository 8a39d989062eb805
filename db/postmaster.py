"""Which process serves a data folder. A pid file only claims it; the process itself is asked.

After kill -9 or a power cut `postmaster.pid` stays, and its number may belong to anybody by now.
No signal leaves this file but to a process whose name and -D say that it is this server.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from db.errors import ServerNotStarted

PID_FILE = "postmaster.pid"
SOCKET_LOCK = ".s.PGSQL.5432.lock"
GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


@dataclass(frozen=True)
class Postmaster:
    process: psutil.Process
    sockets: Path
    ready: bool


def postmaster(pgdata: Path) -> Postmaster | None:
    """The server that the pid file names, once the process itself has confirmed it."""
    lines = _lines(pgdata / PID_FILE)
    process = _process(lines[0]) if lines else None
    if process is None or not _serves(process, pgdata):
        return None
    sockets = Path(lines[4]) if len(lines) > 4 and lines[4] else pgdata
    return Postmaster(process, sockets, ready=len(lines) > 7 and lines[7].strip() == "ready")


def end(process: psutil.Process, limit: float = 60) -> None:
    """A fast shutdown (sessions are cut, all is written); where that hangs, an immediate one.

    After an immediate one the next start recovers, as from a crash.
    psutil does not signal a number that has passed to another process since.
    """
    for number, seconds in ((signal.SIGINT, limit), (signal.SIGQUIT, 10)):
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            return
        if _within(seconds, lambda: not _alive(process)):
            return
    raise ServerNotStarted(f"The server (process {process.pid}) does not stop.", "See its log.")


def clear(pgdata: Path, sockets: Path, limit: float = 60) -> None:
    """Make a folder without a running server ready for one: nobody at work, no stale lock file.

    PostgreSQL looks too, but gives up at once: on children of a killed server, on a lock file that
    is empty or whose number is alive.
    """
    for process in _strays(pgdata):
        if _serves(process, pgdata):  # its pid file was lost: it would end itself in a minute
            end(process)
    if not _within(limit, lambda: not _strays(pgdata)):
        left = ", ".join(str(process.pid) for process in _strays(pgdata))
        raise ServerNotStarted(
            f"Processes of the server before are still at work: {left}.",
            "They end with their statement; wait for that or end them with kill.",
        )
    for lock in (pgdata / PID_FILE, pgdata / SOCKET_LOCK, sockets / SOCKET_LOCK):
        lock.unlink(missing_ok=True)


def _strays(pgdata: Path) -> list[psutil.Process]:
    """Every process of PostgreSQL that works inside the folder, whoever started it."""
    folder, found = os.path.realpath(pgdata), []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == folder and _alive(process):
                found.append(process)
        except GONE:
            continue
    return found


def _serves(process: psutil.Process, pgdata: Path) -> bool:
    try:
        command = process.cmdline() if _alive(process) else []
    except GONE:
        return False
    if not command or Path(command[0]).name != "postgres" or "-D" not in command[:-1]:
        return False
    return os.path.realpath(command[command.index("-D") + 1]) == os.path.realpath(pgdata)


def _alive(process: psutil.Process) -> bool:
    """A zombie (nobody collects it in many a container) has ended."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _process(line: str) -> psutil.Process | None:
    try:
        return psutil.Process(int(line))
    except (ValueError, OverflowError, psutil.Error):
        return None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _within(seconds: float, happened: Callable[[], bool]) -> bool:
    limit = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True
