"""What a search must find, worked out in plain Python from the rows of the target, without the index."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import psycopg

from db.session import Target

FIELDS = {"name": "words", "company": "words", "email": "email", "phone": "phone", "role": "exact", "status": "exact",
          "tier": "exact", "manager": "exact"}  # fmt: skip
ANYWHERE = ("name", "company", "email", "phone")
LIKE = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ς": "σ", "ħ": "h",
        "ŧ": "t", "ŋ": "n"}  # fmt: skip
POINTED = ("COMBINING", "HEBREW", "ARABIC", "VARIATION SELECTOR")
VOICED = "\u3099\u309a"  # another letter in Japanese
PART_OF_A_WORD = "\u05f3\u05f4"

ROWS = """
SELECT id::text, c.id IS NOT NULL, e.id IS NOT NULL, c.metadata ->> 'name', c.metadata ->> 'company', c.email,
       c.metadata ->> 'phone', c.role, e.name, e.company_name, e.email, e.phone, e.status, e.tier,
       e.assigned_manager::text
FROM public.clients c FULL JOIN public.clients_enhanced e USING (id)
"""


@dataclass(frozen=True)
class Wanted:
    """One thing to be found: `field` is empty where any will do."""

    text: str
    field: str = ""
    excluded: bool = False

    @property
    def written(self) -> str:
        name = f"{self.field}:" if self.field else ""
        text = f'"{self.text}"' if re.search(r"\s", self.text) else self.text
        return f"{'!' * self.excluded}{name}{text}"


@cache
def fold(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(LIKE.get(char, char) for char in plain if not _mark(char))


def _mark(char: str) -> bool:
    kind = unicodedata.category(char)
    return (
        kind == "Cf"
        or char == "ـ"
        or (kind == "Mn" and unicodedata.name(char, "").startswith(POINTED) and char not in VOICED)
    )


def _between(char: str) -> bool:
    if char.isspace() or char in "$+<=>^`|~¦°":
        return True
    return unicodedata.category(char)[0] == "P" and char not in PART_OF_A_WORD


@cache
def words(text: str) -> tuple[str, ...]:
    """The first 24 different ones, each of at most 40 letters."""
    spaced = "".join(" " if _between(char) else char for char in fold(text[:4000]))
    return tuple(dict.fromkeys(word[:40] for word in spaced.split(" ") if word))[:24]


def whole(text: str) -> str:
    return re.sub(r"[\t\n\r\v\f]", " ", fold(text[:1000])).strip(" ")[:120]


def digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", text))


class Crowd:
    """The clients of a target as they stand, and which of them a login may see."""

    def __init__(self, target: Target) -> None:
        with psycopg.connect(target.url) as connection:
            rows = connection.execute(ROWS).fetchall()
        self.values: dict[str, dict[str, str | None]] = {}
        for id, login, business, *held in rows:
            mine = dict(zip(("name", "company", "email", "phone", "role"), held[:5], strict=True)) if login else {}
            names = ("name", "company", "email", "phone", "status", "tier", "manager")
            self.values[id] = {**mine, **(dict(zip(names, held[5:], strict=True)) if business else {})}
        self.tenants = {id: (one.get("company") or "").strip(" ")[:200] for id, one in self.values.items()}
        self.all = frozenset(self.values)
        # for each field: the piece that a prefix is looked for in, and who has it
        self._held: dict[str, dict[str, set[str]]] = {field: {} for field in (*FIELDS, "id", "ends")}
        for id, one in self.values.items():
            self._hold("id", [id.lower()[:80]], id)
            for field, kind in FIELDS.items():
                value = one.get(field)
                if value is None:
                    continue
                if kind == "words":
                    self._hold(field, words(value), id)
                elif kind != "phone":
                    self._hold(field, [whole(value)], id)
                elif len(number := digits(value)[-24:]) >= 3:
                    self._hold(field, [number], id)
                    self._hold("ends", [number[::-1]], id)
        self._known: dict[tuple[str, str], frozenset[str] | None] = {}

    def _hold(self, field: str, pieces: Iterable[str], id: str) -> None:
        for piece in pieces:
            if piece:
                self._held[field].setdefault(piece, set()).add(id)

    def _begins(self, field: str, prefix: str) -> set[str]:
        return {id for piece, ids in self._held[field].items() if piece.startswith(prefix) for id in ids}

    def in_field(self, text: str, field: str) -> set[str] | None:
        """Who has it in this field; None where it is nothing that could stand in the field."""
        kind = FIELDS.get(field, "id")
        if kind == "id":
            return self._begins("id", text.lower())
        if kind == "words":
            found = [self._begins(field, word) for word in words(text)]
            return set.intersection(*found) if found else None
        if kind == "phone":
            number = digits(text) if re.fullmatch(r"[-+0-9()/. ]+", text) else ""
            begins, bare = {number, number.lstrip("0")}, number.lstrip("0")
            ends = {number, bare} if len(number) > 6 else {number}
            either = [self._begins("phone", one) for one in begins if len(one) > 1]
            either += [self._begins("ends", one[::-1]) for one in ends if len(one) > 1]
            return set().union(*either) if either else None
        return self._begins(field, whole(text)) if whole(text) else None

    def has(self, one: Wanted) -> frozenset[str] | None:
        """Who has it; None where it is no word at all, and left out."""
        key = (one.text, one.field)
        if key not in self._known:
            if one.field:
                fields: tuple[str, ...] = ("company" if one.field == "tenant" else one.field,)
            else:
                fields = (*ANYWHERE, *(["id"] if re.fullmatch(r"[0-9A-Za-z_-]{4,80}", one.text) else []))
            found = [ids for field in fields if (ids := self.in_field(one.text, field)) is not None]
            self._known[key] = frozenset().union(*found) if found else None
        return self._known[key]

    def find(self, wanted: Iterable[Wanted], tenants: Iterable[str] | None) -> frozenset[str]:
        """The ids; `tenants` are those that may be seen, None for all."""
        met = self.all
        if tenants is not None:
            seen = set(tenants)
            met = frozenset(id for id in met if self.tenants[id] in seen)
        for one in wanted:
            ids = self.has(one)
            if ids is not None:
                met = met - ids if one.excluded else met & ids
        return met
