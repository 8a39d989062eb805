"""What another session may do to a run that is driven: stop it, take it over, see how it stands."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.commands.telling import MARKS, run_word
from console.engine import journey, wishes
from console.engine.executor import Executor
from console.engine.plan import Plan
from console.widgets import words as screens
from db.session import Target
from tests.commands.calling import SLEEPS, at_terminal, plans, started
from tests.driving import ask, begun, done, drive, events, kinds, state, states
from tests.servers import wait_until

pytestmark = pytest.mark.newest


@pytest.fixture
def driven(sample: Target, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run on the sample that another process drives, in the middle of its one step."""
    ask(sample, "INSERT INTO person (email) VALUES ('slow')")
    with started(sample, "--plans", plans(tmp_path), "run", "slow", "--yes") as process:
        wait_until(lambda: ask(sample, SLEEPS))
        yield process


def test_stop_cancels_what_another_session_runs(handrail: Any, sample: Target, driven: subprocess.Popen[str]) -> None:
    """UX-O4"""
    said = handrail("--target", sample.url, "stop")
    assert (said.code, said.out) == (
        0, "run 1 is stopped: the statement that runs now is cancelled, and the run pauses.\n"
    )  # fmt: skip
    _, err = driven.communicate(timeout=30)
    assert (driven.returncode, "Traceback" in err) == (130, False)
    assert (state(sample, 1), states(sample, 1)) == ("paused", {"slow": "stopped"})
    assert "stop asked" in kinds(sample, 1)


@pytest.mark.usefixtures("driven")
def test_stop_as_json(handrail: Any, sample: Target) -> None:
    (document,) = handrail("--target", sample.url, "stop", "1", "--json").documents
    assert (document["event"], document["run"], document["version"]) == ("stop asked", 1, 1)


def test_who_was_killed_can_be_asked_nothing(handrail: Any, sample: Target, driven: subprocess.Popen[str]) -> None:
    """FM-A1: the journal says running; nobody is there to pause."""
    driven.kill()
    wait_until(lambda: not ask(sample, SLEEPS))
    for word in ("pause", "stop"):
        said = handrail("--target", sample.url, word)
        assert (said.code, "but nobody runs it now; it goes on with: handrail resume 1" in said.out) == (0, True)


def test_a_script_takes_a_run_over_by_its_plans_name(
    handrail: Any, sample: Target, driven: subprocess.Popen[str]
) -> None:
    """UX-O5, level 3: --yes alone is not enough, a wrong name does nothing."""
    words = ("--target", sample.url, "resume", "1", "--take-over", "--yes")
    said = handrail(*words)
    assert (said.code, "Taking a run over needs an answer: give --confirm slow." in said.err) == (2, True)
    said = handrail(*words, "--confirm", "slowly")
    assert (said.code, "nothing was done" in said.err) == (6, True)
    assert (ask(sample, SLEEPS), driven.poll(), kinds(sample, 1)[-1]) == (1, None, "step began")

    ask(sample, "DELETE FROM person WHERE email = 'slow'")
    said = handrail(*words, "--confirm", "slow")
    assert (said.code, said.out.splitlines()[-1]) == (0, "run 1, slow: done")
    assert "run 1, slow on " not in said.out
    assert "Run 1, slow on " in said.err
    assert "is run by postgres, pid " in said.err
    assert "Under way: slow, sql, running for " in said.err
    assert "A transaction of it is undone whole; a backfill keeps its finished batches" in said.err
    (taken,) = [event for event in events(sample, 1) if event.kind == "taken over"]
    assert f"pid {taken.detail['pid']}, handrail: executor, since " in said.err

    _, err = driven.communicate(timeout=30)
    assert (driven.returncode, "took this run over at" in err) == (6, True)


