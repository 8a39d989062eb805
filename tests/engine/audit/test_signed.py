"""What people signed and what they saw says the same as the events do, or verifying says which does not."""

from __future__ import annotations

import pytest

from db.queries import gates
from db.session import Target
from tests.driving import ask
from tests.engine.audit.tampering import signed, tamper, verified

DIGESTED = "UPDATE handrail.evidence SET digest = handrail.digest_of(handrail.content(run_id, gate, measurement))"

TAMPERED = {
    "another decides": ("UPDATE handrail.sign_off SET person = 'eve'", [("sign-off", "it is not what its event says")]),
    "another reason": ("UPDATE handrail.sign_off SET reason = 'of course'", [("sign-off", "it is not what its event says")]),
    "another login": ("UPDATE handrail.sign_off SET login = 'eve'", [("sign-off", "it is not what its event says")]),
    "reject for approve": ("UPDATE handrail.sign_off SET decision = 'reject', reason = 'never'", [("sign-off", "it is not what its event says")]),
    "made young again": ("UPDATE handrail.sign_off SET at = at + interval '3 days'", [("sign-off", "it is not what its event says")]),
    "a sign-off gone": ("DELETE FROM handrail.sign_off", [("sign-off", "the event is there, the sign-off is not")]),
    "a verdict edited": ("UPDATE handrail.verdict SET found = '4' WHERE position = 1", [("evidence", "are not those")]),
    "the rows of a verdict edited": ("UPDATE handrail.verdict SET rows = '[{\"n\": 1.5}]' WHERE position = 1", [("evidence", "are not those")]),
    "a verdict gone": ("DELETE FROM handrail.verdict WHERE position = 2", [("evidence", "are not those")]),
    "an answer edited": ("UPDATE handrail.answer SET answers = '{}'", [("row", "answered 1 when 1"), ("evidence", "are not those")]),
    "passed where it had failed": ("UPDATE handrail.evidence SET passed = NOT passed WHERE gate = 'when'", [("evidence", "are not those")]),
    "a verdict edited, digested anew": (f"UPDATE handrail.verdict SET found = '4'; {DIGESTED}", [("evidence", "no evidence has the digest"), ("sign-off", "its evidence is another")]),
    "evidence gone": ("DELETE FROM handrail.evidence WHERE gate = 'check'", [("evidence", "no evidence has the digest"), ("sign-off", "its evidence is another")]),
    "a gate made easier": ("UPDATE handrail.gate SET roles = '{anybody}' WHERE gate = 'check'", [("run", "run 1: its plan, steps or gates")]),
    "a gate gone": ("DELETE FROM handrail.gate WHERE gate = 'check'", [("run", "run 1: its plan, steps or gates")]),
    "a plan edited": ("UPDATE handrail.run SET plan_text = replace(plan_text, 'SELECT 1', 'SELECT 2')", [("run", "run 1: its plan, steps or gates")]),
    "a plan that is none": ("UPDATE handrail.run SET plan_text = 'plan'", [("run", "run 1: its plan, steps or gates")]),
    "another digest": ("UPDATE handrail.run SET digest = ''", [("run", "run 1 is not the one"), ("run", "run 1: its plan")]),
    "begun by somebody else": ("UPDATE handrail.run SET started_by = 'eve'", [("run", "run 1 is not the one")]),
}  # fmt: skip


@pytest.mark.newest
@pytest.mark.parametrize("what", TAMPERED)
def test_what_was_signed_is_compared(sample: Target, what: str) -> None:
    signed(sample)
    statement, wanted = TAMPERED[what]
    tamper(sample, statement)
    found = verified(sample).faults
    assert [fault.kind for fault in found] == [kind for kind, _ in wanted]
    assert all(said in fault.text for fault, (_, said) in zip(found, wanted, strict=True))


@pytest.mark.newest
@pytest.mark.parametrize("detail", ['{"id": 7}', "{}"])
def test_an_approval_that_nobody_gave_is_found(sample: Target, detail: str) -> None:
    """Whoever may write an event may call it an approval; there is no sign-off to it."""
    signed(sample)
    ask(sample, "INSERT INTO handrail.event (run_id, step, kind, detail) VALUES (1, 'check', 'approved', %s)", detail)
    (fault,) = verified(sample).faults
    assert (fault.kind, fault.event) == ("sign-off", ask(sample, "SELECT max(id) FROM handrail.event"))


@pytest.mark.newest
def test_an_approval_told_twice_is_found(sample: Target) -> None:
    signed(sample)
    ask(sample, "INSERT INTO handrail.event (run_id, step, kind, detail)"
        " SELECT run_id, step, kind, detail FROM handrail.event WHERE kind = 'approved'")  # fmt: skip
    (fault,) = verified(sample).faults
    assert fault.text == "sign-off 1: another event says it already"


@pytest.mark.newest
def test_a_measurement_that_was_never_taken_is_found(sample: Target) -> None:
    signed(sample)
    ask(sample, "INSERT INTO handrail.event (run_id, step, kind, detail)"
        " VALUES (1, 'check', 'checkpoint passed', '{\"digest\": \"00\"}')")  # fmt: skip
    (fault,) = verified(sample).faults
    assert (fault.kind, "no evidence has the digest" in fault.text) == ("evidence", True)


def test_signed_is_whole(sample: Target) -> None:
    """Otherwise the tests above would prove nothing."""
    signed(sample)
    assert verified(sample).whole
    with sample.session() as session:
        (status,) = [one for one in gates.of_run(session, 1) if one.gate == "check"]
    assert status.state == "signed"
