"""An observation is shortened by sign-off alone: by the right role, of this evidence, and not by who runs it."""

from __future__ import annotations

import pytest

from console.engine import journey, signing
from console.engine.errors import SignOffRefused
from db.errors import EvidenceStale
from db.session import Target
from tests.driving import ask, begun, drive, events, state, states
from tests.engine.observing import CALM, LOUD, beside, progress, watching
from tests.servers import wait_until
from tests.staffed import as_login, inbox_of, signed, status

pytestmark = pytest.mark.newest
THEN = """
[[phase.step]]
id = "then"
kind = "sql"
title = "Then"
estimate = "1s"
sql = "CREATE TABLE then_ (a int)"
undo = "DROP TABLE then_"
"""


def engineer(staff: Target) -> Target:
    ask(staff, "GRANT ALL ON person TO oncall1")
    return as_login(staff, "oncall1")


def test_the_right_role_shortens_it(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(every="300s", gate=True, more=THEN))
    with beside(mine, number) as console:
        console.rounds(1)
        signed(staff, "sec1", number, "watch")
        assert console.ended(5)
    assert (state(staff, number), states(staff, number)["watch"]) == ("done", "done")
    done = next(event.detail for event in events(staff, number) if event.kind == "step done")
    assert (done["shortened"], done["observed"] < 30) == (True, True)


def test_what_comes_after_it_does_not_wait_for_its_gate(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching("300ms", gate=True, more=THEN))
    with beside(mine, number) as console:
        assert console.ended()
    assert (state(staff, number), status(staff, number, "watch").state) == ("done", "waits")


@pytest.mark.parametrize("login", ["oncall1", "oncall2", "dba1"])
def test_not_who_runs_it_nor_another_role(staff: Target, login: str) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
        with pytest.raises(Exception) as refused:  # noqa: PT011 - the database has several words for it
            signed(staff, login, number, "watch", role="security")
        assert not isinstance(refused.value, AssertionError)
        console.rounds(progress(staff, number)["rounds"] + 2)
        assert console.alive
    assert states(staff, number)["watch"] == "stopped"


def test_what_failed_cannot_be_approved(staff: Target) -> None:
    mine = engineer(staff)
    ask(staff, LOUD)
    number = begun(mine, watching(gate=True, keys="fails = 1000"))
    with beside(mine, number) as console:
        console.rounds(1)
        with pytest.raises(SignOffRefused, match="check has failed"):
            signed(staff, "sec1", number, "watch")
        assert console.alive


def test_a_sign_off_of_what_was_before_the_outcome_changed_does_not_count(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(gate=True, keys="fails = 1000"))
    with beside(mine, number) as console:
        console.rounds(1)
        seen = status(staff, number, "watch")
        ask(staff, LOUD)
        wait_until(lambda: progress(staff, number)["failing"] >= 1)
        ask(staff, CALM)
        wait_until(lambda: progress(staff, number)["failing"] == 0)
        now = status(staff, number, "watch")
        assert (now.measurement, now.digest != seen.digest) == (3, True)
        security = as_login(staff, "sec1")
        with security.session() as session, pytest.raises(EvidenceStale):
            signing.intend(session, number, "watch", "approve", None, seen.digest)
        assert console.alive


def test_a_sign_off_of_an_earlier_observation_does_not_count(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
        ask(staff, LOUD)
        assert console.ended()
    ask(staff, CALM)
    with beside(mine, number) as console:
        wait_until(lambda: progress(staff, number)["failing"] == 0)
        signed(staff, "sec1", number, "watch")
        assert console.ended()
    assert state(staff, number) == "done"


def test_nor_one_from_before_it_was_undone(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
    signed(staff, "sec1", number, "watch")
    drive(mine, lambda here: journey.back(here, number, one=True))
    with beside(mine, number, lambda here: journey.forward(here, number)) as console:
        wait_until(lambda: states(staff, number)["watch"] == "running")
        console.rounds(3)
        assert (console.alive, status(staff, number, "watch").measurement) == (True, 2)


def test_one_that_was_signed_while_it_was_paused_ends_at_once(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching(every="300s", gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
        assert console.here is not None
        console.here.cancel()
        assert console.ended()
    assert [one.status.gate for one in inbox_of(staff, "sec1").mine] == ["watch"]
    signed(staff, "sec1", number, "watch")
    with beside(mine, number) as console:
        assert console.ended(10)
    assert (state(staff, number), progress(staff, number)["rounds"]) == ("done", 1)


def test_a_reject_leaves_it_its_whole_time(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching("3s", gate=True))
    with beside(mine, number) as console:
        console.rounds(1)
        signed(staff, "sec1", number, "watch", "reject", "too early")
        rounds = progress(staff, number)["rounds"]
        console.rounds(rounds + 2)
        assert console.ended()
    assert (state(staff, number), progress(staff, number)["observed"] >= 3) == ("done", True)


def test_the_inbox_has_it_while_it_observes_and_not_after(staff: Target) -> None:
    mine = engineer(staff)
    number = begun(mine, watching("3s", gate=True, more=THEN.replace("CREATE", "SELECT 1/0; CREATE")))
    assert inbox_of(staff, "sec1").waiting == []
    with beside(mine, number) as console:
        console.rounds(1)
        assert [(one.status.gate, one.what) for one in inbox_of(staff, "sec1").mine] == [("watch", "sign")]
        assert [one.status.gate for one in inbox_of(staff, "oncall1").mine] == []
        assert console.ended()
    assert (state(staff, number), states(staff, number)["watch"]) == ("failed", "done")
    assert inbox_of(staff, "sec1").waiting == []
