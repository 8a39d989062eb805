"""backup by a command: its exit code and what it said are the evidence, and it runs only where a person allows it."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import pytest

from console.engine import journey, outside, preflight, reading
from console.engine.errors import CheckFailed, PlanError, RunRefused, StepFailed, StepStopped
from console.engine.executor import Executor
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, begun, drive, events, look, state, states, tiny, verdicts
from tests.servers import wait_until

pytestmark = pytest.mark.newest

CHECK = """
[phase.checkpoint]
id = "safe"
title = "Safe"
[[phase.checkpoint.check]]
id = "kept"
kind = "backup-verified"
title = "kept elsewhere"
step = "one"
younger_than = "1h"
"""


def by(*words: str, keys: str = "", check: str = "") -> Plan:
    """A plan whose backup is made by these words."""
    written = ", ".join(json.dumps(word) for word in words)
    return tiny(f'id = "one"\nkind = "backup"\ncommand = [{written}]\n{keys}\n{check}')


@pytest.fixture(autouse=True)
def allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_COMMANDS", "yes")


def gone(target: Target, plan: Plan) -> int:
    number = begun(target, plan)
    drive(target, lambda here: journey.forward(here, number))
    return number


def kept(target: Target, number: int) -> dict[str, object]:
    return dict(look(target, number).steps[0].progress)


def test_what_it_said_and_how_it_ended_are_kept(sample: Target) -> None:
    number = gone(sample, by("/bin/sh", "-c", "echo kept as 4711; echo and more >&2", check=CHECK))
    assert state(sample, number) == "done"
    found = kept(sample, number)
    assert (found["exit_code"], found["output"]) == (0, "kept as 4711\nand more")
    assert found["command"] == "/bin/sh -c 'echo kept as 4711; echo and more >&2'"
    done = next(event for event in events(sample, number) if event.kind == "step done")
    assert (done.detail["exit_code"], "output" in done.detail) == (0, False)


def test_the_check_says_that_it_was_not_restored(sample: Target) -> None:
    number = gone(sample, by("true", check=CHECK))
    verdict = verdicts(sample, number)["kept"]
    assert (verdict.passed, verdict.expected) == (True, "exit code 0, younger than 1 h")
    command, age, honest = verdict.found.split(", ")
    assert (command, age.endswith(" s old"), honest) == ("true: exit code 0", True, "not restored by handrail")


def test_one_that_is_too_old_does_not_pass(sample: Target) -> None:
    number = begun(sample, by("true", check=CHECK.replace("1h", "1ms")))
    with pytest.raises(CheckFailed):
        drive(sample, lambda here: journey.forward(here, number))
    assert verdicts(sample, number)["kept"].rows[0]["command"] == "true"


def test_a_command_that_fails_is_no_backup(sample: Target) -> None:
    number = begun(sample, by("/bin/sh", "-c", "echo no room left >&2; exit 3"))
    with pytest.raises(StepFailed, match="ended with 3: no room left"):
        drive(sample, lambda here: journey.forward(here, number))
    assert (states(sample, number), kept(sample, number)["exit_code"]) == ({"one": "failed"}, 3)


def test_one_that_cannot_start_is_one_line(sample: Target) -> None:
    number = begun(sample, by("/nowhere/backup"))
    with pytest.raises(StepFailed, match="/nowhere/backup cannot be started: No such file"):
        drive(sample, lambda here: journey.forward(here, number))


def test_one_that_takes_too_long_is_ended_with_all_that_it_started(sample: Target, tmp_path: Path) -> None:
    left = tmp_path / "left"
    number = begun(
        sample, by("/bin/sh", "-c", f"(trap '' TERM; sleep 3; touch {left}) & sleep 600", keys='timeout = "1s"')
    )
    with pytest.raises(StepFailed, match="was ended after 1 s"):
        drive(sample, lambda here: journey.forward(here, number))
    time.sleep(3)
    assert not left.exists()


def test_a_stop_ends_it(sample: Target, tmp_path: Path) -> None:
    begins = tmp_path / "begins"
    number = begun(sample, by("/bin/sh", "-c", f"touch {begins}; sleep 600"))

    def stopped(here: Executor) -> None:
        def stop() -> None:
            wait_until(begins.exists)
            here.cancel()

        waiting = threading.Thread(target=stop)
        waiting.start()
        try:
            journey.forward(here, number)
        finally:
            waiting.join()

    began = time.monotonic()
    with pytest.raises(StepStopped):
        drive(sample, stopped)
    assert time.monotonic() - began < 20
    assert states(sample, number) == {"one": "stopped"}


def test_no_shell_reads_its_words(sample: Target, tmp_path: Path) -> None:
    number = gone(sample, by(sys.executable, "-c", "import sys; print(sys.argv[1:])", f"$(touch {tmp_path}/one)", "*"))
    assert kept(sample, number)["output"] == str([f"$(touch {tmp_path}/one)", "*"])
    assert not list(tmp_path.iterdir())


def test_it_has_no_terminal_and_nothing_to_read(sample: Target) -> None:
    asks = "import os, sys; print([sys.stdin.read(), os.getsid(0) == os.getpid()])"
    number = gone(sample, by(sys.executable, "-c", asks))
    assert kept(sample, number)["output"] == "['', True]"


def test_what_it_said_is_cleaned_and_cut(sample: Target) -> None:
    number = gone(sample, by(sys.executable, "-c", 'print("x" * 5_000_000 + chr(27) + "[31mred")'))
    output = str(kept(sample, number)["output"])
    assert (len(output), output[-10:]) == (outside.LONGEST, "xx\u241b[31mred")


REFUSED = "starts a command on this machine, and commands are not allowed|commands are not allowed on this machine"


def test_it_is_refused_where_nobody_allowed_it(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDRAIL_COMMANDS")
    with pytest.raises(RunRefused, match=REFUSED) as refused:
        begun(sample, by("true"))
    assert refused.value.exit_code == 6
    assert "HANDRAIL_COMMANDS=yes" in refused.value.hint


@pytest.mark.parametrize("word", ["no", "0", "perhaps", ""])
def test_whatever_is_not_a_yes_is_a_no(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("HANDRAIL_COMMANDS", word)
    assert not outside.allowed()


def test_going_on_from_another_machine_is_refused_too(
    sample: Target, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    number = begun(sample, by("touch", str(tmp_path / "ran")))
    monkeypatch.setenv("HANDRAIL_COMMANDS", "no")
    with pytest.raises(RunRefused, match=REFUSED):
        drive(sample, lambda here: journey.forward(here, number))
    assert (states(sample, number), list(tmp_path.iterdir())) == ({"one": "waiting"}, [])


def test_what_is_done_is_not_asked_about_again(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    number = begun(sample, by("true", check=CHECK))
    drive(sample, lambda here: journey.forward(here, number, "one"))
    monkeypatch.delenv("HANDRAIL_COMMANDS")
    drive(sample, lambda here: journey.forward(here, number))
    assert state(sample, number) == "done"


def test_the_preflight_says_what_it_starts(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDRAIL_COMMANDS")
    found = [one for one in preflight.before_run(sample, by("pgbackrest", "backup")) if one.about == "command"]
    assert [(one.state, one.exit_code, "pgbackrest backup" in one.found) for one in found] == [("wrong", 6, True)]


def test_it_is_part_of_what_is_signed_and_shown() -> None:
    one, another = by("pgbackrest", "backup"), by("pgbackrest", "backup", "-f")
    assert one.digest != another.digest
    assert "-- pgbackrest backup -f" in another.script(another.item("one"))


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("command = []", "command"),
        ('command = "pg_dump"', "command"),
        ('command = ["a", "{{run_id}}"]', "parameters are for SQL"),
        ('timeout = "1h"', "timeout is a command's"),
    ],
)
def test_a_plan_that_cannot_be_right(keys: str, words: str) -> None:
    with pytest.raises(PlanError, match=words):
        tiny(f'id = "one"\nkind = "backup"\n{keys}')


def test_a_line_end_in_a_word_leaves_no_line_of_sql() -> None:
    plan = reading.parse(by("a").text.replace('["a"]', '["a", "b\\nDROP TABLE person"]'), "tiny.toml", lambda _: "")
    assert [line[:2] for line in plan.script(plan.item("one")).splitlines()] == ["--", "--"]


def test_the_database_is_left_alone(sample: Target) -> None:
    gone(sample, by("true"))
    assert ask(sample, "SELECT count(*) FROM pg_database WHERE datname LIKE 'handrail_scratch%'") == 0
