"""What a field takes, and how its answer stands in SQL: a literal, whatever a person types."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from console.engine.decisions.fields import AnyField, FormField
from db.session import Target
from tests.driving import ask

pytestmark = pytest.mark.newest

FIELDS: dict[str, dict[str, Any]] = {
    "choice": {"options": ["A extend", "B replace"]},
    "number": {"minimum": 1, "maximum": 10.5, "unit": "min"},
    "text": {"pattern": "[a-z' ]+", "longest": 12},
    "list": {"options": ["a", "b", "c"], "at_least": 1},
    "mapping": {"keys": ["admin", "viewer"], "options": ["owner", "staff"]},
}
ONE: TypeAdapter[FormField] = TypeAdapter(AnyField)


def field(kind: str, **keys: Any) -> FormField:
    return ONE.validate_python({"id": "one", "title": "One", "kind": kind, **FIELDS[kind], **keys})


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("choice", "A extend", "A extend"),
        ("choice", "2", "B replace"),
        ("number", " 7 ", 7),
        ("number", "7.5", 7.5),
        ("text", " it's fine ", "it's fine"),
        ("list", "a, c", ["a", "c"]),
        ("mapping", "viewer = staff, admin=owner", {"viewer": "staff", "admin": "owner"}),
    ],
)
def test_what_is_typed_is_read_and_shown_again(kind: str, written: str, value: object) -> None:
    one = field(kind)
    assert one.read(written) == value
    assert one.problem(value) == ""
    assert one.read(one.shown(value)) == value


@pytest.mark.parametrize(
    ("kind", "value", "wrong"),
    [
        ("choice", "C", "it is one of: A extend, B replace"),
        ("number", 0, "it is a number from 1 to 10.5 min"),
        ("number", 11, "it is a number from 1 to 10.5 min"),
        ("number", float("nan"), "it is a number"),
        ("number", True, "it is a number"),
        ("number", "7", "it is a number"),
        ("text", "", "it may not be empty"),
        ("text", "A", "it does not match"),
        ("text", "a" * 13, "it has over 12 characters"),
        ("text", "a\0", "it is a text"),
        ("list", [], "it has 1 words at least"),
        ("list", ["a", "a"], "a word stands twice"),
        ("list", ["z"], "z is none of: a, b, c"),
        ("list", "a", "it is a list of words"),
        ("mapping", {"admin": "owner"}, "viewer is not said"),
        ("mapping", {"admin": "owner", "viewer": "king"}, "viewer = king: it is one of: owner, staff"),
        ("mapping", {"admin": "owner", "viewer": "staff", "x": "staff"}, "x is none of: admin, viewer"),
        ("mapping", [], "it is admin = ..., viewer = ...; each one of: owner, staff"),
    ],
)
def test_what_is_wrong_is_said(kind: str, value: object, wrong: str) -> None:
    assert field(kind).problem(value).startswith(wrong)


@pytest.mark.parametrize(("kind", "written"), [("number", "seven"), ("mapping", "admin")])
def test_what_cannot_be_read_is_said(kind: str, written: str) -> None:
    with pytest.raises(ValueError, match="it is"):
        field(kind).read(written)


def test_a_default_that_is_no_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="default: it is one of"):
        field("choice", default="C")


NASTY = ["'; DROP TABLE person; --", "\\'", "$$ || now() || $$", "{{run_id}}", "%s :name", "é 🚂 \u202e"]


@pytest.mark.parametrize("words", NASTY)
def test_in_sql_an_answer_is_a_literal(sample: Target, words: str) -> None:
    assert ask(sample, f"SELECT {field('text', pattern=None, longest=100).sql(words)}") == words
    assert ask(sample, f"SELECT {field('list', options=[]).sql([words, 'a'])}") == [words, "a"]
    mapped = field("mapping", keys=[words[:20]], options=[words]).sql({words[:20]: words})
    assert ask(sample, f"SELECT {mapped}") == {words[:20]: words}


def test_numbers_keep_their_sign(sample: Target) -> None:
    assert ask(sample, f"SELECT 5 - {field('number', minimum=None).sql(-3)}") == 8
