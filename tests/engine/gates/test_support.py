"""Support sees on home which runs there are and what they wait for, and no more of the journal."""

from __future__ import annotations

import pytest

from console.screens.home import _overview
from db.session import Target
from tests.staffed import as_login, refused

pytestmark = pytest.mark.newest


def test_home_is_for_everybody(gated: Target) -> None:
    for login in ("support1", "audit1", "admin1", "dba1", "oncall1"):
        mine = as_login(gated, login)
        with mine.session() as session:
            seen = _overview(session)
        mine.close()
        assert [run.state for run in seen.runs] == ["paused"]
        assert [one.status.state for one in seen.inbox.waiting] == ["waits"]


@pytest.mark.parametrize("table", ["event", "verdict", "answer", "set_aside", "sign_off"])
def test_support_reads_no_rows_of_the_application(gated: Target, table: str) -> None:
    assert refused(gated, "support1", f"SELECT * FROM handrail.{table}") == "42501"
    assert refused(gated, "support1", "SELECT plan_text FROM handrail.run") == "42501"
