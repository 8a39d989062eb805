"""A dump as a file: its checksum, and the one that is kept beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(file: Path) -> str:
    """Its sha256 in hex. Raises OSError where it cannot be read."""
    with file.open("rb") as dump:
        return hashlib.file_digest(dump, "sha256").hexdigest()


def unproven(file: Path) -> Path:
    """Its name until it has been restored: what is called a dump is one."""
    return file.with_suffix(".unproven")


def beside(file: Path) -> Path:
    return file.with_suffix(".sha256")


def seal(file: Path) -> str:
    """Writes the checksum beside the dump, in the form that sha256sum -c reads; returns it."""
    found = digest(file)
    beside(file).write_text(f"{found}  {file.name}\n", encoding="ascii")
    return found


def wrong(file: Path, wanted: str) -> str:
    """Why the dump is not the file that was restored, in a clause; empty where it is."""
    if not file.is_file():
        return "the file is gone"
    if not beside(file).is_file():
        return f"its {beside(file).name} is gone"
    try:
        found, written = digest(file), beside(file).read_text(encoding="ascii", errors="replace").split()
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    if found != wanted:
        return f"another file: sha256 {found[:12]}"
    if written[:1] != [wanted]:
        return f"its {beside(file).name} says another: {' '.join(written[:1])[:12] or 'nothing'}"
    return ""
