"""Three terminals take one run through two gates: the engineer, the database administrator, security (issue of gates)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from db.session import Target
from tests.commands.calling import Said, at_terminal
from tests.driving import ONE_STEP, ask
from tests.staffed import GATED, as_login

pytestmark = pytest.mark.newest

SECOND = """
[phase.checkpoint]
id = "last"
title = "Last"

[phase.checkpoint.gate]
roles = ["security"]
within = "2h"

[[phase.checkpoint.check]]
id = "both"
kind = "sql"
title = "Both are there"
sql = "SELECT count(*) FROM pg_class WHERE relname IN ('one', 'two')"
equals = 2

[[phase]]
title = "End"

[[phase.step]]
id = "three"
kind = "sql"
title = "Three"
estimate = "1s"
sql = "CREATE TABLE three (a int)"
undo = "DROP TABLE three"
"""

Call = Callable[..., Said]


@pytest.fixture
def plans(tmp_path: Path) -> str:
    (tmp_path / "tiny.toml").write_text(ONE_STEP + GATED + SECOND)
    return str(tmp_path)


def test_three_terminals_two_gates(staff: Target, plans: str, handrail: Call) -> None:
    engineer, dba, security = (as_login(staff, login).url for login in ("oncall1", "dba1", "sec1"))
    said = handrail("--target", engineer, "--plans", plans, "run", "tiny", "--yes")
    assert (said.code, "waits for database administrator, security" in said.err) == (3, True)
    number = str(ask(staff, "SELECT max(id) FROM handrail.run"))

    # both see it; the evidence stands before the question, and nothing is signed without a yes
    said = handrail("--target", dba, "inbox", "--json")
    assert (said.code, said.documents[0]["gate"], said.documents[0]["mine"]) == (3, "fine", True)
    seen = said.documents[0]["digest"]
    asked = at_terminal(Target(dba), "n\n", "sign", number, "fine", "--approve", "--reason", "looked")
    assert (asked.code, "✓ passed  One is there" in asked.err, "Nothing was signed." in asked.err) == (0, True, True)
    asked = at_terminal(Target(dba), "y\n", "sign", number, "fine", "--approve", "--reason", "looked")
    assert (asked.code, asked.out) == (0, "fine is approved by dina as database administrator; waits for security.\n")

    # a reject stops it, a revision is measured, and what was seen before is not signed any more
    said = handrail("--target", security, "sign", number, "fine", "--reject", "--reason", "no owner", "--yes")
    assert (said.code, "rejected by sam" in said.out) == (0, True)
    said = handrail("--target", engineer, "resume", "--yes")
    assert (said.code, "rejected by sam: measure it again" in said.err) == (3, True)
    assert handrail("--target", engineer, "rollback", number, "--to", "fine", "--yes").code == 0
    assert handrail("--target", engineer, "resume", "--yes").code == 3
    said = handrail("--target", dba, "sign", number, "fine", "--approve", "--digest", seen, "--yes")
    assert (said.code, "Look at it again" in said.err) == (6, True)
    for url in (dba, security):
        assert handrail("--target", url, "sign", number, "fine", "--approve", "--yes").code == 0

    # the second gate; who began it is told why they do not sign
    said = handrail("--target", engineer, "resume", "--yes")
    assert (said.code, "Last (last): waits for security" in said.err) == (3, True)
    second = as_login(staff, "oncall2").url
    said = handrail("--target", second, "sign", number, "last", "--approve", "--yes")
    assert (said.code, said.err) == (
        6, "handrail: You began this run, asked for it or measured this yourself. Another person signs it.\n",
    )  # fmt: skip
    assert handrail("--target", second, "inbox").code == 0
    assert (
        handrail("--target", security, "sign", number, "last", "--approve", "--yes", "--json").documents[0]["state"]
        == "signed"
    )
    said = handrail("--target", engineer, "resume", "--yes")
    assert (said.code, said.out.splitlines()[-1]) == (0, f"run {number}, tiny: done")

    # what was anchored at each sign-off is borne out
    anchors = Path(handrail("--target", engineer, "audit", "anchor").documents[0]["target"])
    assert str(anchors)
    said = handrail("--target", engineer, "status", number, "--json")
    assert said.documents[0]["state"] == "done"


def test_break_glass_wants_the_plans_name_and_is_acknowledged_by_another(
    staff: Target, plans: str, handrail: Call
) -> None:
    engineer, admin = (as_login(staff, login).url for login in ("oncall1", "admin1"))
    assert handrail("--target", engineer, "--plans", plans, "run", "tiny", "--yes").code == 3
    number = str(ask(staff, "SELECT max(id) FROM handrail.run"))
    reasons = ["--reason", "the disk is full in an hour", "--why-not-wait", "nobody of security answers"]
    said = handrail("--target", engineer, "break-glass", number, "fine", *reasons, "--confirm", "other")
    assert (said.code, ask(staff, "SELECT count(*) FROM handrail.break_glass")) == (6, 0)
    said = handrail("--target", engineer, "break-glass", number, "fine", *reasons, "--confirm", "tiny")
    assert (said.code, "is broken open" in said.out) == (0, True)
    said = handrail("--target", admin, "inbox")
    assert "! break-glass 1" in said.out
    assert handrail("--target", admin, "acknowledge", "1", "--note", "looked into it").code == 0
    assert "break-glass" not in handrail("--target", admin, "inbox").out


def test_operators_are_listed_given_roles_and_removed(staff: Target, handrail: Call) -> None:
    admin = as_login(staff, "admin1").url
    said = handrail("--target", admin, "operator", "add", "owner1", "--person", "petra", "--role", "QA", "--json")
    assert not said.err
    assert {one["login"]: one["roles"] for one in said.documents}["owner1"] == ["QA", "product owner"]
    said = handrail("--target", admin, "operator", "remove", "owner1", "--role", "QA", "--json")
    assert {one["login"]: one["roles"] for one in said.documents}["owner1"] == ["product owner"]
    assert handrail("--target", admin, "operator", "add", "nobody_at_all").code == 2
    assert handrail("--target", admin, "operator", "add", "owner1", "--person", "dina").code == 2
    said = handrail("--target", admin, "operator", "remove", "owner1", "--json")
    assert "owner1" not in {one["login"] for one in said.documents}
    said = handrail("--target", as_login(staff, "dba1").url, "operator", "add", "owner1", "--role", "QA")
    assert said.code == 6


def test_init_prints_what_it_would_send_and_sends_nothing(sample: Target, handrail: Call) -> None:
    ask(sample, "DROP SCHEMA handrail CASCADE")
    said = handrail("--target", sample.url, "init", "--name", "sample", "--print")
    assert said.code == 0
    for words in ("CREATE SCHEMA", "CREATE TABLE handrail.sign_off", "GRANT handrail_engineer TO handrail_owner"):
        assert words in said.out
    assert ask(sample, "SELECT to_regnamespace('handrail')") is None
    # what is printed is what works
    ask(sample, said.out)
    assert handrail("--target", sample.url, "status", "--json").documents == [
        json.loads('{"version": 1, "target": "sample", "run": null}')
    ]
    assert handrail("--target", sample.url, "init", "--name", "sample").code == 0


def test_an_event_that_somebody_wrote_by_hand_does_not_reach_the_terminal_raw(gated: Target, handrail: Call) -> None:
    """Whoever runs plans may write events, of any kind, with any detail."""
    ask(
        gated,
        "INSERT INTO handrail.event (run_id, step, kind, detail)"
        " VALUES (1, E'\\x1b[31m', E'run done\\x1b]0;owned\\x07', '{\"seconds\": \"abc\"}')",
    )
    said = handrail("--target", gated.url, "status", "1")
    assert (said.code, "owned" in said.out, "\x1b" in said.out, "\x07" in said.out) == (0, True, False, False)
