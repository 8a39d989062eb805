"""handrail finish: shown, typed, done; and nobody passes the point of no return by the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console.engine import journey
from console.engine.executor import Executor
from db.session import Target
from tests.driving import ask, drive, state
from tests.engine.captures.writing import OVERWRITING, others, person, plan
from tests.staffed import as_login, signed

pytestmark = pytest.mark.newest


@pytest.fixture
def engineer(staff: Target) -> Iterator[Target]:
    """The on-call engineer's login; run 2 is signed and waits before its finish, and somebody has written since."""
    others(staff, "ALTER TABLE person OWNER TO oncall1", "GRANT CREATE ON SCHEMA public TO oncall1")
    login = as_login(staff, "oncall1")

    def go(here: Executor) -> None:
        journey.forward(here, journey.begin(here, plan(OVERWRITING)), until="good")

    drive(login, go)
    signed(staff, "sec1", 2, "good")
    others(staff, f"UPDATE person SET n = 4 WHERE id = '{person(staff, 1)}'")
    yield login
    login.close()


@pytest.fixture
def said(handrail: Any, engineer: Target) -> Callable[..., Any]:
    """What a command of the engineer's says."""
    return lambda *words: handrail("--target", engineer.url, "--no-input", *words)


def test_resume_stops_before_it(engineer: Target, said: Callable[..., Any]) -> None:
    called = said("resume", "2", "--yes")
    assert called.code == 0
    assert "waits for finish" in called.out
    assert state(engineer, 2) == "paused"


@pytest.mark.usefixtures("engineer")
def test_status_counts_what_is_captured(said: Callable[..., Any]) -> None:
    assert "+ captured: 1 People written since (1 changed)" in said("status", "2").out
    document = json.loads(said("status", "2", "--json").out)
    assert [one["rows"] for one in document["captures"]] == [1]


def test_it_says_what_goes(engineer: Target, said: Callable[..., Any]) -> None:
    called = said("finish", "2", "--show")
    assert called.code == 0
    assert "table person_before: about 3 000 rows" in called.out or "table person_before: about 0 rows" in called.out
    assert "no longer kept for a rollback: 1 People written since (1 changed)" in called.out
    document = json.loads(said("finish", "2", "--show", "--json").out)
    assert document["kept"] == [
        {
            "title": "People written since (1 changed)",
            "rows": 1,
            "rule": "carried back, or set aside where there is no place",
        }
    ]
    assert state(engineer, 2) == "paused"


@pytest.mark.parametrize("words", [("finish", "2"), ("finish", "2", "--confirm", "overwritin")])
def test_without_its_name_nothing_is_done(engineer: Target, said: Callable[..., Any], words: tuple[str, ...]) -> None:
    called = said(*words)
    assert called.code in (2, 6)
    assert state(engineer, 2) == "paused"
    assert ask(engineer, "SELECT count(*) FROM handrail.capture") == 1


def test_with_its_name_it_is_done_and_rollback_is_refused(engineer: Target, said: Callable[..., Any]) -> None:
    assert said("finish", "2", "--confirm", "overwriting").code == 0
    assert state(engineer, 2) == "done"
    called = said("rollback", "2", "--confirm", "overwriting")
    assert called.code == 6
    assert "is finished" in called.err
    assert said("finish", "2", "--confirm", "overwriting").code == 6


def test_too_early_it_is_refused(handrail: Any, staff: Target) -> None:
    others(staff, "ALTER TABLE person OWNER TO oncall1", "GRANT CREATE ON SCHEMA public TO oncall1")
    login = as_login(staff, "oncall1")
    drive(login, lambda here: journey.forward(here, journey.begin(here, plan(OVERWRITING)), until="fill"))
    called = handrail("--target", login.url, "finish", "2", "--confirm", "overwriting")
    assert called.code == 6
    assert "not at its finish yet" in called.err
    login.close()
