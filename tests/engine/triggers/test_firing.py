"""What becomes of a run when a trigger fires, when a person is faster, and when the sentry's own way is cut off."""

from __future__ import annotations

import threading

import pytest

from console.engine import executor, journey, wishes
from console.engine.errors import NotAsBefore, RolledBack, StepStopped, TakenOver, TriggerFired
from console.engine.executor import Executor
from console.engine.triggers.firing import on_guard
from console.engine.triggers.second import APPLICATION, Second
from db.queries import activity, gauges
from db.session import Target
from tests.driving import ask, begun, drive, fingerprinted, kinds, state, states
from tests.engine.triggers.armed import SLEEP, driving, fired, gauge, guarded, looking_on, quick, sampled
from tests.servers import wait_until

LIMIT = "CREATE TABLE reading AS SELECT 0.0::float8 AS value"
PROBE = 'id = "probe"\nkind = "probe"\nsql = "SELECT value FROM reading"\nat_most = 5\n'
OURS = f"FROM pg_stat_activity WHERE datname = current_database() AND application_name = '{APPLICATION}'"


def over(target: Target, value: float = 9) -> None:
    ask(target, f"UPDATE reading SET value = {value}")


def test_one_that_fires_after_the_last_step_is_journalled(sample: Target) -> None:
    """There is nothing left to stop, and nobody is told that the run rests."""
    ask(sample, LIMIT)
    plan = guarded(quick(PROBE), seconds=0)
    with executor.at(sample) as here:
        number = journey.begin(here, plan)
        with on_guard(here, number, plan, lambda: None):
            journey._onward(here, number, plan, len(plan.items), "end", said=False, accepted=False, finish=False)
            over(sample)
            wait_until(here.stop.wanted.is_set)
    assert state(sample, number) == "done"
    assert kinds(sample, number)[-2:] == ["run done", "trigger too late"]


def test_one_blip_does_not_fire(sample: Target) -> None:
    """A real one: a single sample of the run finds the probe over its limit."""
    ask(sample, LIMIT)
    with driving(sample, guarded(quick(PROBE).replace("50ms", "200ms"))) as run:
        sampled(sample, run.number, "probe")
        over(sample)
        wait_until(lambda: 9 in gauge(sample, run.number, "probe").samples)
        over(sample, 0)
        wait_until(lambda: gauge(sample, run.number, "probe").samples[-5:] == [0] * 5)
        assert not run.ended.is_set()
        assert 1 <= gauge(sample, run.number, "probe").samples.count(9) <= 2
    assert "trigger fired" not in kinds(sample, run.number)


def test_it_stops_the_step_and_the_journal_says_why(sample: Target) -> None:
    ask(sample, LIMIT)
    before = fingerprinted(sample)
    with driving(sample, guarded(quick(PROBE) + '\n[[trigger]]\nid = "hour"\nkind = "restore"\n')) as run:
        sampled(sample, run.number, "probe")
        over(sample)
        error = run.rests()
    assert isinstance(error, TriggerFired)
    assert error.exit_code == 4
    assert error.message == "Trigger probe stopped run 1: 9, at most 5, 3 of 5 samples."
    assert "handrail rollback 1" in error.hint
    assert "handrail resume 1" in error.hint
    assert kinds(sample, run.number)[-2:] == ["step stopped", "trigger fired"]
    said = fired(sample, run.number).detail
    assert said["samples"][-3:] == [9, 9, 9]
    assert (said["watches"], said["do"], said["at_most"], said["within"]) == ("probe", "stop", 5, 3600)
    assert said["scope"] == {"done": [], "under_way": "one", "kept": []}
    assert (state(sample, 1), states(sample, 1)) == ("paused", {"one": "stopped"})
    assert fingerprinted(sample).objects == before.objects


def test_it_rolls_back_without_asking_where_the_plan_says_so(sample: Target) -> None:
    ask(sample, LIMIT)
    plan = guarded(quick(PROBE + 'do = "roll back"\nask = false'), step=TWO)
    before = fingerprinted(sample)
    with driving(sample, plan) as run:
        wait_until(lambda: states(sample, run.number)["one"] == "running")
        over(sample)
        error = run.rests()
    assert isinstance(error, RolledBack)
    assert error.exit_code == 5
    assert (state(sample, 1), states(sample, 1)) == ("rolled back", {"first": "undone", "one": "undone"})
    told = kinds(sample, 1)
    assert told.index("trigger fired") < told.index("rollback began") < told.index("run rolled back")
    assert fingerprinted(sample).objects == before.objects


