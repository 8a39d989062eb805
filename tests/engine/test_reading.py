"""A plan that is wrong is one line: file, line, key, and what was meant (FM-D8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.engine import reading
from console.engine.errors import PlanError, UnknownPlan, UnknownStep
from console.engine.plan import Plan

GOOD = """\
format = 1
id = "tiny"
target = "sample"
title = "Tiny"

[[phase]]
title = "Only"

[[phase.step]]
id = "one"
kind = "sql"
title = "One"
estimate = "1m30s"
sql = "SELECT 1"
undo = "-- nothing to undo: it reads"

[phase.checkpoint]
id = "fine"
title = "Fine"

[[phase.checkpoint.check]]
id = "two"
kind = "sql"
title = "Two"
sql = "SELECT 2"
equals = 2
"""


def read(text: str) -> Plan:
    return reading.parse(text, "tiny.toml", lambda name: f"-- {name}")


def test_a_good_plan_is_read_in_order() -> None:
    plan = read(GOOD)
    assert [(item.position, item.id, item.kind, item.estimate) for item in plan.items] == [
        (1, "one", "sql", 90.0),
        (2, "fine", "checkpoint", None),
    ]


def test_the_digest_changes_with_every_letter_of_plan_and_sources() -> None:
    with_file = GOOD.replace('sql = "SELECT 1"', 'file = "one.sql"')
    digests = {
        read(GOOD).digest,
        read(GOOD.replace("Tiny", "Tinz")).digest,
        reading.parse(with_file, "x", lambda name: "SELECT 1").digest,
        reading.parse(with_file, "x", lambda name: "SELECT 3").digest,
    }
    assert len(digests) == 4


BAD = [
    ("an unknown key", 'estimate = "1m30s"', 'estimat = "1m30s"', "line 13: phase.step.estimat: there is no such key", "'estimate'"),
    ("an unknown kind", 'kind = "sql"\ntitle = "One"', 'kind = "sqll"\ntitle = "One"', "line 9: phase.step: there is no kind 'sqll'", "'sql'"),
    ("a missing key", 'title = "Tiny"\n', "", "line 1: title: this key is missing", ""),
    ("a wrong type", "format = 1", 'format = "1"', "line 1: format: input should be 1", ""),
    ("a wrong time", '"1m30s"', '"soon"', "line 13: phase.step.estimate: write a time such as 5s", ""),
    ("no way back", 'undo = "-- nothing to undo: it reads"\n', "", "line 9: the step needs a way back", "undo ="),
    ("broken SQL", "SELECT 1", "SELEC 1", 'line 9: sql: line 1: syntax error at or near "SELEC"', ""),
    ("a COMMIT (FM-D1)", "SELECT 1", "SELECT 1; COMMIT", "a step may not begin or end a transaction", "Leave it out"),
    ("an index online", "SELECT 1", "CREATE INDEX CONCURRENTLY i ON t (a)", "cannot run inside a transaction", "concurrently"),
    ("VACUUM", "SELECT 1", "VACUUM t", "cannot run inside a transaction", ""),
    ("an unknown parameter", "SELECT 1", "SELECT {{run_day}}", "the parameter 'run_day', which there is not", "run_date"),
    ("no expectation", "equals = 2\n", "", "line 17: check two: a check expects one thing", ""),
    ("two expectations", "equals = 2\n", "equals = 2\nat_least = 1\n", "a check expects one thing", ""),
    ("an id twice", 'id = "fine"', 'id = "one"', "line 18: the id 'one' stands twice", "Rename"),
    ("an id that is no id", 'id = "one"', 'id = "One Two"', "line 10: phase.step.id", ""),
    ("no phase", GOOD[GOOD.index("[[phase]]") :], "", "phase: this key is missing", ""),
    ("broken TOML", 'title = "Tiny"', 'title = "Tiny', "tiny.toml: ", "Mend the TOML"),
    ("a key twice", 'title = "Tiny"', 'title = "Tiny"\ntitle = "Tiny"', "tiny.toml: ", "Mend the TOML"),
    ("kept since nothing", "equals = 2\n", 'equals = 2\n[[kept]]\nid = "k"\ntitle = "k"\nsince = "zero"\ncount = "SELECT 1"\nrule = "set aside"\n', "since: there is no step 'zero'", "one"),
    ("a revision that there is not", 'kind = "sql"\ntitle = "One"\nestimate = "1m30s"\nsql = "SELECT 1"\nundo = "-- nothing to undo: it reads"', 'kind = "revision"\ntitle = "One"\nestimate = "1s"\nrevision = "agency_9999"', "There is no revision 'agency_9999'", ""),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message", "hint"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_what_is_wrong_is_named_with_its_place(old: str, new: str, message: str, hint: str) -> None:
    assert old in GOOD
    with pytest.raises(PlanError) as caught:
        read(GOOD.replace(old, new, 1))
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value)


def test_a_file_outside_the_folder_is_refused(tmp_path: Path) -> None:
    """FM-D9"""
    (tmp_path / "secret.sql").write_text("SELECT 1")
    (tmp_path / "tiny.toml").write_text(GOOD.replace('sql = "SELECT 1"', 'file = "../secret.sql"'))
    with pytest.raises(PlanError, match="outside the plan's folder"):
        reading.load("tiny", tmp_path)


def test_a_plan_and_its_file_have_one_name(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD)
    with pytest.raises(PlanError, match="line 2: id: the plan is called 'tiny', and its file is not"):
        reading.load("other", tmp_path)


def test_an_unknown_plan_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(GOOD)
    with pytest.raises(UnknownPlan) as caught:
        reading.load("tinny", tmp_path)
    assert caught.value.hint == "Did you mean tiny?"


def test_an_unknown_step_lists_the_known() -> None:
    with pytest.raises(UnknownStep) as caught:
        read(GOOD).item("three")
    assert caught.value.hint == "It has: one, fine"


@pytest.mark.parametrize("path", reading.catalogue(), ids=lambda path: path.stem)
def test_every_plan_of_the_repository_is_right(path: Path) -> None:
    plan = reading.load(str(path))
    assert plan.id == path.stem
    for item in plan.items:
        assert plan.script(item).strip()
