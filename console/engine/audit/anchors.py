"""Anchors: how the chain stood at a moment, kept where the database's superusers cannot reach (FM-G7).

A line of JSON each, in <home>/anchors/<identity of the target>/<database>.jsonl: a copy of a database has the
identity of its original and another name, and a journal that goes its own way. On request to syslog and to a command.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from logging import INFO, LogRecord
from logging.handlers import SysLogHandler
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine.errors import AnchorRefused
from db.postgres import home
from db.queries import chain, runs
from db.text import one_line

COMMAND_SECONDS = 10
SYSLOGS = ("/dev/log", "/var/run/syslog")


@dataclass(frozen=True)
class Anchor:
    """`target` is the identity of the database, `hash` that of event number `count`, in hex; `at` is ISO, in UTC.

    `database` is its name.
    """

    target: str
    count: int
    hash: str
    at: str
    database: str

    @property
    def digest(self) -> bytes:
        return bytes.fromhex(self.hash)

    def line(self) -> str:
        return json.dumps(asdict(self))


def head(session: Session) -> Anchor:
    """The chain as it stands now."""
    found = chain.heads(session)
    count, last = found[0] if found else (0, b"")
    database = str(session.scalar(text("SELECT current_database()")))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Anchor(runs.target_identity(session), count, last.hex(), now, database)


def file_of(head: Anchor) -> Path:
    """Where the anchors of a target are kept on this machine."""
    return home() / "anchors" / head.target / f"{quote(head.database, safe='')}.jsonl"


def keep(anchor: Anchor, *, syslog: bool = False, command: str | None = None) -> list[str]:
    """Takes the anchor outside; a line for each place that did not take it. What it is about has happened already."""
    warnings = []
    file = file_of(anchor)
    try:
        _append(file, anchor.line())
    except OSError as error:
        warnings.append(f"The anchor is not kept in {file}: {error.strerror or error}.")
    if syslog:
        try:
            _log(f"handrail anchor {anchor.line()}")
        except OSError as error:
            warnings.append(f"The anchor is not in syslog: {error.strerror or error}.")
    if command:
        try:
            _hand_over(command, anchor.line())
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            warnings.append(f"The anchor is not handed over: {_why(error)}.")
    return [one_line(warning) for warning in warnings]


def read(path: Path | str) -> list[Anchor]:
    """The anchors of a file. Raises AnchorRefused, with the number of the line, where one is not an anchor."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise AnchorRefused(f"The anchors in {path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise AnchorRefused(f"{path} is no file of anchors: it is not text.") from error
    anchors = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                anchors.append(_parsed(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise AnchorRefused(
                    f"{path}, line {number}, is no anchor.",
                    'It should read like {"target": ..., "count": 12, "hash": "5f0c...", "at": ...}.',
                ) from error
    if not anchors:
        raise AnchorRefused(f"There is no anchor in {path}.", "One is made by: handrail audit anchor")
    return anchors


def _parsed(line: str) -> Anchor:
    said = json.loads(line)
    anchor = Anchor(str(UUID(said["target"])), said["count"], said["hash"], said["at"], said.get("database", ""))
    datetime.fromisoformat(anchor.at)
    if type(anchor.count) is not int or len(anchor.digest) != (32 if anchor.count > 0 else 0):
        raise ValueError(line)
    return anchor


def _append(file: Path, line: str) -> None:
    """One write, on the disk when this returns. A line that was cut off once does not spoil the next."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        whole = size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
        os.write(descriptor, f"{'' if whole else chr(10)}{line}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _Syslog(SysLogHandler):
    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - logging's name
        raise  # logging calls this while it handles the error, and would print it


def _log(words: str) -> None:
    address = next((path for path in SYSLOGS if Path(path).exists()), SYSLOGS[0])
    handler = _Syslog(address, facility=SysLogHandler.LOG_AUTH)
    try:
        handler.emit(LogRecord("handrail", INFO, "", 0, words, None, None))
    finally:
        handler.close()


def _hand_over(command: str, line: str) -> None:
    """No shell: the words of the command are its own. What it prints is not wanted, but for an error."""
    subprocess.run(
        shlex.split(command), input=f"{line}\n", text=True, check=True, timeout=COMMAND_SECONDS,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, errors="replace",
    )  # fmt: skip


def _why(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return f"the command ended with {error.returncode} {one_line(error.stderr)[:200]}".rstrip()
    if isinstance(error, subprocess.TimeoutExpired):
        return f"the command took longer than {COMMAND_SECONDS} s"
    return str(error)
