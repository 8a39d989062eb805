"""Triggers through the real command: exit codes, what status prints, how a run goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.session import Target
from tests.commands.calling import at_terminal, started
from tests.driving import ask, kinds, state
from tests.engine.triggers.armed import LASTING, gauge, looking_on
from tests.servers import wait_until

pytestmark = pytest.mark.newest
PLAN = """\
format = 1
id = "watched"
target = "sample"
title = "Watched"
[[phase]]
title = "Only"
[[phase.step]]
id = "one"
kind = "sql"
title = "As long as a test wants"
estimate = "1s"
sql = "SELECT pg_sleep(seconds) FROM lasting"
undo = "-- nothing to undo: it only waits"
[[trigger]]
id = "bad"
kind = "probe"
sql = "SELECT count(*) FROM person WHERE email = 'bad'"
at_most = 0
every = "50ms"
cool_down = "0s"
{keys}
[[trigger]]
id = "hour"
kind = "restore"
within = "{within}"
"""


@pytest.fixture
def target(sample: Target) -> Target:
    ask(sample, LASTING)
    return sample


def plans(folder: Path, keys: str = "", within: str = "1h") -> str:
    (folder / "watched.toml").write_text(PLAN.format(keys=keys, within=within))
    return str(folder)


def bad(target: Target) -> None:
    ask(target, "INSERT INTO person (email) VALUES ('bad')")


def mended(target: Target) -> None:
    ask(target, "DELETE FROM person WHERE email = 'bad'")
    ask(target, "UPDATE lasting SET seconds = 0")


@pytest.fixture
def stopped(handrail: Any, target: Target, tmp_path: Path) -> str:
    bad(target)
    folder = plans(tmp_path)
    assert handrail("--target", target.url, "--plans", folder, "run", "watched", "--yes").code == 4
    return target.url


@pytest.fixture
def going(target: Target, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with started(target, "--plans", plans(tmp_path), "run", "watched", "--yes") as process:
        wait_until(lambda: gauge(target, 1, "bad"))
        yield process


def test_a_run_that_a_trigger_stops_ends_with_4(target: Target, going: subprocess.Popen[str]) -> None:
    bad(target)
    out, err = going.communicate(timeout=30)
    assert going.returncode == 4
    assert "run 1, watched: paused" in out
    assert "handrail: Trigger bad stopped run 1: 1, at most 0, 3 of 5 samples." in err
    assert "handrail rollback 1, or mend it and: handrail resume 1" in err
    assert "Traceback" not in err


def test_a_run_that_a_trigger_rolls_back_ends_with_5(handrail: Any, target: Target, tmp_path: Path) -> None:
    bad(target)
    folder = plans(tmp_path, 'do = "roll back"\nask = false')
    said = handrail("--target", target.url, "--plans", folder, "run", "watched", "--yes")
    assert said.code == 5
    assert "run 1, watched: rolled back" in said.out
    assert "Trigger bad fired, and run 1 was rolled back." in said.err
    assert looking_on() == []


@pytest.mark.parametrize(("answer", "code", "stands"), [("y", 5, "rolled back"), ("n", 4, "paused")])
def test_at_a_terminal_it_asks_whether_to_roll_back(
    target: Target, tmp_path: Path, answer: str, code: int, stands: str
) -> None:
    bad(target)
    folder = plans(tmp_path, 'do = "roll back"')
    said = at_terminal(target, f"{answer}\n", "--plans", folder, "run", "watched", "--yes")
    assert said.code == code
    assert "Its plan says to roll back." in said.err
    assert "Roll back run 1 now? [y/N]" in said.err
    assert state(target, 1) == stands


def test_a_script_is_not_asked(handrail: Any, target: Target, tmp_path: Path) -> None:
    bad(target)
    folder = plans(tmp_path, 'do = "roll back"')
    assert handrail("--target", target.url, "--plans", folder, "run", "watched", "--yes").code == 4
    assert state(target, 1) == "paused"


def test_ctrl_c_is_no_trigger(target: Target, going: subprocess.Popen[str]) -> None:
    going.terminate()
    going.communicate(timeout=30)
    assert going.returncode == 130
    assert "trigger fired" not in kinds(target, 1)


def test_status_shows_the_gauges_to_others(handrail: Any, target: Target, going: subprocess.Popen[str]) -> None:
    out = handrail("--target", target.url, "status").out
    assert "~ bad  0 of at most 0" in out
    assert "armed" in out
    assert "~ hour: an incident stays open for over 1 h: is said loudly" in out
    assert going.poll() is None


def test_status_as_json_has_the_triggers(handrail: Any, target: Target, going: subprocess.Popen[str]) -> None:
    (document,) = handrail("--target", target.url, "status", "--json").documents
    (found,) = document["triggers"]
    assert document["incident"] is None
    assert (found["trigger"], found["kind"], found["do"], found["state"]) == ("bad", "probe", "stop", "armed")
    assert (found["value"], found["at_most"], found["needed"], found["of"]) == (0, 0, 3, 5)
    assert going.poll() is None


def test_status_says_which_trigger_stopped_it(handrail: Any, stopped: str) -> None:
    out = handrail("--target", stopped, "status").out
    assert "! stopped by trigger bad, open for " in out
    (document,) = handrail("--target", stopped, "status", "--json").documents
    assert (document["incident"]["trigger"], document["incident"]["overdue"]) == ("bad", False)


def test_an_incident_that_is_open_too_long_is_overdue(handrail: Any, target: Target, tmp_path: Path) -> None:
    """A-39"""
    bad(target)
    assert (
        handrail("--target", target.url, "--plans", plans(tmp_path, within="10ms"), "run", "watched", "--yes").code == 4
    )
    assert "OVERDUE" in handrail("--target", target.url, "status").out


def test_resume_is_refused_while_the_trigger_is_still_over(handrail: Any, stopped: str, target: Target) -> None:
    said = handrail("--target", stopped, "resume", "--yes")
    assert said.code == 6
    assert "handrail: Still over: bad (1, at most 0)." in said.err
    assert "handrail resume 1 --despite bad" in said.err
    assert state(target, 1) == "paused"


def test_resume_goes_on_once_it_is_mended(handrail: Any, stopped: str, target: Target) -> None:
    mended(target)
    assert handrail("--target", stopped, "resume", "--yes").code == 0
    assert "incident closed" in kinds(target, 1)


def test_resume_goes_on_in_spite_of_it(handrail: Any, stopped: str, target: Target) -> None:
    ask(target, "UPDATE lasting SET seconds = 1")
    assert handrail("--target", stopped, "resume", "--yes", "--despite", "bad").code == 0
    assert state(target, 1) == "done"


def test_a_rollback_that_was_asked_for_ends_with_0(handrail: Any, stopped: str, target: Target) -> None:
    assert handrail("--target", stopped, "rollback", "1", "--yes").code == 0
    assert "stopped by trigger" not in handrail("--target", stopped, "status").out


def test_a_command_is_told_of_it(
    handrail: Any, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_NOTIFY_COMMAND", f"tee {tmp_path / 'told'}")
    bad(target)
    handrail("--target", target.url, "--plans", plans(tmp_path), "run", "watched", "--yes")
    assert (tmp_path / "told").read_text().startswith("handrail: trigger bad stopped run 1 on sample")


def test_plan_show_says_what_is_armed(handrail: Any, tmp_path: Path) -> None:
    out = handrail("--plans", plans(tmp_path), "plan", "show", "watched").out
    assert "bad: over 0 says SELECT count(*) FROM person WHERE email = 'bad': stops the run; 3 of 5 samples" in out
