"""Break-glass, acknowledgements and answers say themselves in the chain; a row that is another one now is found."""

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
