"""What opens a gate, what closes it again, and who is told (I-5, I-6, FM-C9, FM-C10, FM-G11 to FM-G16)."""

from __future__ import annotations

import threading

import psycopg
import pytest

from console.engine import journey, operators, signing
from console.engine.errors import RunRefused, SignOffRefused
from db.errors import EvidenceStale, HandrailError
from db.session import Target
from tests.driving import ask, drive, events, kinds, state, states
from tests.servers import wait_until
from tests.staffed import (
    DBA,
    GATED,
    SECURITY,
    all_signed,
    as_login,
    inbox_of,
    onward,
    psql,
    refused,
    signed,
    status,
    waiting,
)

pytestmark = pytest.mark.newest  # the forgeries are tried on every version


def again(target: Target, number: int) -> None:
    """Measures the checkpoint again, as `k` and `n` do."""
    engineer = as_login(target, "oncall1")
    drive(engineer, lambda here: journey.back(here, number, one=True))
    onward(target, number)


def test_the_run_rests_and_says_who_has_to_sign(gated: Target) -> None:
    assert onward(gated, 1) == "Fine (fine): waits for database administrator, security."
    assert (state(gated, 1), states(gated, 1)["two"]) == ("paused", "waiting")
    assert kinds(gated, 1)[-1] == "waits for sign-offs"
    signed(gated, "dba1", 1)
    assert onward(gated, 1) == "Fine (fine): waits for security."
    signed(gated, "sec1", 1)
    assert (onward(gated, 1), state(gated, 1)) == ("", "done")


def test_any_reject_stops_and_a_revision_starts_anew(gated: Target) -> None:
    signed(gated, "dba1", 1)
    signed(gated, "sec1", 1, word="reject", reason="one table has no owner")
    assert onward(gated, 1) == "Fine (fine): rejected by sam: measure it again."
    again(gated, 1)
    assert onward(gated, 1) == "Fine (fine): waits for database administrator, security."
    all_signed(gated, 1)
    assert onward(gated, 1) == ""


def test_who_signed_may_still_reject(gated: Target) -> None:
    all_signed(gated, 1)
    signed(gated, "sec1", 1, word="reject", reason="I was too quick")
    assert "rejected by sam" in onward(gated, 1)


def test_a_new_measurement_voids_what_was_signed(gated: Target) -> None:
    all_signed(gated, 1)
    again(gated, 1)
    assert status(gated, 1).measurement == 2
    assert "waits for database administrator, security" in onward(gated, 1)


def test_what_was_seen_is_what_is_signed(gated: Target) -> None:
    """A stale sign-off: it was measured again while the person looked, and again between intent and word."""
    old = status(gated, 1).digest
    again(gated, 1)
    mine = as_login(gated, "sec1")
    with pytest.raises(EvidenceStale, match="measured again after you looked"), mine.session() as session:
        signing.intend(session, 1, "fine", "approve", None, old)
    with mine.session() as session:
        intent = signing.intend(session, 1, "fine", "approve")
    again(gated, 1)
    with pytest.raises(EvidenceStale, match="is not the newest"), mine.session() as session:
        signing.sign(session, intent)
    assert ask(gated, "SELECT count(*) FROM handrail.sign_off") == 0


def test_a_sign_off_lasts_as_long_as_the_plan_says(staff: Target) -> None:
    """FM-G14: asked again at the start of the step."""
    number = waiting(staff, GATED.replace('lasts = "1h"', 'lasts = "1s"'))
    all_signed(staff, number)
    wait_until(lambda: status(staff, number).state == "expired")
    assert onward(staff, number) == "Fine (fine): its sign-offs were good for 1 s: measure it again."


def test_a_step_that_cannot_be_undone_asks_for_one_more(staff: Target) -> None:
    plan = GATED.replace('lasts = "1h"', "irreversible = 1").replace(
        'title = "Two"', 'title = "Two"\nirreversible = true'
    )
    number = waiting(staff, plan)
    all_signed(staff, number)
    assert "cannot be undone, and wants 1 more to sign" in onward(staff, number)
    with staff.session() as session:
        operators.add(session, "owner1", "petra", roles=[SECURITY])
    signed(staff, "owner1", number)
    assert onward(staff, number) == ""


def test_some_of_several(staff: Target) -> None:
    plan = GATED.replace('lasts = "1h"', "needed = 1")
    number = waiting(staff, plan)
    assert "waits for 1 more of database administrator, security" in onward(staff, number)
    signed(staff, "sec1", number)
    assert onward(staff, number) == ""


@pytest.mark.parametrize("taken", ["login", "role", "made shared"])
def test_a_signer_who_is_one_no_more_does_not_count(gated: Target, taken: str) -> None:
    all_signed(gated, 1)
    with as_login(gated, "admin1").session() as session:
        if taken == "made shared":
            operators.add(session, "sec1", "sam", shared=True)
        else:
            operators.remove(session, "sec1", [SECURITY] if taken == "role" else [])
    assert "waits for security" in onward(gated, 1)
    with pytest.raises(HandrailError):
        signed(gated, "sec1", 1, word="reject", reason="still here")


