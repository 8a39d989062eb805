"""Where reports are written: readable by their owner alone, and never over a file that nobody meant."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import ClassVar

from console.engine.report.document import Document
from console.engine.report.html import html
from console.engine.report.markdown import markdown
from db import postgres
from db.errors import HandrailError

PRIVATE = 0o600
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class NotWritten(HandrailError):
    exit_code: ClassVar[int] = 2


def put(path: Path, text: str, *, force: bool = False) -> None:
    """All of it or nothing, for its owner to read. Raises NotWritten; over an existing file only with `force`."""
    there = os.path.lexists(path)
    if there and not force:
        raise NotWritten(f"There is a file {path} already.", "Give another name, or --force to write over it.")
    if there and not stat.S_ISREG(path.lstat().st_mode):
        raise NotWritten(f"{path} is no plain file.", "Give another name.")
    with _told(path):
        new = path.with_name(f".{path.name}.{os.getpid()}") if there else path
        descriptor = os.open(new, NEW, PRIVATE)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor
                file.write(text)
            new.replace(path)
        except OSError:
            new.unlink(missing_ok=True)
            raise


def keep(document: Document) -> tuple[Path, Path]:
    """Both renderings, beside each other under handrail's home; where they are."""
    about = document.about
    folder = postgres.home() / "reports"
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = re.sub(r"[^a-z0-9-]", "_", about.target or "target")
    name = f"{target}-run-{about.run}-{about.written_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    first, second = folder / f"{name}.md", folder / f"{name}.html"
    put(first, markdown(document), force=True)
    put(second, html(document), force=True)
    return first, second


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotWritten(f"There is no folder {path.parent}.", "Make it, or give another name.") from error
    except OSError as error:
        raise NotWritten(f"{path} cannot be written: {error.strerror or error}.", "Give another name.") from error