def test_a_person_types_the_plans_name_to_take_over(sample: Target, driven: subprocess.Popen[str]) -> None:
    """UX-O5: then each step is asked for, as in every resume at a terminal."""
    said = at_terminal(sample, "slo\n", "resume", "--take-over")
    assert (said.code, ask(sample, SLEEPS)) == (6, 1)
    ask(sample, "DELETE FROM person WHERE email = 'slow'")
    said = at_terminal(sample, "slow\ny\n", "resume", "--take-over")
    assert (said.code, said.out.splitlines()[-1]) == (0, "run 1, slow: done")
    assert "Type slow to go on: " in said.err
    driven.communicate(timeout=30)


def test_taking_over_what_nobody_runs_is_a_resume(handrail: Any, sample: Target, small: Plan) -> None:
    begun(sample, small)
    said = handrail("--target", sample.url, "resume", "--take-over", "--yes", "--until", "keep")
    assert (said.code, "Nobody runs run 1 now, so nothing is taken over: it is resumed." in said.err) == (0, True)
    assert states(sample, 1)["keep"] == "done"


def test_another_run_is_not_taken_from_who_runs_it(handrail: Any, sample: Target, small: Plan, tmp_path: Path) -> None:
    done(sample, small)
    ask(sample, "INSERT INTO person (email) VALUES ('slow')")
    with started(sample, "--plans", plans(tmp_path), "run", "slow", "--yes"):
        wait_until(lambda: ask(sample, SLEEPS))
        said = handrail("--target", sample.url, "resume", "1", "--take-over", "--confirm", "small")
        assert (said.code, "Run 1 is done; there is nothing to take over." in said.err) == (6, True)
        assert ask(sample, SLEEPS) == 1


def test_a_change_by_somebody_else_is_accepted_aloud(handrail: Any, sample: Target, small: Plan) -> None:
    """FM-C11"""
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number, until="kept"))
    ask(sample, "ALTER TABLE person ADD COLUMN by_hand int")
    said = handrail("--target", sample.url, "resume", "--yes", "--until", "column")
    assert (said.code, "handrail resume 1 --accept-drift" in said.err) == (6, True)
    assert states(sample, 1)["column"] == "waiting"
    said = handrail("--target", sample.url, "resume", "--yes", "--until", "column", "--accept-drift")
    assert (said.code, states(sample, 1)["column"]) == (0, "done")
    assert "drift accepted" in kinds(sample, 1)


def test_a_rollback_that_rests_is_paused_and_goes_on(handrail: Any, sample: Target, small: Plan) -> None:
    """The journal keeps its direction; at a terminal one question is enough."""
    number = done(sample, small)
    drive(sample, lambda here: half_way_back(here, number))
    assert state(sample, number) == "rolling back"
    said = handrail("--target", sample.url, "status")
    assert said.out.splitlines()[0] == ("run 1  small  paused while it is rolled back. Go on with: handrail resume 1")
    (document,) = handrail("--target", sample.url, "status", "--json").documents
    assert (document["state"], document["paused"], document["interrupted"]) == ("rolling back", True, False)
    said = at_terminal(sample, "n\n", "resume")
    assert (said.code, "Go on rolling back run 1? [y/N]" in said.err) == (0, True)
    said = at_terminal(sample, "y\n", "resume")
    assert (said.code, state(sample, number)) == (0, "rolled back")


def half_way_back(executor: Executor, number: int) -> None:
    """A pause that is asked for while the last step is undone."""
    tell = executor._tell

    def told(event: Any) -> None:
        tell(event)
        if event.kind == "undo began":
            with executor.target.session() as session:
                wishes.ask_pause(session, number)

    executor._tell = told
    journey.back(executor, number)


def test_the_command_line_and_the_screens_say_one_word() -> None:
    """Nobody can be told two things of one run."""
    for run, step, wish, driver in itertools.product(
        ("running", "paused", "failed", "rolling back", "rolled back", "done"), MARKS, (True, False), (None, object())
    ):
        row: Any = SimpleNamespace(state=run, pause_requested=wish, steps=[SimpleNamespace(state=step)])
        assert run_word(row, driver) == screens.of_run(row, driven=driver is not None)  # type: ignore[arg-type]
