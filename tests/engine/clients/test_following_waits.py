"""The application waits for nobody because of the index (I-8): what could not be looked up is by the next write."""

from __future__ import annotations

import pytest

from db.session import Target
from tests.driving import ask, session_of
from tests.engine.clients.stepping import differences, in_step

pytestmark = pytest.mark.newest
ID, OTHER = "00000000-0000-4000-8000-000000000077", "00000000-0000-4000-8000-000000000078"
PENDING = "SELECT coalesce(jsonb_agg(jsonb_build_array(client, error)), '[]') FROM handrail_search.pending"


def test_who_changes_a_client_that_another_is_changing_goes_on(full: Target) -> None:
    for id in (ID, OTHER):
        ask(full, "INSERT INTO clients (id, email) VALUES (%s::uuid, %s)", id, f"{id}@example.com")
        ask(
            full, "INSERT INTO clients_enhanced (id, email, name) VALUES (%s::uuid, %s, 'Two')", id, f"{id}@example.com"
        )
    assert in_step(full)
    with session_of(full) as one:
        one.execute("UPDATE clients SET role = 'owner' WHERE id = %s", (ID,))
        ask(
            full, "UPDATE clients_enhanced SET status = 'paused' WHERE id = %s::uuid", ID
        )  # returns: `one` is open still
        assert ask(full, PENDING) == [[ID, "55P03"]]
        ask(full, "UPDATE clients SET role = 'owner' WHERE id = %s::uuid", OTHER)  # which looks it up no sooner
        assert ask(full, PENDING) == [[ID, "55P03"]]
        one.commit()
    assert differences(full)
    ask(full, "UPDATE clients SET role = 'admin' WHERE id = %s::uuid", OTHER)
    assert ask(full, PENDING) == []
    assert differences(full) == []


def test_two_who_bring_in_one_new_tenant_do_not_wait_for_each_other(full: Target) -> None:
    with session_of(full) as one:
        one.execute(
            "INSERT INTO clients_enhanced (id, email, name, company_name) VALUES (%s, 'a@x.org', 'A', 'Fresh')", (ID,)
        )
        ask(full, "INSERT INTO clients_enhanced (id, email, name, company_name) VALUES (%s::uuid, 'b@x.org', 'B', 'Fresh')",
            OTHER)  # fmt: skip
        assert ask(full, PENDING) == [[OTHER, "55P03"]]
        one.commit()
    assert in_step(full)
