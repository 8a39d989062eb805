"""What somebody typed, as the pieces that are looked for; no database is asked."""

from __future__ import annotations

import json

import pytest

from console.engine.clients.asking import Asked, Piece, asked
from console.engine.errors import SearchRefused

FIELDS = ("name", "company", "status")

TYPED = {
    "": (),
    "   ": (),
    "anna": (Piece("anna"),),
    " anna\tsmith ": (Piece("anna"), Piece("smith")),
    "company:gmbh": (Piece("gmbh", "company"),),
    "COMPANY:Gmbh": (Piece("Gmbh", "company"),),
    'company:"blue harbour"': (Piece("blue harbour", "company"),),
    'company:"blue har': (Piece("blue har", "company"),),
    '"blue harbour" anna': (Piece("blue harbour"), Piece("anna")),
    "!berlin": (Piece("berlin", "", True),),
    "!status:paused": (Piece("paused", "status", True),),
    '!company:"blue harbour" x': (Piece("blue harbour", "company", True), Piece("x")),
    "!": (Piece("!"),),
    "12:30": (Piece("12:30"),),
    "nofield:x": (Piece("nofield:x"),),
    "http://x": (Piece("http://x"),),
    "id:7c0e": (Piece("7c0e", "id"),),
    "tenant:lantern": (Piece("lantern", "tenant"),),
    "status:": (),
    "status:a:b": (Piece("a:b", "status"),),
    "+49 30 1234 5678": (Piece("+49 30 1234 5678"),),
    "(030) 12-34": (Piece("(030) 12-34"),),
    "4711": (Piece("4711"),),
    "4711 anna": (Piece("4711"), Piece("anna")),
    '""': (),
    "a\x00b": (Piece("a"), Piece("b")),
    "\ud800": (),
}


@pytest.mark.parametrize("written", TYPED, ids=ascii)
def test_what_is_typed_is_read(written: str) -> None:
    assert asked(written, FIELDS).pieces == TYPED[written]


@pytest.mark.parametrize("written", ["x" * 401, "x " * 13, "'" * 1_000_000, "1 2 3 " * 100], ids=len)
def test_what_nobody_means_is_refused(written: str) -> None:
    with pytest.raises(SearchRefused):
        asked(written, FIELDS)


def test_four_hundred_characters_and_twelve_words_are_not_too_much() -> None:
    assert len(asked("x" * 400, FIELDS).pieces) == 1
    assert len(asked("x " * 12, FIELDS).pieces) == 12


def test_it_is_told_as_the_database_reads_it() -> None:
    told = json.loads(asked('!status:"a\'b" é', FIELDS).json())
    assert told == [{"text": "a'b", "field": "status", "not": True}, {"text": "é", "field": None, "not": False}]


def test_a_tenant_is_kept_beside_the_pieces() -> None:
    assert asked("anna", FIELDS, "Lantern BV") == asked("anna", FIELDS).within("Lantern BV")
    assert Asked().within("x").pieces == ()
