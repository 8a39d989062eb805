"""What somebody typed into the one box, as the pieces that the database looks for.

anna smith            both, each anywhere: a prefix of a word, of an address, of a number or of its last digits
company:gmbh          in that field; company:"blue harbour" where it holds a space
!berlin  !status:paused    not
+49 30 1234 5678      a number may have spaces
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

from console.engine.errors import SearchRefused
from db.searching import UNSENDABLE

LONGEST = 400
PIECES = 12
NUMBER = re.compile(r"[-+0-9()/. ]*[0-9][-+0-9()/. ]*")
TENANT = "tenant"
WORDS = re.compile(r'[^\s"]*"[^"]*"?|\S+')


@dataclass(frozen=True)
class Piece:
    """One thing to be found, or not to be found; `field` is empty where any will do."""

    text: str
    field: str = ""
    excluded: bool = False

    def document(self) -> dict[str, object]:
        return {"text": self.text, "field": self.field or None, "not": self.excluded}


@dataclass(frozen=True)
class Asked:
    """`tenant`, where given, is a whole name: what the search is narrowed to."""

    pieces: tuple[Piece, ...] = ()
    tenant: str = ""

    def json(self) -> str:
        return json.dumps([piece.document() for piece in self.pieces])

    def within(self, tenant: str) -> Asked:
        return replace(self, tenant=tenant)


def asked(written: str, fields: Collection[str], tenant: str = "") -> Asked:
    """Reads what was typed; `fields` are the names that may stand before a colon.

    A word with a colon whose name is no field is a word like any other: 12:30 is one. Raises SearchRefused where it
    is too long to be meant.
    """
    written = UNSENDABLE.sub(" ", written).strip()
    if len(written) > LONGEST:
        raise SearchRefused(f"That is over {LONGEST} characters.", "A few words, or the beginning of one, are enough.")
    if NUMBER.fullmatch(written) and len(written.split()) > 1:
        return Asked((Piece(written),), tenant)
    pieces = [_piece(word.replace('"', ""), fields) for word in WORDS.findall(written)]
    if len(pieces) > PIECES:
        raise SearchRefused(f"That is over {PIECES} words.", "Leave out what many clients have.")
    return Asked(tuple(piece for piece in pieces if piece.text), tenant)


def _piece(word: str, fields: Collection[str]) -> Piece:
    excluded = len(word) > 1 and word.startswith("!")
    word = word[1:] if excluded else word
    name, colon, value = word.partition(":")
    named = name.lower()
    if colon and (named in fields or named in ("id", TENANT)):
        return Piece(value, named, excluded)
    return Piece(word, "", excluded)
