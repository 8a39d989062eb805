"""Revisions one at a time, and what they say without a database."""

from __future__ import annotations

import pytest

from db import revisions
from db.revisions import RevisionOutOfTurn, RevisionUnknown
from db.session import Target
from tests.driving import ask


def test_a_revision_and_its_stamp_are_one_transaction(agency: Target) -> None:
    """F60: the caller's rollback takes both."""
    with agency.executor_connection("test") as connection:
        with connection.begin() as transaction:
            revisions.upgrade(connection, "agency", "agency_0002")
            assert revisions.current(connection, "agency") == "agency_0002"
            transaction.rollback()
        with connection.begin():
            assert revisions.current(connection, "agency") == "agency_0001"
    assert ask(agency, "SELECT to_regnamespace('unification')") is None


def test_a_revision_out_of_turn_is_refused(agency: Target) -> None:
    with agency.executor_connection("test") as connection, connection.begin():
        with pytest.raises(RevisionOutOfTurn, match="agency_0003 needs the database at agency_0002"):
            revisions.upgrade(connection, "agency", "agency_0003")
        with pytest.raises(RevisionOutOfTurn):
            revisions.downgrade(connection, "agency", "agency_0002")


def test_an_unknown_revision_lists_the_known() -> None:
    with pytest.raises(RevisionUnknown) as caught:
        revisions.find("agency", "agency_9999")
    assert "agency_0001, agency_0002" in caught.value.hint


@pytest.mark.parametrize("revision", revisions.known("agency"))
def test_a_revision_says_its_sql(revision: str) -> None:
    for down in (False, True):
        shown = revisions.rendered("agency", revision, down=down)
        assert shown
        assert "%%" not in shown


def test_handrails_own_tables_go_and_come(sample: Target) -> None:
    with sample.executor_connection("test") as connection, connection.begin():
        for revision in reversed(revisions.known("handrail")):
            revisions.downgrade(connection, "handrail", revision)
        revisions.upgrade_all(connection, "handrail")
        revisions.upgrade_all(connection, "handrail")
        assert revisions.current(connection, "handrail") == revisions.known("handrail")[-1]