TWO = """\
id = "first"
kind = "sql"
sql = "CREATE TABLE first (a int)"
undo = "DROP TABLE first"
[[phase.step]]
id = "one"
title = "One"
kind = "sql"
estimate = "1s"
sql = "CREATE TABLE one (a int); SELECT pg_sleep(30)"
undo = "DROP TABLE one"
"""


def test_it_asks_before_it_rolls_back_where_the_plan_does_not_say_otherwise(sample: Target) -> None:
    ask(sample, LIMIT)
    over(sample)
    with driving(sample, guarded(quick(PROBE + 'do = "roll back"'))) as run:
        error = run.rests()
    assert isinstance(error, TriggerFired)
    assert "Its plan says to roll back." in error.message
    assert state(sample, 1) == "paused"


def test_a_rollback_that_ends_otherwise_than_it_began_says_so(sample: Target) -> None:
    ask(sample, LIMIT)
    plan = guarded(quick(PROBE + 'do = "roll back"\nask = false'), step=TWO)
    with driving(sample, plan) as run:
        wait_until(lambda: states(sample, run.number)["one"] == "running")
        ask(sample, "CREATE TABLE by_somebody_else (a int)")
        over(sample)
        assert isinstance(run.rests(), NotAsBefore)


def test_a_person_who_stops_it_first_stops_it(sample: Target) -> None:
    """The step takes its time to end, and the trigger is over its limit all the while."""
    ask(sample, LIMIT)
    step = f"""id = "one"\nkind = "sql"\nsql = '{SLOW_TO_END}'\nundo = "-- none"\n"""
    with driving(sample, guarded(quick(PROBE), step=step)) as run:
        wait_until(lambda: ask(sample, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        assert run.here is not None
        run.here.cancel()
        over(sample)
        wait_until(lambda: gauge(sample, run.number, "probe").over >= 3)
        error = run.rests()
    assert error is None or isinstance(error, StepStopped)  # the step was the last one, and it did end
    assert "trigger fired" not in kinds(sample, 1)


SLOW_TO_END = "DO $$ BEGIN PERFORM pg_sleep(30); EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(2); END $$"


def test_a_person_who_stops_it_from_elsewhere_stops_it(sample: Target) -> None:
    with driving(sample, guarded(quick('id = "waits"\nkind = "lock-waits"\nat_most = 0'))) as run:
        wait_until(lambda: ask(sample, "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
        sampled(sample, run.number, "waits")
        with sample.session() as session:
            wishes.ask_stop(session, run.number)
        assert isinstance(run.rests(), StepStopped)
    assert "trigger fired" not in kinds(sample, 1)


def test_a_person_may_stop_the_rollback_that_a_trigger_began(sample: Target) -> None:
    ask(sample, LIMIT)
    step = TWO.replace("DROP TABLE first", "SELECT pg_sleep(30); DROP TABLE first")
    with driving(sample, guarded(quick(PROBE + 'do = "roll back"\nask = false'), step=step)) as run:
        wait_until(lambda: states(sample, run.number)["one"] == "running")
        over(sample)
        wait_until(lambda: states(sample, run.number)["first"] == "undoing")
        assert run.here is not None
        while not run.ended.wait(0.1):
            run.here.cancel()
        assert isinstance(run.rests(), StepStopped)
    assert (state(sample, 1), states(sample, 1)["first"]) == ("rolling back", "stopped")


def test_a_gauge_is_seen_from_a_second_session(sample: Target) -> None:
    ask(sample, LIMIT)
    over(sample, 2)
    with driving(sample, guarded(quick(PROBE))) as run:
        sampled(sample, run.number, "probe", 4)
        found = gauge(Target(sample.url, "sample"), run.number, "probe")
    assert (found.armed, found.value, found.at_most, found.over) == (True, 2, 5, 0)
    assert set(found.samples) == {2}


def test_the_threads_are_gone_with_the_run_and_the_connection_too(sample: Target) -> None:
    three = [quick(keys) for keys in ('id = "a"\nkind = "lag"\nat_most = 5', 'id = "b"\nkind = "lock-waits"\nat_most = 9',
                                      'id = "c"\nkind = "elapsed"\ntimes = 100')]  # fmt: skip
    with driving(sample, guarded(*three, seconds=2)) as run:
        sampled(sample, run.number, "c")
        assert sorted(looking_on()) == ["trigger a", "trigger b", "trigger c"]
        assert ask(sample, f"SELECT count(*) {OURS}") == 1
        assert run.rests() is None
    assert looking_on() == []
    wait_until(lambda: ask(sample, f"SELECT count(*) {OURS}") == 0)


def test_a_plan_without_triggers_has_no_thread_and_no_connection(sample: Target) -> None:
    with driving(sample, guarded(seconds=1)) as run:
        wait_until(lambda: states(sample, run.number)["one"] == "running")
        assert looking_on() == []
        assert ask(sample, f"SELECT count(*) {OURS}") == 0


def test_no_transaction_is_open_between_two_samples(sample: Target) -> None:
    ask(sample, LIMIT)
    with driving(sample, guarded(quick(PROBE))) as run:
        sampled(sample, run.number, "probe", 3)
        for _ in range(100):
            assert ask(sample, f"SELECT count(*) {OURS} AND state LIKE 'idle in%' AND state_change < "
                               "clock_timestamp() - interval '0.3 s'") == 0  # fmt: skip
        wait_until(lambda: ask(sample, f"SELECT count(*) {OURS} AND state = 'idle' AND backend_xmin IS NULL"))


def test_a_connection_that_is_lost_is_made_anew_and_says_nothing(sample: Target) -> None:
    ask(sample, LIMIT)
    with driving(sample, guarded(quick(PROBE))) as run:
        sampled(sample, run.number, "probe", 3)
        first = ask(sample, f"SELECT pid {OURS}")
        ask(sample, f"SELECT pg_terminate_backend(pid) {OURS}")
        wait_until(lambda: ask(sample, f"SELECT pid {OURS}") not in (None, first))
        assert not run.ended.is_set()
        over(sample)
        assert isinstance(run.rests(), TriggerFired)


def test_who_was_taken_over_from_neither_fires_nor_writes_a_gauge(sample: Target) -> None:
    ask(sample, LIMIT)
    with driving(sample, guarded(quick(PROBE), seconds=60)) as run:
        sampled(sample, run.number, "probe")
        with sample.session() as session:
            driver = activity.driver(session)
        with executor.at(sample, over=driver):
            assert isinstance(run.rests(), TakenOver)
            ask(sample, "DELETE FROM handrail.gauge")
            over(sample)
            assert looking_on() == []
            assert gauge(sample, run.number, "probe") is None
    assert "trigger fired" not in kinds(sample, 1)


def test_a_gauge_is_written_by_whoever_has_the_target(sample: Target) -> None:
    number = begun(sample, guarded())
    epoch = ask(sample, "SELECT epoch FROM handrail.fence")
    second = Second(sample)
    with second.at() as connection:
        said = [
            gauges.keep(connection, of, number, "lag", armed=True, value=of, at_most=5, samples=[of], over=0, said="")
            for of in (epoch, epoch + 1)
        ]
    second.close()
    assert said == [True, False]
    assert gauge(sample, number, "lag").value == epoch


def test_a_sentry_ends_with_a_bug_too(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(here: Executor, *args: object, **named: object) -> None:
        wait_until(looking_on)
        raise ZeroDivisionError

    monkeypatch.setattr("console.engine.journey._onward", broken)
    number = begun(sample, guarded(quick('id = "waits"\nkind = "lock-waits"\nat_most = 0')))
    with pytest.raises(ZeroDivisionError):
        drive(sample, lambda here: journey.forward(here, number))
    assert looking_on() == []


def test_a_login_that_hangs_keeps_nobody_waiting_at_the_end(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    free = threading.Event()
    monkeypatch.setattr("console.engine.triggers.login.Login._ask", lambda *_: free.wait(20))
    with driving(sample, guarded(quick('id = "login"\nkind = "login"\nas = "postgres"'), seconds=0.5)) as run:
        assert run.rests() is None
    assert state(sample, run.number) == "done"
    free.set()
    wait_until(lambda: looking_on() == [])
    assert kinds(sample, run.number)[-1] == "run done"


def test_triggers_rest_on_the_way_back(sample: Target) -> None:
    ask(sample, LIMIT)
    step = SLEEP.format(seconds=0).replace("DROP TABLE one", "DROP TABLE one; SELECT pg_sleep(1)")
    with driving(sample, guarded(quick(PROBE), step=step)) as run:
        assert run.rests() is None
    over(sample)
    drive(sample, lambda here: journey.back(here, run.number))
    assert state(sample, 1) == "rolled back"
    assert "trigger fired" not in kinds(sample, 1)
