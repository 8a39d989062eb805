"""Each kind of trigger is fired by its real cause, and not while there is none."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from console.engine import journey
from console.engine.errors import CheckFailed, TriggerFired
from console.engine.triggers.kinds import LAG
from db.session import Target
from tests.driving import ask, begun, drive, kinds, session_of, state, states, tiny
from tests.engine.patient import PATIENT
from tests.engine.triggers.armed import driving, fired, gauge, guarded, quick, sampled

CHECKED = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one AS SELECT 1 AS a"
undo = "DROP TABLE one"
[phase.checkpoint]
id = "good"
title = "Good"
[[phase.checkpoint.check]]
id = "all-ones"
kind = "sql"
title = "only ones"
sql = "SELECT * FROM one WHERE a <> 1"
no_rows = true
[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = "there"
sql = "SELECT to_regclass('one') IS NOT NULL"
equals = true
"""


@contextmanager
def waiting(target: Target) -> Iterator[None]:
    """A session of the application holds a row, and another wants it."""
    update = "UPDATE person SET n = n + 1 WHERE email = (SELECT min(email) FROM person)"
    with session_of(target) as first, session_of(target) as second:
        first.execute(update)

        def wait() -> None:
            try:
                second.execute(update)
            except psycopg.Error:
                return

        thread = threading.Thread(target=wait)
        thread.start()
        try:
            yield
        finally:
            first.rollback()
            thread.join()


def stopped_by(target: Target, trigger: str, number: int) -> None:
    event = fired(target, number)
    assert (event.detail["trigger"], event.detail["over"]) == (trigger, "3 of 5")
    assert event.detail["scope"]["under_way"] == "one"
    assert (state(target, number), states(target, number)["one"]) == ("paused", "stopped")
    assert ask(target, "SELECT to_regclass('one')") is None


def test_sessions_that_wait_for_a_lock(sample: Target) -> None:
    plan = guarded(quick('id = "waits"\nkind = "lock-waits"\nat_most = 0'))
    with driving(sample, plan) as run:
        sampled(sample, run.number, "waits", 6)
        assert not run.ended.is_set()
        with waiting(sample):
            error = run.rests()
    assert isinstance(error, TriggerFired)
    assert error.message.startswith("Trigger waits stopped run 1: 1, at most 0, the longest ")
    stopped_by(sample, "waits", run.number)


def test_a_statement_of_the_application_that_waits_long(sample: Target) -> None:
    plan = guarded(quick('id = "blocked"\nkind = "blocked"\nat_most = 0.5'))
    with driving(sample, plan) as run:
        sampled(sample, run.number, "blocked", 3)
        with waiting(sample):
            assert isinstance(run.rests(), TriggerFired)
    stopped_by(sample, "blocked", run.number)
    assert 0.5 < fired(sample, run.number).detail["value"] < 5


def test_a_wait_for_an_advisory_lock_is_the_applications_own_affair(sample: Target) -> None:
    plan = guarded(quick('id = "blocked"\nkind = "blocked"\nat_most = 0.1'), seconds=1.5)
    with session_of(sample) as first, session_of(sample) as second:
        first.execute("SELECT pg_advisory_xact_lock(4)")
        thread = threading.Thread(target=lambda: second.execute("SELECT pg_advisory_xact_lock(4)"))
        thread.start()
        try:
            with driving(sample, plan) as run:
                assert run.rests() is None
        finally:
            first.rollback()
            thread.join()
    assert state(sample, run.number) == "done"


