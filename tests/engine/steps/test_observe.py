"""observe: rounds of checks, for as long as it was really observed (I-12, A-3A)."""

from __future__ import annotations

import os
import re
import signal
import time

import pytest

from console.engine import executor, journey, observed, reading, resolving, wishes
from console.engine.audit import verifying
from console.engine.errors import PlanError, RunRefused, StepFailed, StepStopped
from console.engine.steps import Observe
from console.engine.steps.observe import KEPT_ROUNDS
from db.session import Target
from tests.crash.faults import PROCESSES, cut
from tests.driving import ask, begun, drive, events, kinds, look, state, states, tiny, verdicts
from tests.engine.observing import CALM, CHECKED, GATE, LOUD, beside, progress, watching
from tests.servers import wait_until


def test_it_ends_when_its_time_is_over(sample: Target) -> None:
    number = begun(sample, watching("1s"))
    began = time.monotonic()
    drive(sample, lambda here: journey.forward(here, number))
    assert 1 <= time.monotonic() - began < 20
    kept = progress(sample, number)
    assert (state(sample, number), 1 <= kept["observed"] < 3, kept["failures"]) == ("done", True, 0)
    assert 3 <= kept["rounds"] <= 11
    done = next(event.detail for event in events(sample, number) if event.kind == "step done")
    assert (done["rounds"], "shortened" in done) == (kept["rounds"], False)


def test_nothing_is_changed_and_nothing_to_undo(sample: Target) -> None:
    number = begun(sample, watching("100ms"))
    drive(sample, lambda here: journey.forward(here, number))
    drive(sample, lambda here: journey.back(here, number))
    assert state(sample, number) == "rolled back"


def test_the_first_and_the_last_round_are_kept_as_evidence(sample: Target) -> None:
    number = begun(sample, watching("1s"))
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, "SELECT count(*) FROM handrail.evidence WHERE gate = 'watch' AND passed") == 2
    assert progress(sample, number)["rounds"] > 2
    assert {verdict.checkpoint for verdict in verdicts(sample, number).values()} == {"watch"}
    with sample.session() as session:
        assert verifying.verify(session).whole


def test_what_is_sealed_is_told_at_once(sample: Target) -> None:
    told: list[str] = []
    number = begun(sample, watching("1s"))
    with executor.at(sample, lambda event: told.append(event.kind)) as here:
        journey.forward(here, number)
    assert [kind for kind in told if kind.startswith("round ")] == ["round passed"] * 2
    assert told == kinds(sample, number)[-len(told) :]


def test_so_is_each_changed_outcome(sample: Target) -> None:
    number = begun(sample, watching(keys="fails = 1000"))
    with beside(sample, number) as console:
        console.rounds(2)
        ask(sample, LOUD)
        wait_until(lambda: progress(sample, number)["failing"] >= 3)
        ask(sample, CALM)
        wait_until(lambda: progress(sample, number)["failing"] == 0)
        console.rounds(progress(sample, number)["rounds"] + 2)
    said = [event.detail for event in events(sample, number) if event.kind.startswith("round ")]
    assert [(one["passed"], one["failed"]) for one in said] == [("2 of 2", []), ("1 of 2", ["calm"]), ("2 of 2", [])]
    assert len({one["digest"] for one in said}) == 3


def test_a_check_that_fails_twice_in_a_row_fails_the_step(sample: Target) -> None:
    ask(sample, LOUD)
    number = begun(sample, watching())
    with pytest.raises(StepFailed, match="2 rounds one after the other failed: calm"):
        drive(sample, lambda here: journey.forward(here, number))
    assert (state(sample, number), states(sample, number), progress(sample, number)["rounds"]) == (
        "failed", {"watch": "failed"}, 2)  # fmt: skip
    assert not verdicts(sample, number)["calm"].passed


def test_one_that_fails_once_does_not(sample: Target) -> None:
    number = begun(sample, watching("2s", "400ms"))
    with beside(sample, number) as console:
        before = console.rounds(1)["rounds"]
        ask(sample, LOUD)
        wait_until(lambda: progress(sample, number)["failures"] == 1)
        ask(sample, CALM)
        assert before < progress(sample, number)["rounds"]
        assert console.ended()
    assert (state(sample, number), progress(sample, number)["failures"]) == ("done", 1)


