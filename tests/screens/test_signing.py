"""Signing on the checkpoint screen: what was seen is signed, with a reason, once, and by nobody who may not."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from console.engine.signing import Word
from console.screens.checkpoint import CheckpointScreen
from console.widgets.signing import BRIEF
from db.session import Target
from tests.driving import ask, drive
from tests.screens.gatekept import at_gate, says_why, somebody
from tests.screens.person import console
from tests.staffed import as_login, onward, signed, status

pytestmark = pytest.mark.newest
Size = tuple[int, int]

FOOTER = ("a Approve", "X Reject", "r Measure again")


def measured_again(target: Target) -> None:
    from console.engine import journey

    drive(as_login(target, "oncall1"), lambda here: journey.measure_again(here, 1, "fine"))


def signatures(target: Target) -> int:
    count: int = ask(target, "SELECT count(*) FROM handrail.sign_off")
    return count


async def test_approves_with_a_reason_and_keeps_the_anchor(
    gated: Target, size: Size, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    async with somebody(gated, "sec1", size) as person:
        await at_gate(person)
        await person.sees("Sam Cole (sec1)", "security: needed (you)", *FOOTER)
        await person.until(lambda: person.can("approve"))
        await person.presses("a")
        dialog = await person.is_asked("Approve Fine?")
        await person.sees("Run 1 of tiny on sample", "1 of 1 checks passed", "You sign as Sam Cole")
        await person.presses("enter")
        await person.sees("Say why, in a word or two. Nothing is signed.", "esc Cancel", "enter approve it")
        assert person.app.screen is dialog
        assert signatures(gated) == 0
        await person.presses(*"looks right", "enter")
        await person.sees("✓ approved security: sam", "looks right", "database administrator: needed")
        await person.until(lambda: not person.can("approve"))
        assert person.can("reject")
    assert status(gated, 1).signed == ["security"]
    (file,) = (tmp_path / "anchors").rglob("*.jsonl")
    (line,) = file.read_text().splitlines()
    assert json.loads(line)["count"] == ask(gated, "SELECT count FROM handrail.head")
    assert json.loads(line)["target"] == file.parent.name
    assert file.stem == gated.parameters["dbname"]


async def test_escape_signs_nothing(gated: Target) -> None:
    async with somebody(gated, "sec1") as person:
        await at_gate(person)
        await person.until(lambda: person.can("approve"))
        await person.presses("a")
        dialog = await person.is_asked("Approve Fine?")
        await person.presses(*"looks right", "escape")
        await person.until(lambda: person.app.screen is not dialog)
        assert person.can("approve")
    assert signatures(gated) == 0


async def test_what_is_typed_ahead_signs_nothing_and_is_not_cut(gated: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.widgets.questions.DEAF_SECONDS", 600.0)
    async with somebody(gated, "sec1") as person:
        await at_gate(person)
        await person.until(lambda: person.can("approve"))
        await person.presses("a", *"typed ahead", "enter")
        await person.sees("Approve Fine?")
        await person.pilot.pause()
        assert person.place == "ReasonDialog"
        assert "Reason: typed ahead" in " ".join(person.reading.split())
    assert signatures(gated) == 0


async def test_a_reject_stops_the_run(gated: Target, size: Size) -> None:
    async with somebody(gated, "sec1", size) as person:
        await at_gate(person)
        await says_why(person, "X", "Reject Fine?", *"the index is missing")
        await person.sees("rejected by sam: measure it again", "✗ rejected security: sam", "the index is missing")
        await person.until(lambda: not person.can("approve") and not person.can("reject"))
    assert onward(gated, 1) == "Fine (fine): rejected by sam: measure it again."


@pytest.mark.parametrize(
    ("login", "says"),
    [("oncall2", "You began this run"), ("audit1", ""), ("owner1", ""), ("room", ""), ("nobody1", "")],
)
async def test_who_may_not_sign_cannot_begin_to(gated: Target, login: str, says: str) -> None:
    """Who began the run, with another login; without a role, or with another one; a shared login; nobody's login."""
    async with somebody(gated, login) as person:
        await at_gate(person)
        await person.sees("waits for database administrator, security", says)
        assert not person.can("approve")
        assert not person.can("reject")
        await person.presses("a", "X")
        await person.pilot.pause()
        assert person.place == "CheckpointScreen"


