"""Text that nobody should put into a database, and what must not come of it: 0 raw bytes at a terminal (FM-E1 to E4).

CORPUS is what is planted. A new screen or command is tried with it in tests/screens/test_hostile.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONG = 20_000
BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u2028\u2029"
CORPUS = {
    "C0 and DEL": "".join(map(chr, range(1, 0x20))) + "\x7f",
    "C1": "".join(map(chr, range(0x80, 0xA0))),
    "clipboard": "\x1b]52;c;cGxhbnRlZA==\x07",
    "clipboard by C1": "\x9d52;c;cGxhbnRlZA==\x9c",
    "title": "\x1b]0;planted\x1b\\",
    "link": "\x1b]8;;https://planted.example\x1b\\y\x1b]8;;\x1b\\",
    "CSI": "\x1b[7777m\x1b[7777;7777H\x9b7777m",
    "device": "\x1bP7777q\x1b\\ \x1b_planted\x1b\\ \x1bc",
    "markup": "[/red] [bold] [/ [link=https://planted.example]y[/link]",
    "action": "[@click=app.quit]x[/]",
    "bidi": BIDI,
    "unseen": UNSEEN,
    "wide": "🚂 👩\u200d👩\u200d👧 \u0301\u0301 ẞ\ue000",
    "lines": "\n\nplanted\r\n\x85\n",
    "parameters": "%s %(x)s 100% :x {x} $x \\ ' \" ;--",
}
ALL = " ".join(CORPUS.values())
LONGER = (ALL + " ") * (LONG // len(ALL) + 1)
MARKS = ("[/red]", "[@click=app.quit]", "\u241b", "\ufffd")
"""What a person sees of it; where none of these stands, nothing hostile was shown."""

OBEYED = re.compile(rb"\x1b(?!\[)|\x1b\[[0-9;?]*7777")
POINTER = re.compile(rb"\x1b\]22;[a-z-]*\x07")  # Textual's own, for the shape of the mouse


def pieces(longest: int = 63) -> list[str]:
    """The corpus cut into names, each of no more bytes than PostgreSQL gives a name, and none like another."""
    made, name = [], ""
    for char in ALL:
        if len((name + char).encode()) > longest - 3:
            made.append(name)
            name = ""
        name += char
    return [f"{number:02}{piece}" for number, piece in enumerate([*made, name])]


def toml(text: str) -> str:
    """A string of TOML that is this text."""
    return '"' + "".join(c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in text) + '"'


def raw(written: bytes, *, terminal: bool = False) -> list[str]:
    """What of the corpus is in bytes that a program wrote and would be obeyed, or hide other text; empty is good.

    At a terminal the program speaks in CSI sequences itself; in a pipe in none.
    """
    written = POINTER.sub(b"", written) if terminal else written
    text = written.decode("utf-8", errors="surrogateescape")
    kept = "\x1b\r\n" if terminal else "\n\t"
    found = {f"U+{ord(char):04X}" for char in set(text) - set(kept) if _hides(char)}
    return [*sorted(found), *(repr(hit) for hit in _sequences(written))]


def _hides(char: str) -> bool:
    code = ord(char)
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or char in BIDI or char in UNSEEN


def _sequences(written: bytes) -> Iterator[bytes]:
    for hit in OBEYED.finditer(written):
        yield written[max(hit.start() - 10, 0) : hit.end() + 20]