@pytest.mark.newest
def test_it_does_not_end_with_a_failed_round(sample: Target) -> None:
    ask(sample, LOUD)
    number = begun(sample, watching("300ms", keys="fails = 1000"))
    with beside(sample, number) as console:
        wait_until(lambda: progress(sample, number).get("observed", 0) > 1)
        assert console.alive
        ask(sample, CALM)
        assert console.ended()
    assert state(sample, number) == "done"


@pytest.mark.newest
def test_after_it_has_failed_its_time_begins_anew(sample: Target) -> None:
    number = begun(sample, watching("2s"))
    with beside(sample, number) as console:
        wait_until(lambda: progress(sample, number).get("observed", 0) > 0.5)
        ask(sample, LOUD)
        assert console.ended()
    assert isinstance(console.error, StepFailed)
    before = progress(sample, number)
    ask(sample, CALM)
    with beside(sample, number) as console:
        wait_until(lambda: states(sample, number)["watch"] == "running" and progress(sample, number)["failing"] == 0)
        assert progress(sample, number)["observed"] < before["observed"]


def test_a_pause_is_heard_within_a_second(sample: Target) -> None:
    number = begun(sample, watching(every="300s"))
    with beside(sample, number) as console:
        console.rounds(1)
        with sample.session() as session:
            wishes.ask_pause(session, number)
        began = time.monotonic()
        assert console.ended(5)
    assert time.monotonic() - began < 1
    assert (console.error, state(sample, number), states(sample, number)) == (None, "paused", {"watch": "stopped"})


def test_a_stop_too(sample: Target) -> None:
    number = begun(sample, watching(every="300s"))
    with beside(sample, number) as console:
        console.rounds(1)
        began = time.monotonic()
        assert console.here is not None
        console.here.cancel()
        assert console.ended(5)
    assert time.monotonic() - began < 1
    assert (isinstance(console.error, StepStopped), state(sample, number)) == (True, "paused")


def test_no_transaction_is_open_while_it_rests(sample: Target) -> None:
    """I-11"""
    number = begun(sample, watching(every="300s"))
    with beside(sample, number) as console:
        console.rounds(1)
        pid = look(sample, number).steps[0].pid
        until = time.monotonic() + 3
        while time.monotonic() < until:
            seen = ask(sample, "SELECT (state, xact_start > now() - interval '200 ms') FROM pg_stat_activity"
                       " WHERE pid = %s AND (state = 'idle in transaction' OR backend_xmin IS NOT NULL)", pid)  # fmt: skip
            assert seen is None or seen[1] == "t", seen
        wait_until(lambda: ask(sample, "SELECT state FROM pg_stat_activity WHERE pid = %s", pid) == "idle")


def test_a_killed_console_goes_on_where_it_was_and_the_gap_does_not_count(sample: Target) -> None:
    number = begun(sample, watching("5s", "200ms"))
    process = PROCESSES.Process(target=resumed, args=(sample.url, number))
    process.start()
    wait_until(lambda: progress(sample, number).get("rounds", 0) >= 3)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    before = progress(sample, number)
    assert (state(sample, number), states(sample, number)) == ("running", {"watch": "running"})
    time.sleep(2)  # longer than three times `every`: nobody observed it
    with beside(sample, number) as console:
        after = console.rounds(before["rounds"] + 1)
        assert console.alive
    assert after["history"][: len(before["history"])] == before["history"]
    assert before["observed"] <= after["observed"] < before["observed"] + 1.5
    assert after["at"] - before["at"] > 2


def resumed(url: str, number: int) -> None:
    with executor.at(Target(url)) as here:
        journey.resume(here, number)


@pytest.mark.newest
def test_a_short_gap_counts(sample: Target) -> None:
    number = begun(sample, watching("600s", "20s"))
    with beside(sample, number) as console:
        first = console.rounds(1)
    time.sleep(1)
    with beside(sample, number) as console:
        kept = console.rounds(2)
    assert kept["observed"] - first["observed"] >= 1


