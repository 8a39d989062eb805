"""From the moment a trigger fired: what is open, who is told, how the run goes on, or not (A-39)."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from console.engine import executor, journey
from console.engine.errors import RunRefused, StillOver, TriggerFired, UnknownTrigger
from console.engine.executor import Executor
from console.engine.triggers import incident
from console.engine.triggers.notifying import Notify
from db.session import Target
from tests.driving import ask, begun, drive, events, kinds, state, states
from tests.engine.triggers.armed import LASTING, Driven, driving, fired, gauge, guarded, quick
from tests.engine.triggers.test_firing import LIMIT, PROBE, over
from tests.servers import wait_until

pytestmark = pytest.mark.newest
SLOW = 'id = "one"\nkind = "sql"\nsql = "SELECT pg_sleep(seconds) FROM lasting"\nundo = "-- none"\n'


@pytest.fixture
def stopped(sample: Target) -> int:
    """A run that the trigger `probe` has stopped; it is over its limit still, and the step would end at once now."""
    ask(sample, LIMIT)
    ask(sample, LASTING)
    over(sample)
    restore = '\n[[trigger]]\nid = "hour"\nkind = "restore"\n'
    number = begun(sample, guarded(quick(PROBE).replace('cool_down = "0s"', 'cool_down = "2s"') + restore, step=SLOW))
    with pytest.raises(TriggerFired):
        drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "UPDATE lasting SET seconds = 0")
    return number


def open_one(target: Target, number: int) -> incident.Incident | None:
    with target.session() as session:
        return incident.open_of(session, number)


def goes_on(target: Target, number: int, *despite: str) -> None:
    drive(target, lambda here: journey.resume(here, number, despite=despite))


def test_an_incident_is_open_until_the_run_goes_on(sample: Target, stopped: int) -> None:
    found = open_one(sample, stopped)
    assert found is not None
    assert (found.trigger, found.within) == ("probe", 3600)
    over(sample, 0)
    goes_on(sample, stopped)
    assert open_one(sample, stopped) is None
    assert kinds(sample, stopped)[-4:-2] == ["incident closed", "step began"]
    assert state(sample, stopped) == "done"


def test_an_incident_ends_with_the_rollback(sample: Target, stopped: int) -> None:
    drive(sample, lambda here: journey.back(here, stopped))
    assert open_one(sample, stopped) is None


def test_a_run_does_not_go_on_while_a_trigger_is_still_over(sample: Target, stopped: int) -> None:
    before = kinds(sample, stopped)
    with pytest.raises(StillOver) as caught:
        goes_on(sample, stopped)
    assert caught.value.exit_code == 6
    assert caught.value.message == "Still over: probe (9, at most 5)."
    assert caught.value.hint == "Mend it, or go on all the same: handrail resume 1 --despite probe"
    assert (state(sample, stopped), kinds(sample, stopped)) == ("paused", before)


@pytest.mark.parametrize("reach", ["one", "checkpoint"])
def test_nor_by_one_step(sample: Target, stopped: int, reach: journey.Reach) -> None:
    with pytest.raises(StillOver):
        drive(sample, lambda here: journey.forward(here, stopped, reach))


def test_a_person_may_go_on_all_the_same_and_the_journal_says_so(sample: Target, stopped: int) -> None:
    goes_on(sample, stopped, "probe")
    (closed,) = [event for event in events(sample, stopped) if event.kind == "incident closed"]
    assert closed.detail["despite"] == ["probe"]
    assert closed.detail["trigger"] == "probe"
    assert state(sample, stopped) == "done"


def test_there_is_no_such_trigger(sample: Target, stopped: int) -> None:
    with pytest.raises(UnknownTrigger, match="has no trigger 'prob'"):
        goes_on(sample, stopped, "prob")


def test_what_was_agreed_to_be_over_stays_disarmed_until_it_is_not(sample: Target, stopped: int) -> None:
    ask(sample, "UPDATE lasting SET seconds = 60")
    run = Driven(sample, stopped, "probe")
    wait_until(lambda: "incident closed" in kinds(sample, stopped))
    wait_until(lambda: not gauge(sample, stopped, "probe").armed)
    closed = ask(sample, "SELECT at FROM handrail.event WHERE kind = 'incident closed'")
    while ask(sample, "SELECT clock_timestamp() < %s + interval '3 s'", closed):  # its cool-down is 2 s
        assert not gauge(sample, stopped, "probe").armed
    over(sample, 0)
    wait_until(lambda: gauge(sample, stopped, "probe").armed)
    over(sample)
    assert isinstance(run.rests(), TriggerFired)
    assert kinds(sample, stopped).count("trigger fired") == 2


def test_the_cool_down_holds_a_trigger_that_fired_when_the_run_goes_on(sample: Target, stopped: int) -> None:
    """Two seconds, by the journal's clock: another console counts from the same moment."""
    ask(sample, "UPDATE lasting SET seconds = 60")
    over(sample, 0)
    run = Driven(sample, stopped)
    wait_until(lambda: "incident closed" in kinds(sample, stopped))
    over(sample)
    assert isinstance(run.rests(), TriggerFired)
    at = {event.kind: event.at for event in events(sample, stopped)}
    assert (at["trigger fired"] - at["incident closed"]).total_seconds() > 2


