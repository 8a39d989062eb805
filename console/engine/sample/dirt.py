"""The dirty rows among the demo rows (A-04), and their way into COPY.

Each kind stands at a fixed place near the beginning of its table, so that ten clients show them
all, and returns all through a larger table. A row is a list of plain values: None is NULL, and a
dict, a list or JSON_NULL is jsonb.
"""

from __future__ import annotations

import json
from collections.abc import Callable

Row = list[object]

# A kind of dirt: client number -> (id, clean e-mail, time) -> the row.
Dirt = Callable[[int, str, str, str], Row]

JSON_NULL = object()
"""null as jsonb has it, which is not NULL."""

EMOJI = "Nadia 🦊 Nakamura 👩‍🚀"
RIGHT_TO_LEFT = "شركة النور \u202eKAFÉ\u202c דוד"
ESCAPES = "Acme \x1b[31mred\x1b[0m\x1b]52;c;aGFuZHJhaWw=\x07 \x9b2J\x9d0;title\x9c \x1b]0;owned\x1b\\ end"
MARKUP = "[bold]Acme [/] Ltd[/bold] [@click=app.quit]open[/]"
FORMULA = '=HYPERLINK("https://example.invalid","Acme")'

LONG = 20_000
LONGEST_EMAIL = 255


def mixed_case(number: int, id: str, email: str, at: str) -> Row:
    """The address that double_of_case has too, written otherwise."""
    return _client(id, _of_pair(number).title(), at, "admin", name="Anna Smith", company="Acme")


def double_of_case(number: int, id: str, email: str, at: str) -> Row:
    return _client(id, _of_pair(number - 1), at, "viewer", name="anna smith")


def no_address(number: int, id: str, email: str, at: str) -> Row:
    row = _client(id, f"not an address {number}", at, "viewer")
    row[7] = JSON_NULL
    return row


def unknown_role(number: int, id: str, email: str, at: str) -> Row:
    """Also a second kind of malformed address, and JSON that is no object."""
    row = _client(id, f"two@@{number}.example\t", at, "superuser'; --")
    row[7], row[8] = ["Acme"], ["dark"]
    return row


def nulls(number: int, id: str, email: str, at: str) -> Row:
    return [id, email, at, at, None, None, None, None, None]


def emoji(number: int, id: str, email: str, at: str) -> Row:
    return _client(id, f"fox.🦊.{number}@example.com", at, "editor", name=EMOJI, company="🏔 Ltd")


def right_to_left(number: int, id: str, email: str, at: str) -> Row:
    return _client(id, email, at, "viewer", name=RIGHT_TO_LEFT, company="\u2067מזרח\u2069 Ltd")


def very_long(number: int, id: str, email: str, at: str) -> Row:
    """Twenty thousand characters where there are ten clients, two thousand where there are many."""
    tail = f"{number}@example.com"
    length = LONG if number < 10 else LONG // 10
    return _client(id, "x" * (LONGEST_EMAIL - len(tail)) + tail, at, "viewer", name="Wolfeschlegel " * (length // 14))


def escapes(number: int, id: str, email: str, at: str) -> Row:
    return _client(id, email, at, "ADMIN ", name=ESCAPES, company=f"{FORMULA}\r\nBcc: all", phone="\x1b[6n")


def markup(number: int, id: str, email: str, at: str) -> Row:
    return _client(id, f"[bold]{number}@example.com", at, "", name=MARKUP, company="[/red] ACME [EU] Ltd \\")


CLIENTS: tuple[Dirt, ...] = (
    mixed_case,
    double_of_case,
    no_address,
    unknown_role,
    nulls,
    emoji,
    right_to_left,
    very_long,
    escapes,
    markup,
)

EVERY = 1000
"""After so many rows all kinds of dirt come again: one row in a hundred is dirty."""

ORPHAN_EVERY = 100


def of_client(number: int) -> Dirt | None:
    """The kind of dirt of a client, None for a clean one."""
    place = number % EVERY
    return CLIENTS[place] if place < len(CLIENTS) else None


def text_of(number: int) -> str | None:
    """The dirty text of a dependent's row, ready for COPY; None for a clean one."""
    return TEXTS.get(number % EVERY)


def line(row: Row) -> str:
    """One line of COPY's text format."""
    return "\t".join(map(_field, row)) + "\n"


def _field(value: object) -> str:
    if value is None:
        return "\\N"
    if value is JSON_NULL:
        return "null"
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    written = str(value).replace("\\", "\\\\")
    return written.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def _client(id: str, email: str, at: str, role: str, **metadata: str) -> Row:
    return [id, email, at, at, role, at, None, dict(metadata), {}]


def _of_pair(number: int) -> str:
    return f"anna.smith.{number}@example.com"


TEXTS = {place: _field(text) for place, text in enumerate((ESCAPES, "", MARKUP, EMOJI, RIGHT_TO_LEFT, FORMULA))}
