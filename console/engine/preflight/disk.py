"""Whether there is room for a rewritten table, for the dump and for its scratch copy (FM-B3)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from console.engine.doctor import Finding
from console.engine.preflight.wording import size
from db import postgres
from db.queries import health

REWRITES = 2  # a table that is rewritten stands there twice


def of_disk(server: health.Server, largest: int | None, backup: bool) -> Iterator[Finding]:
    """The server's disk can be asked only where it is this machine's."""
    about = "disk of the server"
    dumped = server.bytes if backup else 0
    needed = f"{size(REWRITES * (largest or 0) + dumped)} needed"
    free = _free(Path(server.data_directory)) if server.data_directory and server.may_be_here else None
    if largest is None:
        yield Finding(
            "ok", about, "not known what is needed: a table of the plan is locked", "See the transactions above"
        )
    elif free is not None:
        yield _room(about, free, REWRITES * largest + dumped)
    elif server.may_be_here and server.data_directory is None:
        hint = f"GRANT pg_read_all_settings TO {server.login}"
        yield Finding("ok", about, f"not known where it is; {needed}", hint)
    else:
        yield Finding("ok", about, f"not known: the server is on another machine; {needed}", "Look there: df")
    home = postgres.home()
    here = _free(next(folder for folder in (home, *home.parents) if folder.exists()))
    if backup and here is not None:
        yield _room("disk for the dump", here, dumped)


def _room(about: str, free: int, needed: int) -> Finding:
    if free < needed:
        return Finding("warning", about, f"{size(free)} free, {size(needed)} needed", "Make room before you begin")
    return Finding("ok", about, f"{size(free)} free, {size(needed)} needed")


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
