"""resolve: what a person mended by hand is looked at, recorded with the reason, and the run goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.session import Target
from tests.commands.calling import plans
from tests.driving import ask, events, state, states

pytestmark = pytest.mark.newest

FAILS = "SELECT 1/0;"


@pytest.fixture
def failed(handrail: Any, sample: Target, tmp_path: Path) -> str:
    """A folder of plans; run 1 on the sample has failed in its one step."""
    folder = plans(tmp_path, FAILS)
    assert handrail("--target", sample.url, "--plans", folder, "run", "slow", "--yes").code == 1
    return folder


@pytest.mark.usefixtures("failed")
def test_a_step_that_was_done_by_hand_is_looked_at(handrail: Any, sample: Target) -> None:
    words = ("--target", sample.url, "resolve", "1", "slow", "--done", "--reason", "made the table by hand")
    said = handrail(*words)
    assert (said.code, said.out) == (6, "run 1, slow: failed\n")
    assert "slow does not look done" in said.err
    ask(sample, "CREATE TABLE half (a int)")
    said = handrail(*words)
    event, stands = said.out.splitlines()
    assert (said.code, stands) == (0, "run 1, slow: paused")
    assert "step resolved      slow" in event
    assert "reason made the table by hand" in event
    assert said.err == "Go on with: handrail resume 1\n"
    assert handrail("--target", sample.url, "resume", "1").code == 0
    assert (state(sample, 1), states(sample, 1)) == ("done", {"slow": "done"})


def test_a_skipped_step_is_shown_as_such(handrail: Any, sample: Target, tmp_path: Path) -> None:
    """And nothing in this plan says how to look at it, which is said."""
    folder = plans(tmp_path, FAILS)
    plan = (tmp_path / "slow.toml").read_text()
    (tmp_path / "slow.toml").write_text(plan[: plan.index("done_when")] + "may_skip = true\n")
    handrail("--target", sample.url, "--plans", folder, "run", "slow", "--yes")
    said = handrail(
        "--target", sample.url, "resolve", "1", "slow", "--skipped", "--reason", "not needed here", "--json"
    )
    assert said.code == 0
    event, run = said.documents
    assert (event["event"], event["resolved"], event["reason"]) == ("step resolved", "skipped", "not needed here")
    assert (run["state"], run["steps"][0]["state"]) == ("paused", "skipped")
    assert "Nothing in the plan says how to look at slow; the next checkpoint will tell." in said.err
    assert "  » skipped    1 slow" in handrail("--target", sample.url, "status").out


@pytest.mark.usefixtures("failed")
def test_what_the_plan_does_not_allow_is_refused(handrail: Any, sample: Target) -> None:
    said = handrail("--target", sample.url, "resolve", "1", "slow", "--skipped", "--reason", "why not")
    assert (said.code, "The plan does not allow that slow is skipped." in said.err) == (6, True)
    assert events(sample, 1)[-1].kind != "step resolved"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--reason", "x"], "one of the arguments --done --undone --skipped is required"),
        (["--done", "--undone", "--reason", "x"], "not allowed with argument --done"),
        (["--done"], "the following arguments are required: --reason"),
        (["--done", "--reason", " "], "argument --reason: say what was done by hand"),
    ],
)
@pytest.mark.usefixtures("failed")
def test_exactly_one_answer_and_a_reason(handrail: Any, sample: Target, words: list[str], message: str) -> None:
    said = handrail("--target", sample.url, "resolve", "1", "slow", *words)
    assert (said.code, message in said.err) == (2, True), said.err
    assert states(sample, 1) == {"slow": "failed"}
