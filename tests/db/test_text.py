"""clean(): of all that Unicode has, nothing is left that a terminal obeys or that hides what stands beside it."""

from __future__ import annotations

import sys
import time
import unicodedata

import pytest

from db.text import KEPT, clean, one_line
from tests.hostile import ALL, BIDI, CORPUS, LONGER, UNSEEN, raw

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
SEEN = {"L", "M", "N", "P", "S"}  # letters, marks, numbers, punctuation, symbols


def test_every_character_stays_or_becomes_one_that_is_seen() -> None:
    for char in EVERY:
        told = clean(char)
        if unicodedata.category(char)[0] in SEEN or char in (" ", *KEPT):
            assert told == char, hex(ord(char))
        else:
            assert told in ("", " ") or (len(told) == 1 and unicodedata.category(told) == "So"), hex(ord(char))


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"])
def test_no_character_of_a_kind_is_left(category: str) -> None:
    chars = [char for char in EVERY if unicodedata.category(char) == category and char not in KEPT]
    assert chars
    told = clean("".join(chars))
    assert not set(told) & set(chars)
    assert len(told) >= len(chars) - 1  # what was there is seen; a joiner alone goes


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus(name: str) -> None:
    assert raw(clean(CORPUS[name]).encode()) == []


def test_again_changes_nothing() -> None:
    assert clean(clean(ALL)) == clean(ALL)
    assert clean("".join(EVERY)) == clean(clean("".join(EVERY)))


def test_the_words_of_people_stay() -> None:
    words = "Ärzte Łódź ΑΘΗΝΑ Москва 東京 ไทย नमस्ते שלום 🚂\ufe0f ﷺ e\u0301\tline\nline"
    assert clean(words) == words


def test_where_characters_go_to() -> None:
    assert clean("\x00\x1b\r\x7f\x9b\u202e\ue000\ud800") == "␀␛␍␡����"
    assert clean("a\u00a0b\u3000c") == "a b c"
    assert clean("👩\u200d👩") == "👩👩"


def test_one_line_has_no_line_end() -> None:
    for end in ("\n", "\t", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"):
        assert len(one_line(f"a{end}b").splitlines()) == 1
    assert one_line("\n a \n\t b \n") == "a b"


def test_values_that_are_no_text() -> None:
    assert [clean(value) for value in (None, 7, b"\x1b", ["\x1b"])] == ["None", "7", "b'\\x1b'", "['\\x1b']"]


@pytest.mark.parametrize("words", [LONGER, "a" * 20_000, BIDI * 1_600, UNSEEN * 2_500, "🚂" * 20_000])
def test_20_000_characters_take_milliseconds(words: str) -> None:
    times = []
    for _ in range(5):
        began = time.perf_counter()
        clean(words)
        times.append(time.perf_counter() - began)
    assert min(times) < 0.02