@pytest.mark.newest
def test_a_connection_that_is_lost_is_made_anew(sample: Target) -> None:
    number = begun(sample, watching("600s", "300ms"))
    with beside(sample, number) as console:
        before = console.rounds(2)
        assert console.here is not None
        cut(sample, console.here)
        after = console.rounds(before["rounds"] + 2)
        assert console.alive
    assert "connection back" in kinds(sample, number)
    assert after["observed"] > before["observed"]


@pytest.mark.newest
def test_the_last_rounds_are_kept_and_no_more(sample: Target) -> None:
    number = begun(sample, watching("600s", "1ms"))
    with beside(sample, number) as console:
        kept = console.rounds(KEPT_ROUNDS + 5)
    assert (len(kept["history"]), kept["history"][-1][1:]) == (KEPT_ROUNDS, [True, []])


@pytest.mark.newest
def test_a_checkpoint_can_ask_for_a_dump_again_while_it_observes(sample: Target) -> None:
    """What a check may know of other steps, it knows in a round too."""
    more = CHECKED + '\n[[phase.step.check]]\nid = "old"\nkind = "backup-verified"\ntitle = "old"\nstep = "none"\n'
    number = begun(sample, tiny(f'id = "watch"\nkind = "observe"\ntime = "1s"\nevery = "1ms"\n{more}'))
    with pytest.raises(StepFailed, match="failed: old"):
        drive(sample, lambda here: journey.forward(here, number))


@pytest.mark.newest
def test_the_words_for_people() -> None:
    kept = {"rounds": 192, "observed": 11_520.0, "of": 86_400.0, "failures": 0, "failing": 0,
            "history": [["", True, []], ["", False, ["a"]], ["", True, []]]}  # fmt: skip
    assert observed.told(kept) == "observed 3 h 12 of 24 h, 192 rounds, all passed"
    assert (observed.history(kept), observed.told({})) == ("✓✗✓", "")
    assert observed.told({**kept, "failures": 3, "failing": 1}).endswith("192 rounds, 3 failed, now 1 failed round")
    assert round(observed.share(kept) or 0, 3) == 0.133
    assert [observed.span(s) for s in (40, 61, 3600, 90_060)] == ["40 s", "1 min", "1 h", "25 h 1"]


WRONG = {
    "no checks": ('time = "1h"', "check: this key is missing"),
    "no time": (CHECKED, "time: this key is missing"),
    "a time that is none": (f'time = "soon"{CHECKED}', "time: write a time such as"),
    "no time between": (f'time = "1h"\nevery = "0s"{CHECKED}', "time and every"),
    "two of an id": (f'time = "1h"{CHECKED}{CHECKED}', "'calm' stands twice|'there' stands twice"),
    "a check that asks nothing": (f'time = "1h"{CHECKED.replace("no_rows = true", "")}', "check calm: a check expects"),
    "a way past its gate": (f'time = "1h"\nmay_skip = true\n{GATE}{CHECKED}', "may_skip: .*sign-off alone"),
    "a parameter that nobody gives": (
        f'time = "1h"{CHECKED.replace("loud", "{{loud}}")}',
        "names the parameter 'loud'",
    ),
    "a key that is none": (f'time = "1h"\nevry = "1m"{CHECKED}', "Did you mean 'every'"),
}


@pytest.mark.newest
@pytest.mark.parametrize("what", WRONG)
def test_a_plan_that_cannot_be_right(what: str) -> None:
    keys, words = WRONG[what]
    with pytest.raises(PlanError) as refused:
        tiny(f'id = "watch"\nkind = "observe"\n{keys}')
    assert re.search(words, str(refused.value)), str(refused.value)


@pytest.mark.newest
def test_its_estimate_is_its_time_where_none_is_given() -> None:
    text = watching("24h").text.replace('estimate = "1s"\n', "")
    step = reading.parse(text, "tiny.toml", lambda name: "").item("watch").what
    assert isinstance(step, Observe)
    assert (step.estimate, step.every, step.fails) == (86_400.0, 0.1, 2)


@pytest.mark.newest
def test_a_gate_is_not_gone_around_by_resolving(sample: Target) -> None:
    number = begun(sample, watching(gate=True))
    with pytest.raises(RunRefused, match="shortened by sign-off alone"):
        drive(sample, lambda here: resolving.resolve(here, number, "watch", "done", "I say so"))
    assert states(sample, number) == {"watch": "waiting"}
