"""A replica takes over while a run is under way: what it has not received is missed at once (FM-B2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from console.engine import executor, journey
from console.engine.errors import JournalBehind, RunRefused
from db.models import Event
from db.session import Target
from tests.crash import templates
from tests.crash.moments import stop_at_once
from tests.driving import ask, begun, events, kinds, state, states, tiny
from tests.servers import Server, serving, wait_until
from tests.standby import standby

PLAN = tiny('id = "one"\nkind = "sql"\nsql = "UPDATE person SET n = n + 1"\nundo = "UPDATE person SET n = n - 1"\n')
pytestmark = pytest.mark.newest
ROWS = "SELECT array_agg(DISTINCT n) FROM person"


@dataclass(frozen=True)
class Pair:
    """A primary and its asynchronous replica; `target` is whichever takes writes, as an application reaches it."""

    primary: Server
    target: Target
    first: Target
    second: Target

    def replicated(self) -> None:
        """The replica has everything."""
        written = ask(self.first, "SELECT pg_current_wal_lsn()")
        wait_until(lambda: ask(self.second, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", written))

    def cut_off(self) -> None:
        """From here on the replica receives nothing."""
        self.replicated()
        ask(self.second, "ALTER SYSTEM SET primary_conninfo = ''")
        ask(self.second, "SELECT pg_reload_conf()")
        wait_until(lambda: not ask(self.second, "SELECT count(*) FROM pg_stat_wal_receiver"))

    def fail_over(self) -> None:
        stop_at_once(self.primary)
        assert ask(self.second, "SELECT pg_promote()") is True


@pytest.fixture
def pair(folder: Path) -> Iterator[Pair]:
    with serving(18) as primary:
        templates.people(primary, "people")
        with standby(primary, folder) as copy:
            first, second = primary.url("people"), copy.url.replace("/postgres?", "/people?")
            hosts = f"{quote(str(primary.embedded.sockets))},{quote(str(copy.parameters['host']))}"
            ports = f"5432,{copy.parameters['port']}"
            both = f"postgresql://postgres@/people?host={hosts}&port={ports}&target_session_attrs=read-write"
            made = Pair(primary, Target(both), Target(first), Target(second))
            yield made
            made.target.close()
            made.second.close()


def when_begun(do: Callable[[], None]) -> executor.Tell:
    """Something happens as soon as a step has begun; once."""
    left = [do]

    def heard(said: Event) -> None:
        if said.kind == "step began" and left:
            left.pop()()

    return heard


def test_a_replica_is_refused(pair: Pair) -> None:
    """FM-B2: advisory locks do not exist there, and nothing can be written."""
    pair.replicated()
    with pytest.raises(RunRefused, match="This server is a replica"), executor.at(pair.second):
        pass


def test_a_replica_that_has_everything_takes_over_and_the_run_goes_on(pair: Pair) -> None:
    """FM-B2: the step runs once, on the new server."""
    number = begun(pair.target, PLAN)

    def lost() -> None:
        pair.replicated()
        pair.fail_over()

    with executor.at(pair.target, when_begun(lost)) as here:
        journey.forward(here, number)
    assert (state(pair.second, number), ask(pair.second, ROWS)) == ("done", [1])
    assert kinds(pair.second, number).count("step done") == 1
    assert "connection back" in kinds(pair.second, number)


def test_that_the_server_is_another_is_journalled_by_the_one_who_comes_back(pair: Pair) -> None:
    """FM-B2"""
    number = begun(pair.target, PLAN)

    def lost() -> None:
        pair.replicated()
        pair.fail_over()

    with executor.at(pair.target, when_begun(lost)) as here:
        journey.forward(here, number)
    (said,) = (event for event in events(pair.second, number) if event.kind == "server changed")
    assert said.detail == {"timeline": [1, 2]}


def test_that_the_server_is_another_is_journalled_by_the_next_console(pair: Pair) -> None:
    """FM-B2: a person may see why what he knows is not there."""
    number = begun(pair.target, PLAN)
    pair.replicated()
    pair.fail_over()
    pair.target.close()
    with executor.at(pair.target) as here:
        journey.forward(here, number)
    (said,) = (event for event in events(pair.second, number) if event.kind == "server changed")
    assert said.detail == {"timeline": [1, 2]}
    assert state(pair.second, number) == "done"


def test_a_replica_that_misses_what_was_acknowledged_is_not_gone_on_with(pair: Pair) -> None:
    """FM-B2: it knows the run and the executor, but not that the step began."""
    number = begun(pair.target, PLAN)
    with executor.at(pair.target, when_begun(pair.fail_over)) as here:
        pair.cut_off()
        with pytest.raises(JournalBehind, match=r"does not know event \d+, which it had acknowledged"):
            journey.forward(here, number)
    assert states(pair.second, number) == {"one": "waiting"}
    assert ask(pair.second, ROWS) == [0]
    assert "step began" not in kinds(pair.second, number)


@pytest.mark.parametrize("fresh", [True, False], ids=["nobody before", "somebody before"])
def test_a_replica_that_misses_the_executor_itself_is_behind_too(pair: Pair, fresh: bool) -> None:
    """FM-B2: an epoch that is lower than ours was not raised by somebody else; the server has forgotten ours."""
    number = begun(pair.target, PLAN)
    if fresh:
        ask(pair.target, "UPDATE handrail.fence SET epoch = 0, pid = NULL, login = NULL, taken_at = NULL, "
                         "system_identifier = NULL, timeline = NULL")  # fmt: skip
    pair.cut_off()
    with executor.at(pair.target, when_begun(pair.fail_over)) as here, pytest.raises(JournalBehind):
        journey.forward(here, number)
    assert ask(pair.second, ROWS) == [0]
