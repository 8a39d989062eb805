"""Answers are versions that are signed; the plan runs with what was answered last, and not without it (A-34, A-36, A-37)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.engine import journey
from console.engine.decisions import answering
from console.engine.errors import AnswersRefused, PlanError
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, drive, state, states, tiny
from tests.staffed import as_login, inbox_of, onward, refused, signed, status

pytestmark = pytest.mark.newest

DECIDED = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one (a int)"
undo = "DROP TABLE one"

[phase.checkpoint]
id = "fine"
title = "Fine"

[phase.checkpoint.gate]
roles = ["security"]

[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = "One is there"
sql = "SELECT to_regclass('one') IS NOT NULL"
equals = true

[[phase]]
title = "Then"

[[phase.step]]
id = "roles"
kind = "sql"
title = "Roles"
estimate = "1s"
sql = "CREATE TABLE roles AS SELECT key AS old, value AS new FROM jsonb_each_text({{role_mapping}})"
undo = "DROP TABLE roles"

[[decision]]
id = "role-system"
title = "Roles"
before = "roles"
roles = ["product owner"]

[[decision.field]]
id = "role_mapping"
kind = "mapping"
title = "New role for each old one"
keys = ["admin", "editor"]
options = ["admin", "member", "staff"]
default = { admin = "admin", editor = "member" }
"""


def begin(target: Target, plan: Plan) -> int:
    number = drive(as_login(target, "oncall1"), lambda here: journey.begin(here, plan))
    onward(target, number)
    return number


def answered(target: Target, number: int, id: str = "role-system", *, login: str = "oncall1", **given: Any) -> None:
    mine = as_login(target, login)
    with mine.session() as session:
        answering.answer(session, number, journey.plan_of(journey.found(session, number)), id, given)
    mine.close()


def test_a_step_waits_for_its_answer_and_runs_with_it(staff: Target) -> None:
    number = begin(staff, tiny(DECIDED))
    signed(staff, "sec1", number)
    assert onward(staff, number) == "Roles (role-system): wants its answers."
    answered(staff, number, role_mapping={"admin": "staff", "editor": "member"})
    assert onward(staff, number) == "Roles (role-system): waits for product owner."
    signed(staff, "owner1", number, "role-system")
    assert onward(staff, number) == ""
    assert ask(staff, "SELECT json_object_agg(old, new) FROM roles") == {"admin": "staff", "editor": "member"}


def test_a_changed_answer_voids_what_was_signed(staff: Target) -> None:
    """The decision's own sign-offs, and a checkpoint's that was measured after it was answered."""
    number = begin(staff, tiny(DECIDED))
    answered(staff, number)
    drive(as_login(staff, "oncall1"), lambda here: journey.measure_again(here, number, "fine"))
    signed(staff, "owner1", number, "role-system")
    signed(staff, "sec1", number)
    answered(staff, number, role_mapping={"admin": "admin", "editor": "staff"})
    assert (status(staff, number, "role-system").state, status(staff, number).state) == ("waits", "void")
    assert "the answers to a decision have changed since" in onward(staff, number)
    drive(as_login(staff, "oncall1"), lambda here: journey.measure_again(here, number, "fine"))
    signed(staff, "sec1", number)
    signed(staff, "owner1", number, "role-system")
    assert onward(staff, number) == ""
    assert ask(staff, "SELECT new FROM roles WHERE old = 'editor'") == "staff"


def test_a_first_answer_voids_nothing(staff: Target) -> None:
    number = begin(staff, tiny(DECIDED))
    signed(staff, "sec1", number)
    answered(staff, number)
    assert status(staff, number).state == "signed"


def test_once_used_an_answer_stands(staff: Target) -> None:
    number = begin(staff, tiny(DECIDED))
    signed(staff, "sec1", number)
    answered(staff, number)
    signed(staff, "owner1", number, "role-system")
    assert onward(staff, number) == ""
    with pytest.raises(AnswersRefused, match="Steps that use the answers to role-system have begun"):
        answered(staff, number, role_mapping={"admin": "staff", "editor": "staff"})
    late = f"INSERT INTO handrail.answer VALUES ({number}, 'role-system', 2, '{{}}')"
    assert refused(staff, "postgres", late) == "HR002"


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"role_mapping": {"admin": "king", "editor": "staff"}}, "role_mapping: admin = king: it is one of"),
        ({"other": 1}, "other: there is no such field"),
    ],
)
def test_a_wrong_answer_is_refused_and_nothing_kept(staff: Target, given: dict[str, Any], wrong: str) -> None:
    number = begin(staff, tiny(DECIDED))
    with pytest.raises(AnswersRefused, match=wrong):
        answered(staff, number, **given)
    assert ask(staff, "SELECT count(*) FROM handrail.answer") == 0


def test_who_answered_does_not_sign(staff: Target) -> None:
    number = begin(staff, tiny(DECIDED))
    answered(staff, number, login="owner1")
    with pytest.raises(Exception, match="measured this yourself"):
        signed(staff, "owner1", number, "role-system")


