"""Clients with skewed words, as real ones have: a few names that everybody has, and thousands that few do."""

from __future__ import annotations

import random
from collections.abc import Iterator

import psycopg

FIRST = ("anna", "john", "maria", "wei", "josé", "olga", "mohammed", "søren", "grace", "łukasz", "jane", "ivan")
LAST = (
    "smith",
    "müller",
    "garcía",
    "nguyễn",
    "kim",
    "петрова",
    "johnson",
    "nowak",
    "okafor",
    "haddad",
    "silva",
    "rossi",
)
COMPANY = (
    "group",
    "northern",
    "blue",
    "harbour",
    "media",
    "studio",
    "global",
    "first",
    "royal",
    "café",
    "star",
    "west",
)
FORM = ("GmbH", "Ltd", "Inc", "SARL", "BV", "ApS")
HOSTS = ("example.com", "mail.example", "firma.example", "studio.example", "shop.example")
SYLLABLES = (
    "ba",
    "ko",
    "ri",
    "ten",
    "mo",
    "sa",
    "li",
    "ver",
    "dun",
    "gar",
    "pel",
    "shi",
    "no",
    "wick",
    "ham",
    "ost",
    "ey",
    "ul",
)
BLOCK = 5000


def words(chance: random.Random, known: tuple[str, ...], number: int) -> list[str]:
    """The known ones first: a word's place decides how common it is."""
    made = dict.fromkeys(known)
    while len(made) < number:
        made["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4)))] = None
    return list(made)


class Vocabulary:
    def __init__(self, seed: int = 11) -> None:
        self.chance = random.Random(seed)
        self.first = words(self.chance, FIRST, 3000)
        self.last = words(self.chance, LAST, 15_000)
        self.company = words(self.chance, COMPANY, 6000)

    def pick(self, known: list[str]) -> str:
        """The first tenth of the words is a half of the text."""
        return known[int(len(known) * self.chance.random() ** 3.3)]

    def lines(self, rows: int) -> Iterator[str]:
        """COPY's lines of `clients`: id, e-mail, two times, role, metadata; as the agency's first revision has them."""
        bits = self.chance.getrandbits
        for n in range(rows):
            first, last = self.pick(self.first), self.pick(self.last)
            company = f"{self.pick(self.company).title()} {self.pick(self.company).title()} {FORM[bits(8) % 6]}"
            day = f"202{bits(2)}-{1 + bits(8) % 12:02}-{1 + bits(8) % 28:02}"
            name = f"{first.title()} {last.title()}"
            yield (
                f"{bits(128):032x}\t{first}.{last}.{n}@{HOSTS[bits(8) % 5]}\t{day}\t{day}\tviewer\t"
                f'{{"name": "{name}", "company": "{company}", "phone": "+49 {bits(14)} {bits(26):08}"}}\n'
            )


def fill(connection: psycopg.Connection, rows: int, vocabulary: Vocabulary) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY public.clients (id, email, created_at, updated_at, role, metadata) FROM STDIN") as copy,
    ):
        block = list[str]()
        for line in vocabulary.lines(rows):
            block.append(line)
            if len(block) == BLOCK:
                copy.write("".join(block))
                block.clear()
        copy.write("".join(block))
