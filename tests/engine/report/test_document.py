"""A report says what the journal holds, and nothing else (issue 6, point 8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from psycopg.types.json import Jsonb

from console.engine import journey, report, retrying
from console.engine.errors import UnknownRun
from console.engine.plan import Plan
from console.engine.report import gathering
from console.engine.report.document import Document
from console.engine.report.html import html
from console.engine.report.incident import incident
from console.engine.report.markdown import markdown
from console.engine.report.wording import moment
from db import journal
from db.errors import RightMissing
from db.session import Target
from tests.driving import ask, begun, drive, sending, session_of
from tests.dying import killed_in
from tests.engine.audit.tampering import tamper
from tests.engine.report import origins, scenes
from tests.engine.report.scenes import SECRET, told
from tests.screens.gatekept import answered, deciding
from tests.staffed import as_login, taken_back

pytestmark = pytest.mark.newest
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def decided(gated: Target) -> int:
    taken_back(gated)
    number = deciding(gated)
    answered(gated, number, way="replace", hours=4)
    answered(gated, number, hours=5)
    return number


def fired(target: Target) -> int:
    number = scenes.check_failed(target)
    ask(target, "INSERT INTO handrail.gauge (run_id, trigger, armed, value, at_most, samples, over, said) "
                "VALUES (1, 'lag', true, 12.5, 5, '{1, 12.5}', 1, 'one replica')")  # fmt: skip
    with target.session() as session:
        journal.record(session, "trigger fired", number, "one", trigger="lag", told="12.5 s, at most 5 s", do="stop")
    return number


def tried(target: Target) -> int:
    number = begun(target, sending("ALTER TABLE person ADD COLUMN more int"))
    with pytest.MonkeyPatch.context() as patch, session_of(target) as other:
        patch.setattr(retrying, "LADDER", ((0.1, 0.1), (0.1, 0.2), (0.1, 0.0)))
        other.execute("LOCK TABLE person IN ACCESS SHARE MODE")
        with pytest.raises(Exception, match="tried 3 times"):
            drive(target, lambda here: journey.forward(here, number))
    return number


@pytest.fixture(params=[scenes.gate_passed, scenes.glass_broken, decided, scenes.check_failed, scenes.put_aside, fired,
                        tried], ids=lambda scene: scene.__name__)  # fmt: skip
def scene(request: pytest.FixtureRequest, gated: Target, sample: Target) -> tuple[Target, int]:
    play: Callable[[Target], int] = request.param
    target = gated if play in (scenes.gate_passed, scenes.glass_broken, decided) else sample
    return target, play(target)


def test_every_number_time_and_digest_is_the_journals(scene: tuple[Target, int]) -> None:
    target, run = scene
    found = [(place, value) for place, value in origins.leaves(told(target, run)) if place not in origins.NOW]
    assert len(found) > 15
    assert [(place, value) for place, value in found if not origins.journal_has(target, run, place, value)] == []


def test_every_time_that_is_written_is_one_of_the_document(scene: tuple[Target, int]) -> None:
    target, run = scene
    document = told(target, run)
    times = {moment(value) for place, value in origins.leaves(document) if place.endswith(("at", "until"))}
    for written in (markdown(document), html(document), incident(document)):
        assert len(TIME.findall(written)) >= 2
        assert set(TIME.findall(written)) <= times


def test_a_gate_keeps_its_reject_beside_the_later_sign_offs(gated: Target) -> None:
    scenes.gate_passed(gated)
    (gate,) = told(gated).gates
    assert [(one.measurement, one.role, one.decision, one.reason) for one in gate.signed] == [
        (1, "security", "reject", "two rows differ"),
        (2, "database administrator", "approve", ""),
        (2, "security", "approve", ""),
    ]
    assert (gate.state, gate.signed[1].person) == ("signed", "Dina Berg (dina)")
    assert told(gated).checkpoints[0].measurement == 2


def test_a_broken_gate_shows_both_reasons_and_who_looked(gated: Target) -> None:
    scenes.glass_broken(gated)
    (broken,) = told(gated).gates[0].broken
    assert (broken.reason, broken.why_not_wait) == ("the disk is full in an hour", "nobody of security answers")
    assert (broken.person, broken.acknowledged_by, broken.note) == (
        "Olu Adeyemi (olu)",
        "Amir Nasser (amir)",
        "looked into",
    )


def test_answers_are_the_newest(gated: Target) -> None:
    (answers,) = told(gated, decided(gated)).answers
    assert (answers.version, answers.answers) == (2, (("way", "replace"), ("hours", "5")))


def test_rows_at_fault_are_counted_and_never_quoted(sample: Target) -> None:
    scenes.check_failed(sample)
    document = told(sample)
    assert [(check.rows, check.passed, check.found) for check in document.checkpoints[0].checks] == [
        (3, False, "3 rows"), (0, True, "3")
    ]  # fmt: skip
    assert SECRET in ask(sample, "SELECT rows::text FROM handrail.verdict WHERE check_id = 'rows'")
    for written in (markdown(document), html(document), incident(document), str(document)):
        assert SECRET not in written
    assert "3 rows at fault in the journal, not quoted here" in markdown(document)


def test_a_rollback_says_what_was_kept_and_set_aside(sample: Target) -> None:
    scenes.put_aside(sample)
    back = told(sample).rollback
    assert [(kept.title, kept.rows, kept.rule) for kept in back.began[0].kept] == [("rows of one", 1, "set aside")]
    assert [one.step for one in back.undone] == ["one"]
    (one,) = told(sample).items
    assert one.began_at is not None
    assert one.began_at < back.began[0].at < back.undone[0].at  # what it began forwards, not what undid it
    assert (back.ended[0].schema, back.aside) == ("as before", (("public.one", 1),))
    assert back.ended[0].content == (("public.person", 3000, 3001),)
    assert "private" not in markdown(told(sample))


def test_what_was_tried_again_says_how_often_and_who_was_in_the_way(sample: Target) -> None:
    tried(sample)
    (again,) = told(sample).tried
    assert (again.step, again.times, len(again.blockers)) == ("one", 2, 1)
    assert re.fullmatch(r"pid \d+ postgres \(application\)", again.blockers[0])
    assert again.longest == ask(sample, "SELECT max((detail ->> 'wait')::float8) FROM handrail.event")


def test_gauges_and_what_fired(sample: Target) -> None:
    document = told(sample, fired(sample))
    assert [(one.trigger, one.value, one.at_most, one.over) for one in document.gauges] == [("lag", 12.5, 5.0, 1)]
    assert [(one.step, one.said) for one in document.fired] == [
        ("one", "do stop, told 12.5 s, at most 5 s, trigger lag")
    ]


def test_a_dump_is_named_with_its_checksum(sample: Target, small: Plan) -> None:
    number = begun(sample, small)
    drive(sample, lambda here: journey.forward(here, number, until="dump"))
    (dump,) = told(sample).backups
    assert dump.sha256 == ask(sample, "SELECT progress ->> 'sha256' FROM handrail.step_run WHERE step = 'dump'")
    assert str(dump.file).endswith(".dump")


def test_a_run_that_was_killed_in_a_step_says_what_is_known(sample: Target) -> None:
    number = begun(sample, sending("SELECT 1; SELECT 2; SELECT 3"))
    killed_in(sample, number, "one")
    ask(sample, "UPDATE handrail.step_run SET seconds = 7")  # as an attempt that failed before leaves it
    document = told(sample)
    (one,) = document.items
    assert (one.state, one.seconds, one.began_by) == ("running", None, "postgres")
    assert f"is running since {moment(one.since)}, and no end of it is recorded." in document.summary[1]
    assert "| 1.0 s | not recorded | - | 1 |" in markdown(document)
    assert "| ended | not recorded |" in markdown(document)


def test_what_a_step_took_is_said_of_the_way_there_alone(sample: Target) -> None:
    """Whatever became of its undo since: a failed one leaves its own time on the step."""
    number = begun(sample, sending("CREATE TABLE one (a int)"))
    drive(sample, lambda here: journey.forward(here, number))
    (before,) = told(sample).items
    ask(sample, "UPDATE handrail.step_run SET state = 'failed', seconds = 7, began_at = now(), ended_at = now()")
    (after,) = told(sample).items
    assert (after.seconds, after.ratio, after.began_at) == (before.seconds, before.seconds, before.began_at)
    assert (after.state, before.ratio) == ("failed", before.seconds)


def test_where_the_journal_is_silent_so_is_the_report(sample: Target) -> None:
    scenes.put_aside(sample)
    tamper(sample, "DELETE FROM handrail.event", "DELETE FROM handrail.set_aside",
           "UPDATE handrail.head SET count = 0, hash = ''")  # fmt: skip
    document = told(sample)
    assert document.items[0].began_by is None
    assert document.rollback == replace(document.rollback, began=(), undone=(), ended=(), aside=())
    assert "No rollback is recorded." in markdown(document)
    assert "whether the schema is as before is not recorded" in document.summary[2]
    assert "| last event | not recorded |" in markdown(document)


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("rollback began", {"kept": 7}), ("rollback began", {"kept": [1, {"rows": "many"}]}),
        ("run rolled back", {"differs": "x", "content": {"a": [1], "b": ["x", 2], "c": 3}}), ("tried again", {"wait": "x"}),
        ("tried again", {"blockers": [1, None, {}]}), ("preflight", {"warnings": {"a": 1}}), ("step done", {"sha256": 1}),
        ("trigger fired", {"a": {"b": [{"c": None}]}}), ("step undone", {"seconds": [1]}),
    ],
)  # fmt: skip
def test_an_event_of_another_shape_stops_no_report(sample: Target, kind: str, detail: dict[str, object]) -> None:
    """Whoever may run plans may say events with psql, too."""
    number = begun(sample, sending("SELECT 1"))
    with session_of(sample) as connection:
        connection.execute(
            "INSERT INTO handrail.event (run_id, kind, detail) VALUES (%s, %s, %s)", (number, kind, Jsonb(detail))
        )
        connection.commit()
    document = told(sample)
    assert markdown(document)
    assert html(document)
    assert incident(document)


def test_the_chain_is_verified_where_that_is_cheap(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    scenes.check_failed(sample)
    assert told(sample).audit.whole is True
    tamper(sample, "UPDATE handrail.event SET by_login = 'eve' WHERE id = 2")
    audit = told(sample).audit
    assert (audit.whole, audit.faults) == (False, 1)
    monkeypatch.setattr(gathering, "CHEAP", 3)
    assert told(sample).audit.whole is None
    assert "| verified | not here: handrail audit verify |" in markdown(told(sample))


def test_a_run_that_there_is_not(sample: Target) -> None:
    with pytest.raises(UnknownRun, match="There is no run 7"):
        told(sample, 7)


def test_support_may_not_read_the_journal(gated: Target) -> None:
    with pytest.raises(RightMissing), as_login(gated, "support1").session() as session:
        report.gathered(session, 1)


def test_an_auditor_may(gated: Target) -> None:
    document: Document
    with as_login(gated, "audit1").session() as session:
        document = report.gathered(session, 1)
    assert document.about.state == "paused"
    assert "Before it: fine: waits for database administrator, security." in document.summary[2]
