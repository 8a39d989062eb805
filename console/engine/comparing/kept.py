"""A fingerprint in a file: a line of JSON, which says all but the rows.

With rows it goes on: {"table": NAME}, then [place, key, hash] for each of its rows, by bucket and place, numbers as
text; the last line is {"end": ROWS}. It is read as it is wanted, so a table of any size fits.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from console.engine.comparing.head import FORMAT, Head
from console.engine.comparing.live import Live
from console.engine.errors import FingerprintRefused
from db.fingerprint.content import BUCKETS, Row


class Kept:
    """`places` are the bytes of the file at which the rows of each table begin."""

    def __init__(self, path: Path, head: Head, places: dict[str, int]) -> None:
        self.head = head
        self.knows_rows = head.rows
        self._path = path
        self._places = places

    def rows(self, table: str, buckets: Sequence[int] | None = None) -> Iterator[Row]:
        wanted = None if buckets is None else frozenset(buckets)
        with self._path.open("rb") as file:
            file.seek(self._places[table])
            for line in file:
                if line.startswith(b"{"):
                    return
                row = _row(self._path, line)
                if wanted is None or row.place % BUCKETS in wanted:
                    yield row


def write(side: Live, path: Path, *, rows: bool) -> None:
    """Whole or not at all; for its owner's eyes, since keys may be personal data."""
    if path.exists() and not path.is_file():
        raise FingerprintRefused(f"{path} is no file that could be written over.", "Name another with --out.")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            for line in _lines(side, rows=rows):
                file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read(path: Path) -> Kept:
    """Raises FingerprintRefused for what is no fingerprint, one of another format, and one that is cut off."""
    try:
        with path.open("rb") as file:
            head = _head(path, file.readline())
            return Kept(path, head, _places(path, file, head) if head.rows else {})
    except OSError as error:
        raise FingerprintRefused(
            f"The fingerprint in {path} cannot be read: {error.strerror or error}.",
            "Give a file, a URL or a target of the demo.",
        ) from error


def _lines(side: Live, *, rows: bool) -> Iterator[str]:
    yield side.head.model_copy(update={"rows": rows}).model_dump_json(ensure_ascii=True)
    if rows:
        count = 0
        for table in side.head.content or {}:
            yield json.dumps({"table": table})
            for row in side.rows(table):
                yield json.dumps([str(row.place), row.key, str(row.hash)])
                count += 1
        yield json.dumps({"end": count})


def _head(path: Path, line: bytes) -> Head:
    try:
        said = json.loads(line)
        if isinstance(said, dict) and said.get("handrail") == "fingerprint" and said.get("format") != FORMAT:
            raise FingerprintRefused(
                f"The fingerprint in {path} is of format {said.get('format')!r}, and this version reads {FORMAT}.",
                "Take it again, or compare with the version that made it.",
            )
        return Head.model_validate(said)
    except (ValueError, ValidationError, RecursionError) as error:
        raise FingerprintRefused(
            f"{path} is no fingerprint.", "One is made by: handrail fingerprint --out FILE"
        ) from error


def _places(path: Path, file: Any, head: Head) -> dict[str, int]:
    places: dict[str, int] = {}
    count, end = 0, None
    while line := file.readline():
        if not line.startswith(b"{"):
            count += 1
            continue
        said = _document(path, line)
        end = said.get("end")
        if "table" in said:
            places[str(said["table"])] = file.tell()
    if end != count or count != head.total or places.keys() != (head.content or {}).keys():
        raise FingerprintRefused(f"The fingerprint in {path} is cut off, or was edited.", "Take it again.")
    return places


def _document(path: Path, line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise FingerprintRefused(f"The fingerprint in {path} has a line that is no JSON.", "Take it again.") from error


def _row(path: Path, line: bytes) -> Row:
    try:
        place, key, total = _document(path, line)
        return Row(int(place), None if key is None else tuple(map(str, key)), int(total))
    except (ValueError, TypeError) as error:
        raise FingerprintRefused(f"The fingerprint in {path} has a row that is none.", "Take it again.") from error