def test_answers_come_from_a_file(staff: Target, tmp_path: Path) -> None:
    toml, lines, broken = (tmp_path / name for name in ("a.toml", "a.json", "b.toml"))
    toml.write_text('role_mapping = { admin = "staff", editor = "staff" }')
    lines.write_text(json.dumps({"role_mapping": {"admin": "staff", "editor": "staff"}}))
    broken.write_text("role_mapping = {")
    assert answering.from_file(toml) == answering.from_file(lines)
    for path in (broken, tmp_path / "none.toml"):
        with pytest.raises(AnswersRefused, match=f"{path.name} cannot be read"):
            answering.from_file(path)


CONSULTATIONS = """\
id = "one"
kind = "sql"
sql = "CREATE TABLE one AS SELECT {{strategy}} AS strategy, {{days}} AS days"
undo = "DROP TABLE one"

[[decision]]
id = "document"
title = "Document"
roles = ["security"]
within = "24h"

[[decision]]
id = "strategy"
title = "Strategy"
inputs = ["the comparison"]
follows = "document"
returns_to = "document"
within = "24h"
roles = ["product owner"]

[[decision.field]]
id = "strategy"
kind = "choice"
title = "Strategy"
options = ["A", "B"]
default = "A"

[[decision]]
id = "timeline"
title = "Timeline"
follows = "strategy"
within = "1s"
roles = ["product owner"]

[[decision.field]]
id = "days"
kind = "number"
title = "Days"
default = 7
"""


def test_consultations_come_one_after_the_other(staff: Target) -> None:
    """A-37: the next is not open before the one before it is approved; a rejected one is revised and comes back."""
    number = begin(staff, tiny(CONSULTATIONS))
    with pytest.raises(AnswersRefused, match="strategy comes after document"):
        answered(staff, number, "strategy")
    assert [one.status.gate for one in inbox_of(staff, "oncall1").waiting] == ["document"]
    answered(staff, number, "document")
    signed(staff, "sec1", number, "document")
    assert [one.status.gate for one in inbox_of(staff, "oncall1").waiting] == ["strategy"]
    answered(staff, number, "strategy", strategy="B")
    assert status(staff, number, "strategy").due_at is not None
    assert status(staff, number, "timeline").due_at is None

    # a rejected strategy goes back to the review of the document
    signed(staff, "owner1", number, "strategy", word="reject", reason="too long a downtime")
    assert (status(staff, number, "strategy").state, status(staff, number, "document").state) == (
        "rejected",
        "returned",
    )
    answered(staff, number, "document")
    signed(staff, "sec1", number, "document")
    answered(staff, number, "strategy", strategy="A")
    signed(staff, "owner1", number, "strategy")

    # a rejected timeline goes back to itself alone
    answered(staff, number, "timeline", days=0)
    signed(staff, "owner1", number, "timeline", word="reject", reason="we need a week")
    assert [status(staff, number, id).state for id in ("document", "strategy", "timeline")] == [
        "signed",
        "signed",
        "rejected",
    ]
    answered(staff, number, "timeline", days=7)
    signed(staff, "owner1", number, "timeline")
    assert (onward(staff, number), state(staff, number), states(staff, number)) == ("", "done", {"one": "done"})
    assert ask(staff, "SELECT strategy || days FROM one") == "A7"


def test_what_is_overdue_is_shown_as_overdue(staff: Target) -> None:
    number = begin(staff, tiny(CONSULTATIONS.replace('within = "24h"', 'within = "1s"')))
    ask(staff, "SELECT pg_sleep(1.1)")
    (waits,) = inbox_of(staff, "sec1").waiting
    assert (waits.run.id, waits.overdue(inbox_of(staff, "sec1").now)) == (number, True)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("{{strategy}}", "{{strategi}}", "SQL names the parameter 'strategi', which there is not"),
        ('before = "roles"', 'before = "nowhere"', "before: there is no step 'nowhere'"),
        ('follows = "document"', 'follows = "timeline"', "follows: there is no decision 'timeline' before this one"),
        ('id = "days"', 'id = "run_id"', "field run_id: the name is taken"),
        ('id = "strategy"\ntitle', 'id = "one"\ntitle', "the id 'one' stands twice"),
        ('default = "A"', 'default = "C"', "default: it is one of: A, B"),
        ('roles = ["security"]', "roles = []", "roles"),
        ('roles = ["security"]', 'roles = ["security"]\nneeded = 2', "needed: write a number from 1 to 1"),
        ('kind = "choice"', 'kind = "choise"', "Did you mean 'choice'"),
    ],
)
def test_a_plan_whose_decisions_are_wrong_is_refused(old: str, new: str, wrong: str) -> None:
    text = DECIDED if old.startswith("before") else CONSULTATIONS
    with pytest.raises(PlanError, match=wrong):
        tiny(text.replace(old, new, 1))


def test_sql_that_uses_an_answer_before_it_is_given_is_refused() -> None:
    with pytest.raises(PlanError, match="'role_mapping', which is decided later"):
        tiny(DECIDED.replace("CREATE TABLE one (a int)", "CREATE TABLE one AS SELECT {{role_mapping}}"))