def test_our_own_wait_for_a_lock_is_not_the_applications(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.engine.retrying.LADDER", PATIENT)
    step = 'id = "one"\nkind = "sql"\nlock_timeout = "60s"\nsql = "ALTER TABLE person ADD COLUMN more int"\n'
    plan = guarded(quick('id = "waits"\nkind = "lock-waits"\nat_most = 0'), step=f'{step}undo = "-- none"\n')
    with session_of(sample) as application:
        application.execute("SELECT 1 FROM person LIMIT 1")
        with driving(sample, plan) as run:
            sampled(sample, run.number, "waits", 12)
            assert not run.ended.is_set()
            application.rollback()
            assert run.rests() is None


def test_a_step_that_takes_twice_its_estimate(sample: Target) -> None:
    plan = guarded(quick('id = "slow"\nkind = "elapsed"'))
    with driving(sample, plan) as run:
        assert isinstance(run.rests(), TriggerFired)
    stopped_by(sample, "slow", run.number)
    assert 2.0 < fired(sample, run.number).detail["value"] < 4.0


def test_a_run_that_takes_longer_than_its_steps_together(sample: Target) -> None:
    step = SLEEPS.replace("SLEEP", "1.2")
    plan = guarded(quick('id = "slow"\nkind = "elapsed"\nof = "run"\ntimes = 1.0'), step=step)
    with driving(sample, plan) as run:
        assert isinstance(run.rests(), TriggerFired)
    assert states(sample, run.number)["first"] == "done"
    assert fired(sample, run.number).detail["scope"] == {"done": ["first"], "under_way": "one", "kept": []}


SLEEPS = """\
id = "first"
kind = "sql"
sql = "SELECT pg_sleep(SLEEP)"
undo = "-- none"
[[phase.step]]
id = "one"
title = "One"
kind = "sql"
estimate = "1s"
sql = "CREATE TABLE one (a int); SELECT pg_sleep(30)"
undo = "DROP TABLE one"
"""


def test_a_step_within_its_estimate_is_left_alone(sample: Target) -> None:
    plan = guarded(quick('id = "slow"\nkind = "elapsed"'), seconds=1.2)
    with driving(sample, plan) as run:
        assert run.rests() is None
    assert state(sample, run.number) == "done"


def test_a_bad_row_fails_a_check_and_fires(sample: Target) -> None:
    plan = tiny(CHECKED + '[[trigger]]\nid = "bad"\nkind = "check"\nchecks = ["all-ones"]\n')
    number = begun(sample, plan)
    drive(sample, lambda here: journey.forward(here, number, "one"))
    ask(sample, "INSERT INTO one VALUES (2)")
    with pytest.raises(TriggerFired, match="Trigger bad stopped run 1: failed: all-ones"):
        drive(sample, lambda here: journey.forward(here, number))
    assert kinds(sample, number)[-2:] == ["checkpoint failed", "trigger fired"]
    assert (state(sample, number), states(sample, number)["good"]) == ("failed", "failed")


def test_another_check_that_fails_does_not_fire(sample: Target) -> None:
    plan = tiny(CHECKED + '[[trigger]]\nid = "bad"\nkind = "check"\nchecks = ["there"]\n')
    number = begun(sample, plan)
    drive(sample, lambda here: journey.forward(here, number, "one"))
    ask(sample, "INSERT INTO one VALUES (2)")
    with pytest.raises(CheckFailed):
        drive(sample, lambda here: journey.forward(here, number))
    assert "trigger fired" not in kinds(sample, number)


def test_a_bad_row_that_a_probe_counts(sample: Target) -> None:
    probe = """id = "bad"\nkind = "probe"\nsql = "SELECT count(*) FROM person WHERE email IS NULL"\nat_most = 0"""
    with driving(sample, guarded(quick(probe))) as run:
        sampled(sample, run.number, "bad", 6)
        assert not run.ended.is_set()
        ask(sample, "ALTER TABLE person ALTER email DROP NOT NULL")
        ask(sample, "INSERT INTO person (email) VALUES (NULL)")
        assert isinstance(run.rests(), TriggerFired)
    stopped_by(sample, "bad", run.number)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ('sql = "SELECT count(*) FROM gone"', 'relation "gone" does not exist (42P01)'),
        ('sql = "SELECT pg_sleep(5), 1"\ntimeout = "100ms"', "The statement was cancelled."),
        ("sql = \"SELECT 'NaN'::float\"", "the answer is nan"),
        ('sql = "SELECT NULL"', "the answer is no number"),
        (f'command = ["{sys.executable}", "-c", "raise SystemExit(3)"]', "it ended with 3"),
        (f'command = ["{sys.executable}", "-c", "import time; time.sleep(9)"]\ntimeout = "100ms"',
         "it took longer than 0.1 s"),
        ('command = ["no-such-program"]', "no-such-program cannot be started: No such file or directory."),
    ],
)  # fmt: skip
@pytest.mark.newest
def test_a_probe_that_cannot_be_asked_is_over(
    sample: Target, monkeypatch: pytest.MonkeyPatch, keys: str, said: str
) -> None:
    monkeypatch.setenv("HANDRAIL_COMMANDS", "yes")
    plan = guarded(quick(f'id = "bad"\nkind = "probe"\nat_most = 5\n{keys}'))
    with driving(sample, plan) as run:
        assert isinstance(run.rests(), TriggerFired)
    assert said in fired(sample, run.number).detail["told"]