def test_a_reject_and_the_step_that_begins_are_one_after_the_other(gated: Target) -> None:
    """FM-C9: the reject waits for the step's beginning to commit; or the step sees it."""
    all_signed(gated, 1)
    with psql(gated, "oncall1") as engineer:
        engineer.autocommit = False
        engineer.execute("UPDATE handrail.step_run SET state = 'running', attempts = 1 WHERE step = 'two'")
        late = threading.Thread(target=signed, args=(gated, "sec1", 1), kwargs={"word": "reject", "reason": "stop"})
        late.start()
        late.join(0.5)
        assert late.is_alive()
        engineer.rollback()
        late.join(20)
    with psycopg.connect(gated.url) as holder:
        assert holder.execute("SELECT state FROM handrail.gate_status").fetchone() == ("rejected",)
    assert "rejected by sam" in onward(gated, 1)


def test_an_edited_plan_is_not_run(gated: Target) -> None:
    """FM-C10: by whoever may write the tables at all; the digest of what was signed cannot follow."""
    all_signed(gated, 1)
    assert refused(gated, "postgres", "UPDATE handrail.run SET digest = 'other'").startswith("23503")
    ask(
        gated,
        "UPDATE handrail.run SET plan_text = replace(plan_text, 'CREATE TABLE two', 'DROP TABLE person; CREATE TABLE two')",
    )
    with pytest.raises(RunRefused, match="is not the one that it began with"):
        onward(gated, 1)
    assert ask(gated, "SELECT count(*) FROM person") > 0


def test_a_try_that_is_refused_is_in_the_journal(gated: Target) -> None:
    """FM-G11"""
    with pytest.raises(SignOffRefused, match="You began this run"):
        signed(gated, "oncall2", 1)
    tried = events(gated, 1)[-1]
    assert (tried.kind, tried.by, tried.detail["person"], tried.detail["decision"]) == (
        "sign-off tried",
        "oncall2",
        "olu",
        "approve",
    )
    assert ask(gated, "SELECT count(*) FROM handrail.sign_off") == 0


def test_without_a_journal_no_step_begins(gated: Target) -> None:
    """FM-G12"""
    all_signed(gated, 1)
    ask(gated, "REVOKE INSERT ON handrail.event FROM handrail_engineer")
    with pytest.raises(HandrailError, match="has not the right"):
        onward(gated, 1)
    assert (states(gated, 1)["two"], ask(gated, "SELECT to_regclass('two')")) == ("waiting", None)


def test_a_failed_checkpoint_is_not_approved_but_may_be_rejected(staff: Target) -> None:
    number = waiting_for_failure(staff)
    with pytest.raises(SignOffRefused, match="A check has failed"):
        signed(staff, "sec1", number)
    signed(staff, "sec1", number, word="reject", reason="as the check says")
    assert status(staff, number).state == "rejected"


def waiting_for_failure(target: Target) -> int:
    try:
        return waiting(target, GATED.replace("equals = true", "equals = false"))
    except HandrailError:
        return int(ask(target, "SELECT max(id) FROM handrail.run"))


def test_break_glass_wants_two_reasons_and_stays_on_the_home_screen(gated: Target) -> None:
    """FM-G16"""
    engineer = as_login(gated, "oncall1")
    for reasons in (("short", "nobody of security answers"), ("the disk is full", "The disk is full")):
        with pytest.raises(SignOffRefused, match="Two reasons"), engineer.session() as session:
            signing.break_glass(session, 1, "fine", *reasons)
    with engineer.session() as session:
        number = signing.break_glass(session, 1, "fine", "the disk is full in an hour", "nobody of security answers").id
    assert onward(gated, 1) == ""
    assert "glass broken" in kinds(gated, 1)
    for login in ("dba1", "support1", "admin1"):
        if login != "support1":
            assert [one.id for one in inbox_of(gated, login).broken] == [number]
    with pytest.raises(HandrailError), as_login(gated, "dba1").session() as session:
        signing.acknowledge(session, number, "fine with me")
    with as_login(gated, "admin1").session() as session:
        signing.acknowledge(session, number, "talked it over")
    assert inbox_of(gated, "dba1").broken == []


def test_who_broke_the_glass_does_not_acknowledge_it(gated: Target) -> None:
    with gated.session() as session:
        number = signing.break_glass(session, 1, "fine", "the disk is full in an hour", "nobody of security answers").id
    with pytest.raises(SignOffRefused, match="You broke this gate open"), gated.session() as session:
        signing.acknowledge(session, number, "well done")


def test_the_inbox_says_what_waits_for_whom(gated: Target) -> None:
    mine = {
        login: [one.status.gate for one in inbox_of(gated, login).mine]
        for login in ("dba1", "sec1", "owner1", "oncall2")
    }
    assert mine == {"dba1": ["fine"], "sec1": ["fine"], "owner1": [], "oncall2": []}
    assert [one.status.gate for one in inbox_of(gated, "owner1").waiting] == ["fine"]
    signed(gated, "dba1", 1)
    assert inbox_of(gated, "dba1").mine == []


def test_an_administrator_gives_others_roles_and_never_themselves(gated: Target) -> None:
    admin = as_login(gated, "admin1")
    with (
        pytest.raises(HandrailError, match="nobody gives a login or a sign-off role to themselves"),
        admin.session() as session,
    ):
        operators.add(session, "admin1", "amir", roles=[SECURITY])
    with pytest.raises(HandrailError, match="nobody changes their own groups"), admin.session() as session:
        operators.add(session, "admin1", "amir", groups=["approver"])
    with admin.session() as session:
        operators.add(session, "owner1", "petra", roles=[DBA])
    signed(gated, "owner1", 1, role=DBA)
    assert status(gated, 1).signed == [DBA]
