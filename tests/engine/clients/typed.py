"""What a person types who looks for a client, as strategies of hypothesis: what fails shrinks to the least that does."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from functools import cache

from hypothesis import strategies as st

from tests.engine.clients.brute import ANYWHERE, FIELDS, Crowd, Wanted, fold, words

NUMBER = re.compile(r"[-+0-9()/. ]+")
LONGEST = 300
Part = tuple[str, str]
"""A field and what a client has in it; `ends` are the last digits of a phone number."""


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def left_out(text: str) -> str:
    return text[: len(text) // 2] + text[len(text) // 2 + 1 :]


def doubled(text: str) -> str:
    return text[: len(text) // 2 + 1] + text[len(text) // 2 :]


def swapped(text: str) -> str:
    return text[:-2] + text[-2:][::-1]


def beside(text: str) -> str:
    return text[: len(text) // 2] + "e" + text[len(text) // 2 + 1 :]


SLIPS: tuple[Callable[[str], str], ...] = (left_out, doubled, swapped, beside)
# What is there more often is drawn more often; a failure shrinks to what stands first.
WAY = st.sampled_from((str,) * 24 + (fold, decomposed, str.upper, str.title, str.swapcase) * 6 + SLIPS)
LENGTH = st.sampled_from((1, 1, 2, 3, 4, 6, 9, 60, LONGEST, LONGEST, LONGEST, 0))
NAMED, EXCLUDED = (True, False), (False, True)
MANNER = st.sampled_from(((False, False),) * 20 + (NAMED,) * 10 + (EXCLUDED,) * 2 + ((True, True),))
LETTERS = st.text("abeEnsSmvzö-.'&ßאדΣй가田0129", min_size=1, max_size=5)


def questions(crowd: Crowd, own: Collection[str]) -> st.SearchStrategy[list[Wanted]]:
    """One to three words, beginnings, digits, fields, each perhaps shut out: of one client, half of them of `own`."""
    known = {id: st.sampled_from(list(parts(crowd, id))) for id in sorted(crowd.all)}
    of_one = cache(lambda id: some(piece(known[id])))
    anybody = st.sampled_from([*known])
    mine = st.sampled_from(sorted(own) or [*known])
    of_several = some(piece(anybody.flatmap(known.__getitem__)))
    return st.one_of(mine.flatmap(of_one), mine.flatmap(of_one), anybody.flatmap(of_one), of_several).map(typeable)


def some(pieces: st.SearchStrategy[Wanted]) -> st.SearchStrategy[list[Wanted]]:
    # Where a piece may come twice, hypothesis copies pieces, and asks the same question again and again.
    return st.lists(pieces, min_size=1, max_size=3, unique=True)


def parts(crowd: Crowd, id: str) -> Iterator[Part]:
    """What somebody may have in mind who knows the client."""
    for field, value in crowd.values[id].items():
        if not value:
            continue
        yield from [(field, value)] * 3  # as often as the words of a name
        if FIELDS[field] == "words":
            yield from ((field, word) for word in [*words(value), *value.split()[:30]])
        if field == "company":
            yield "tenant", value
        if FIELDS[field] == "phone" and (bare := re.sub(r"[^0-9]", "", value)):
            yield from ((field, bare), (field, f"+{bare}"), ("ends", bare))
            yield from ((field, f"0{bare[-n:]}") for n in (5, 6, 9))  # as it is dialled at home
    yield "id", id


@st.composite
def piece(draw: st.DrawFn, known: st.SearchStrategy[Part]) -> Wanted:
    """A beginning, written in some way, now and then with a slip; or letters that nobody has."""
    (field, text), length, (named, excluded) = draw(known), draw(LENGTH), draw(MANNER)
    if field == "ends":
        field, text = "phone", text[-length:]
    else:
        text = text[:length]
    text = draw(WAY)(text or draw(LETTERS)).replace('"', "").strip()[:LONGEST]
    if field in (*ANYWHERE, "id") and not named:
        field, text = "", text.lstrip("!").replace(":", " ").strip()
    return Wanted(text or "smith", field, excluded)


def typeable(wanted: list[Wanted]) -> list[Wanted]:
    """Several numbers would be one, and more than 400 characters are refused."""
    line = " ".join(one.written for one in wanted)
    return wanted[:1] if len(line) > 400 or NUMBER.fullmatch(line) else wanted


def written(wanted: list[Wanted]) -> str:
    """As it stands in the box. A number that stands alone has its spaces without quotes."""
    only = wanted[0]
    if len(wanted) == 1 and NUMBER.fullmatch(only.text) and not (only.field or only.excluded):
        return only.text
    return " ".join(one.written for one in wanted)