@pytest.mark.newest
def test_a_command_says_its_number_on_its_last_line(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_COMMANDS", "yes")
    says = f"""id = "bad"\nkind = "probe"\ncommand = ["{sys.executable}", "-c", "print('x'); print(7)"]"""
    with driving(sample, guarded(quick(f"{says}\nat_most = 7"), seconds=1.5)) as run:
        assert run.rests() is None
    assert gauge(sample, run.number, "bad").value == 7
    drive(sample, lambda here: journey.back(here, run.number))
    number = begun(sample, guarded(quick(f"{says}\nat_most = 6")))
    with pytest.raises(TriggerFired, match="7, at most 6, 3 of 5 samples"):
        drive(sample, lambda here: journey.forward(here, number))


@pytest.mark.newest
def test_a_probe_changes_nothing(sample: Target) -> None:
    ask(sample, "CREATE FUNCTION add() RETURNS int LANGUAGE sql AS 'INSERT INTO person DEFAULT VALUES RETURNING 1'")
    probe = 'id = "bad"\nkind = "probe"\nsql = "SELECT add()"\nat_most = 5'
    with driving(sample, guarded(quick(probe))) as run:
        assert isinstance(run.rests(), TriggerFired)
    assert "read-only transaction" in fired(sample, run.number).detail["told"]


def test_a_login_that_is_revoked(sample: Target) -> None:
    ask(sample, "DROP ROLE IF EXISTS app_login")
    ask(sample, "CREATE ROLE app_login LOGIN")
    try:
        plan = guarded(quick('id = "login"\nkind = "login"\nas = "app_login"\nsql = "SELECT count(*) FROM pg_class"'))
        with driving(sample, plan) as run:
            sampled(sample, run.number, "login", 5)
            assert not run.ended.is_set()
            ask(sample, "ALTER ROLE app_login NOLOGIN")
            assert isinstance(run.rests(), TriggerFired)
    finally:
        ask(sample, "DROP ROLE app_login")
    stopped_by(sample, "login", run.number)
    assert "does not let this login in" in fired(sample, run.number).detail["told"]


@pytest.mark.newest
def test_a_login_that_is_refused_says_nothing_secret(sample: Target) -> None:
    secret = Target(sample.url + ("&" if "?" in sample.url else "?") + "password=hunter2&sslkey=/hunter2", "sample")
    plan = guarded(quick('id = "login"\nkind = "login"\nas = "nobody-here"'))
    with driving(secret, plan) as run:
        error = run.rests()
    assert isinstance(error, TriggerFired)
    assert "The server knows no login 'nobody-here'." in error.message
    everything = ask(sample, "SELECT string_agg(detail::text, '') FROM handrail.event") + error.message
    assert "hunter2" not in everything + gauge(sample, run.number, "login").said


def test_connections_that_are_opened(sample: Target) -> None:
    now, most = ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"), ask(
        sample, "SELECT current_setting('max_connections')::int"
    )  # fmt: skip
    limit = 100.0 * (now + 12) / most
    plan = guarded(quick(f'id = "many"\nkind = "connections"\nat_most = {limit}'))
    with driving(sample, plan) as run:
        sampled(sample, run.number, "many", 6)
        assert not run.ended.is_set()
        opened = [psycopg.connect(sample.url) for _ in range(16)]
        try:
            assert isinstance(run.rests(), TriggerFired)
        finally:
            for one in opened:
                one.close()
    stopped_by(sample, "many", run.number)


def test_lag_is_asked_of_a_real_server(sample: Target) -> None:
    """No replica is behind where there is none; the replica itself is in test_lag.py."""
    with driving(sample, guarded(quick('id = "lag"\nkind = "lag"\nat_most = 1'), seconds=1)) as run:
        assert run.rests() is None
    found = gauge(sample, run.number, "lag")
    assert (found.value, found.said) == (0, "0 replicas")
    with psycopg.connect(sample.url) as connection:
        assert connection.execute(LAG.encode()).fetchone() == (0, 0, None)