@pytest.mark.parametrize("word", ["approve", "reject"])
async def test_a_sign_off_made_elsewhere_is_there_within_a_second(
    gated: Target, size: Size, word: Word, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heard, for the screen looks by itself only after a minute."""
    monkeypatch.setattr(CheckpointScreen, "EVERY", 60.0)
    listens = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()"
    async with somebody(gated, "dba1", size) as person:
        await at_gate(person)
        await person.until(lambda: ask(gated, listens) == 1)
        await asyncio.to_thread(signed, gated, "sec1", 1, "fine", word, "as agreed")
        began = time.monotonic()
        await person.sees("security: sam", "as agreed")
        assert time.monotonic() - began < 1


async def test_what_was_measured_again_meanwhile_is_not_signed(gated: Target, size: Size) -> None:
    async with somebody(gated, "sec1", size) as person:
        await at_gate(person)
        await person.until(lambda: person.can("approve"))
        await person.presses("a")
        dialog = await person.is_asked("Approve Fine?")
        await asyncio.to_thread(measured_again, gated)
        await person.presses(*"looks right", "enter")
        await person.until(lambda: person.app.screen is not dialog)
        await person.is_told("fine was measured again after you looked. Look at it again before you decide.")
        assert len(person.app._notifications) == 1
        await person.sees("security: needed (you)")
        assert signatures(gated) == 0
        person.app.visit("run", 1)
        await person.sees("◆ Fine: waits for database administrator, security")
        assert "after you looked" not in person.reading
        await person.presses("escape")
        await says_why(person, "a", "Approve Fine?", *"looks right")
        await person.sees("✓ approved security: sam")
    assert ask(gated, "SELECT measurement FROM handrail.sign_off") == 2


async def test_says_what_changed_since_the_sign_off_before(gated: Target, size: Size) -> None:
    signed(gated, "dba1", 1, reason="looks well")
    ask(gated, "DROP TABLE one")
    with pytest.raises(Exception, match="1 of 1 checks failed: there"):
        measured_again(gated)
    async with somebody(gated, "sec1", size) as person:
        await at_gate(person)
        await person.sees("✗ FAILED", "before: dina approved measurement 1: looks well",
                          "since the sign-off before: One is there: True -> False")  # fmt: skip
        await person.until(lambda: not person.can("approve") and person.can("reject"))
        await person.presses("X")
        await person.is_asked("Reject Fine?")
        await person.sees("Since the sign-off before: One is")


async def test_a_long_reason_pushes_nobody_out(gated: Target, size: Size) -> None:
    signed(gated, "dba1", 1, reason="\n".join(["because"] * 200))
    async with somebody(gated, "sec1", size) as person:
        await at_gate(person)
        await person.sees("✓ approved database administrator: dina", "bec…", "security: needed (you)", *FOOTER)
        assert person.reading.count("because") <= BRIEF // len("because")


async def test_a_gate_is_broken_open_with_two_reasons_and_the_plans_name(gated: Target) -> None:
    """FM-G16, from the console; Enter alone goes from field to field."""
    async with console(as_login(gated, "oncall1").url, (80, 24)) as person:
        await person.sees("tiny")
        person.app.visit("checkpoint", 1, "fine")
        await person.until(lambda: person.can("break_glass"))
        await person.presses("G")
        await person.is_asked("Break Fine open?")
        for words in ("the disk is full in an hour", "nobody of security answers", "other"):
            await person.presses(*words.replace(" ", "_"), "enter")
        await person.sees("That is not tiny.")
        assert ask(gated, "SELECT count(*) FROM handrail.break_glass") == 0
        await person.presses(*["backspace"] * 5, *"tiny", "enter")
        await person.sees("opened by break-glass")
    assert ask(gated, "SELECT reason FROM handrail.break_glass") == "the_disk_is_full_in_an_hour"
    assert ask(gated, "SELECT count(*) FROM handrail.event WHERE kind = 'break-glass tried'") == 1
