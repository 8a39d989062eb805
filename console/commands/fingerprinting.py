"""fingerprint: what a database looks like, kept in a file, or compared with one or with another database."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from console.commands import targeting
from console.commands.telling import line, say, tell
from console.engine.comparing import Compared, Content, compared, kept
from console.engine.comparing.head import Head
from console.engine.comparing.kept import Kept
from console.engine.comparing.live import Live, live
from console.engine.comparing.rows import Key, Some
from console.engine.errors import FingerprintRefused
from db.fingerprint import digest
from db.session import Target
from db.text import one_line
from db.wording import counted, number, took

DIFFERS = 1


def fingerprint(options: argparse.Namespace) -> int:
    """0 where nothing was compared or all is equal, 1 where something differs."""
    if options.rows and not options.out:
        raise FingerprintRefused("--rows is for a file.", "Name it with --out.")
    if options.rows and options.no_content:
        raise FingerprintRefused("--rows and --no-content contradict each other.", "Leave one of them out.")
    began = time.perf_counter()
    with live(targeting.target(options), content=not options.no_content) as side:
        head = side.head
        say(f"{_size(head)} in {took(time.perf_counter() - began)}.")
        if options.out:
            kept.write(side, Path(options.out), rows=options.rows)
            say(f"Kept in {options.out}.")
        if options.compare is None:
            return _told(head, options)
        with _other(options) as before:
            found = compared(before, side)
            return _differences(before.head, head, found, as_json=options.json)


@contextmanager
def _other(options: argparse.Namespace) -> Iterator[Live | Kept]:
    """A file where there is one; else what --target takes: a URL, keywords, a target of the demo."""
    given: str = options.compare
    if Path(given).exists() or not ("=" in given or "://" in given or _of_the_demo(options)):
        yield kept.read(Path(given))
        return
    target = Target(targeting.url(_as_target(options)))
    with live(target, content=not options.no_content) as side:
        yield side


def _of_the_demo(options: argparse.Namespace) -> bool:
    try:
        targeting.url(_as_target(options))
    except targeting.NoTarget:
        return False
    return True


def _as_target(options: argparse.Namespace) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(options), "target": options.compare})


def _told(head: Head, options: argparse.Namespace) -> int:
    if options.json:
        tell(_document(head))
        return 0
    line(f"objects  {head.fingerprint.digest}  {number(len(head.objects))}")
    for table, held in (head.content or {}).items():
        line(f"content  {digest(held.hash)}  {number(held.rows):>13}  {one_line(table)}")
    return 0


def _differences(before: Head, after: Head, found: Compared, *, as_json: bool) -> int:
    if before.server != after.server:
        versions = f"{before.server} and {after.server}"
        say(f"The servers are of different versions, {versions}: some definitions read otherwise.")
    if as_json:
        tell({"equal": found.equal, "before": _place(before), "after": _place(after), "objects": found.objects,
              "content_compared": found.content_known,
              "content": [_content_document(one) for one in found.content]})  # fmt: skip
        return 0 if found.equal else DIFFERS
    for name in found.objects:
        line(one_line(name))
    for one in found.content:
        for words in _content_lines(one):
            line(words)
    if not found.content_known:
        say("Content was not compared: one of the two has none (--no-content).")
    if found.equal:
        line(f"equal: {_size(after if found.content_known else after.model_copy(update={'content': None}))}")
        return 0
    say(f"{counted(len(found.objects), 'object')} and the content of {counted(len(found.content), 'table')} differ.")
    return DIFFERS


def _content_lines(one: Content) -> Iterator[str]:
    was, now = one.rows
    counts = f"{number(was)} rows, then {number(now)}" if was != now else counted(now, "row")
    if one.found is None:
        yield one_line(f"content {one.table}: {counts}; {one.why}")
        told = {"candidate": one.candidates} if one.candidates.count else {}
    else:
        told = one.found._asdict()
        said = ", ".join(f"{number(some.count)} {word}" for word, some in told.items() if some.count)
        yield one_line(f"content {one.table}: {counts}; {said}")
    for word, some in told.items():
        for key in some.keys:
            yield f"  {word:<9}  {_key(one.key, key)}"
        if some.keys and (more := some.count - len(some.keys)):
            yield f"  {word:<9}  and {number(more)} more"


def _key(columns: list[str], key: Key) -> str:
    return one_line(", ".join(f"{column} {value}" for column, value in zip(columns, key, strict=False)))


def _content_document(one: Content) -> dict[str, Any]:
    rows = {word: _some(some) for word, some in one.found._asdict().items()} if one.found else None
    return {"table": one.table, "rows": list(one.rows), "key": one.key, "buckets": one.buckets, "exact": rows,
            "candidates": _some(one.candidates) if one.found is None else None, "why": one.why}  # fmt: skip


def _some(some: Some) -> dict[str, Any]:
    return {"count": some.count, "keys": [list(key) for key in some.keys]}


def _document(head: Head) -> dict[str, Any]:
    content = {table: {"rows": held.rows, "hash": held.hash} for table, held in (head.content or {}).items()}
    return {**_place(head), "digest": head.fingerprint.digest, "objects": head.objects,
            "content": None if head.content is None else content}  # fmt: skip


def _place(head: Head) -> dict[str, str]:
    return {"database": head.database, "server": head.server, "taken_at": head.taken_at}


def _size(head: Head) -> str:
    objects = counted(len(head.objects), "object")
    if head.content is None:
        return f"{objects}, no content"
    return f"{objects}, {counted(len(head.content), 'table')}, {counted(head.total, 'row')}"