def test_how_long_a_step_takes_is_not_asked_while_it_rests(sample: Target) -> None:
    with driving(sample, guarded(quick('id = "slow"\nkind = "elapsed"'))) as run:
        assert isinstance(run.rests(), TriggerFired)
    assert incident.still_over(sample, guarded(quick('id = "slow"\nkind = "elapsed"')), run.number) == {}


def test_an_incident_is_overdue_after_its_time(sample: Target, stopped: int) -> None:
    found = open_one(sample, stopped)
    assert found is not None
    later = found.since.replace(year=found.since.year + 1)
    assert (found.overdue(found.since), found.overdue(later)) == (False, True)
    assert "OVERDUE, it was to be over within 1 h" in found.line(later)


def test_a_command_that_is_not_allowed_keeps_the_run_where_it_is(
    sample: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HANDRAIL_COMMANDS", raising=False)
    probe = f'id = "p"\nkind = "probe"\ncommand = ["{sys.executable}", "-c", "print(1)"]\nat_most = 5\n'
    with pytest.raises(RunRefused, match="not allowed"):
        drive(sample, lambda here: journey.forward(here, journey.begin(here, guarded(quick(probe)))))


@contextmanager
def listening(code: int = 200) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """An address, and what was sent to it: the type and the text."""
    heard: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            heard.append((self.headers["Content-Type"], self.rfile.read(length).decode()))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token-hunter2", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def told(target: Target, notify: Notify, do: str = "stop") -> int:
    """A run that a trigger stops, with somebody to tell."""
    ask(target, LIMIT)
    over(target)
    keys = PROBE if do == "stop" else PROBE + 'do = "roll back"\nask = false\n'
    number = begun(target, guarded(quick(keys)))

    def go(here: Executor) -> None:
        here.notify = notify
        with pytest.raises(TriggerFired if do == "stop" else Exception):
            journey.forward(here, number)

    with executor.at(target) as here:
        go(here)
    return number


def test_a_command_is_given_the_report(sample: Target, tmp_path: Path) -> None:
    kept = tmp_path / "report"
    command = f"""{sys.executable} -c 'import sys; open("{kept}", "w").write(sys.stdin.read())'"""
    number = told(sample, Notify(command=command))
    words = kept.read_text()
    assert words.startswith("handrail: trigger probe stopped run 1 on sample: 9, at most 5, 3 of 5 samples\n")
    assert "handrail rollback 1" in words
    assert kinds(sample, number)[-2:] == ["trigger fired", "notified"]


def test_an_address_is_sent_the_report_and_is_never_printed(sample: Target) -> None:
    with listening() as (url, heard):
        number = told(sample, Notify(url=url))
    ((kind, words),) = heard
    assert kind == "text/plain; charset=utf-8"
    assert words.startswith("handrail: trigger probe stopped run 1")
    assert kinds(sample, number)[-1] == "notified"
    assert "hunter2" not in ask(sample, "SELECT string_agg(detail::text, '') FROM handrail.event")


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        (Notify(command="false"), "the command ended with 1"),
        (Notify(command="no-such-program-here"), "the command cannot be run: No such file or directory"),
        (Notify(command="'"), "the command cannot be run: it is no command"),
        (Notify(url="file:///etc/hunter2"), "the address is neither http nor https"),
        (Notify(url="http://127.0.0.1:9/hunter2"), "the address cannot be reached: ConnectionRefusedError"),
        (Notify(url="http://[hunter2/"), "the address cannot be used: ValueError"),
    ],
)
def test_what_cannot_be_told_is_journalled_and_breaks_nothing(sample: Target, notify: Notify, said: str) -> None:
    number = told(sample, notify)
    event = events(sample, number)[-1]
    assert (event.kind, event.detail["error"]) == ("notify failed", said)
    assert "hunter2" not in ask(sample, "SELECT string_agg(detail::text, '') FROM handrail.event")
    assert state(sample, number) == "paused"


def test_an_address_that_refuses_is_journalled(sample: Target) -> None:
    with listening(500) as (url, _):
        number = told(sample, Notify(url=url))
    assert events(sample, number)[-1].detail == {"how": "url", "error": "the address answered 500"}


def test_a_rollback_does_not_wait_for_who_is_told(sample: Target) -> None:
    slow = f"{sys.executable} -c 'import time; time.sleep(3)'"
    number = told(sample, Notify(command=slow), do="roll back")
    at = {event.kind: event.at for event in events(sample, number)}
    assert (at["run rolled back"] - at["trigger fired"]).total_seconds() < 2
    assert list(at)[-1] == "notified"
    assert states(sample, number) == {"one": "undone"}
    assert fired(sample, number).detail["next"] == "it is rolled back now"
