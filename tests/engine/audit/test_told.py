"""Break-glass, acknowledgements, answers and people say themselves in the chain; a row that is another now is found."""

from __future__ import annotations

import pytest

from console.engine import signing
from db.session import Target
from tests.engine.audit.tampering import tamper, verified
from tests.staffed import as_login

pytestmark = pytest.mark.newest

GIVEN = "the disk is full in an hour", "nobody of security answers"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE handrail.operator SET person = 'room' WHERE login = 'sec2'", "login sec2"),
        ("UPDATE handrail.operator SET shared = true WHERE login = 'sec1'", "login sec1"),
        ("INSERT INTO handrail.operator (login, person) VALUES ('eve', 'room')", "login eve"),
        (
            "INSERT INTO handrail.sign_off_role (person, role) VALUES ('room', 'database administrator')",
            "role room database",
        ),
        ("DELETE FROM handrail.sign_off_role WHERE role = 'security'", "role sam security"),
        ("UPDATE handrail.person SET name = 'Somebody' WHERE id = 'sam'", "person sam"),
    ],
)
def test_who_is_who_is_compared(gated: Target, statement: str, said: str) -> None:
    assert verified(gated).whole
    tamper(gated, statement)
    found = verified(gated).faults
    assert [fault.kind for fault in found] == ["row"] * len(found)
    assert any(fault.text.startswith(said) for fault in found)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE handrail.break_glass SET reason = 'nothing much to say'", "glass broken 1"),
        ("UPDATE handrail.break_glass SET at = at - interval '1 day'", "glass broken 1"),
        ("UPDATE handrail.acknowledgement SET note = 'all well'", "broken glass acknowledged 1"),
        ("DELETE FROM handrail.acknowledgement", "broken glass acknowledged 1"),
    ],
)
def test_what_was_broken_and_acknowledged_is_compared(gated: Target, statement: str, said: str) -> None:
    with as_login(gated, "oncall1").session() as session:
        signing.break_glass(session, 1, "fine", *GIVEN)
    with as_login(gated, "admin1").session() as session:
        signing.acknowledge(session, 1, "talked it over")
    assert verified(gated).whole
    tamper(gated, statement)
    (fault,) = verified(gated).faults
    assert (fault.kind, fault.text.startswith(said)) == ("row", True)
