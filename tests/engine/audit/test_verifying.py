"""Whatever is done to the chain behind the journal's back is found and named (I-7, FM-G6 to FM-G13)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from console.engine import journey
from console.engine.audit import anchors, verifying, walking
from console.engine.audit.anchors import Anchor
from console.engine.audit.verifying import Verified
from console.engine.errors import AnchorRefused
from console.engine.plan import Plan
from db import journal
from db.errors import RightMissing
from db.queries import chain
from db.session import Target
from tests.driving import ask, done, drive
from tests.engine.audit.tampering import HEAD_FITS, MAKE_ANEW, faults, said, signed, tamper, verified

INSERT = "INSERT INTO handrail.event (id, run_id, step, kind, detail, by_login, at, hash) "
RENUMBER = "UPDATE handrail.event SET id = -id WHERE id > {0}; UPDATE handrail.event SET id = {1} - id WHERE id < 0"
SWAP = "UPDATE handrail.event SET id = -{0} WHERE id = {0}; UPDATE handrail.event SET id = {0} WHERE id = {1}; UPDATE handrail.event SET id = {1} WHERE id = -{0}"

# What is done to twelve events, and what is found
TAMPERED: dict[str, tuple[list[str], list[tuple[str, int | None]]]] = {
    "a detail edited": (["UPDATE handrail.event SET detail = '{\"number\": 50}' WHERE id = 5"], [("edited", 5)]),
    "a login edited": (["UPDATE handrail.event SET by_login = 'eve' WHERE id = 1"], [("edited", 1)]),
    "a time edited": (["UPDATE handrail.event SET at = at + interval '1 us' WHERE id = 12"], [("edited", 12)]),
    "a time without end": (["UPDATE handrail.event SET at = 'infinity' WHERE id = 7"], [("edited", 7)]),
    "a step where there was none": (["UPDATE handrail.event SET step = '' WHERE id = 7"], [("edited", 7)]),
    "a hash edited": (["UPDATE handrail.event SET hash = sha256('x') WHERE id = 5"], [("edited", 5)]),
    "a hash taken away": (["ALTER TABLE handrail.event ALTER hash DROP NOT NULL", "UPDATE handrail.event SET hash = NULL WHERE id = 5"], [("edited", 5)]),
    "an event and its hash edited": (["UPDATE handrail.event SET kind = 'x' WHERE id = 5", "UPDATE handrail.event n SET hash = sha256(b.hash || convert_to(handrail.canonical(n), 'UTF8')) FROM handrail.event b WHERE n.id = 5 AND b.id = 4"], [("edited", 6)]),
    "one edited, hashed as if it were the first": (["UPDATE handrail.event SET kind = 'x' WHERE id = 12", "UPDATE handrail.event e SET hash = sha256(convert_to(handrail.canonical(e), 'UTF8')) WHERE id = 12", HEAD_FITS], [("edited", 12)]),
    "two edited, each hashed after the other": (["UPDATE handrail.event SET kind = 'x' WHERE id > 10", "UPDATE handrail.event n SET hash = sha256(b.hash || convert_to(handrail.canonical(n), 'UTF8')) FROM handrail.event b WHERE n.id = 12 AND b.id = 10", "UPDATE handrail.event n SET hash = sha256(b.hash || convert_to(handrail.canonical(n), 'UTF8')) FROM handrail.event b WHERE n.id = 11 AND b.id = 12", HEAD_FITS], [("edited", 11), ("edited", 12)]),
    "two edited": (["UPDATE handrail.event SET kind = 'x' WHERE id IN (3, 9)"], [("edited", 3), ("edited", 9)]),
    "the first deleted": (["DELETE FROM handrail.event WHERE id = 1"], [("deleted", 1)]),
    "one deleted": (["DELETE FROM handrail.event WHERE id = 5"], [("deleted", 5)]),
    "three deleted": (["DELETE FROM handrail.event WHERE id BETWEEN 5 AND 7"], [("deleted", 5)]),
    "one deleted, renumbered": (["DELETE FROM handrail.event WHERE id = 5", RENUMBER.format(5, -1), HEAD_FITS], [("deleted", 5)]),
    "one inserted, renumbered": ([RENUMBER.format(5, 1), INSERT + "SELECT 6, run_id, step, 'x', detail, by_login, at, sha256('x') FROM handrail.event WHERE id = 5", HEAD_FITS], [("inserted", 6)]),
    "one inserted that fits": ([RENUMBER.format(5, 1), INSERT + "SELECT 6, run_id, step, 'x', detail, by_login, at, hash FROM handrail.event WHERE id = 5", "UPDATE handrail.event n SET hash = sha256(b.hash || convert_to(handrail.canonical(n), 'UTF8')) FROM handrail.event b WHERE n.id = 6 AND b.id = 5", HEAD_FITS], [("inserted", 6)]),
    "one inserted at the end": ([INSERT + "SELECT 13, run_id, step, 'x', detail, by_login, at, hash FROM handrail.event WHERE id = 5", "UPDATE handrail.event n SET hash = sha256(b.hash || convert_to(handrail.canonical(n), 'UTF8')) FROM handrail.event b WHERE n.id = 13 AND b.id = 12"], [("inserted", 13)]),
    "one inserted before all": ([INSERT + "SELECT 0, run_id, step, 'x', detail, by_login, at, hash FROM handrail.event WHERE id = 5"], [("inserted", 0)]),
    "one there twice": (["ALTER TABLE handrail.event DROP CONSTRAINT event_pkey", INSERT + "SELECT id, run_id, step, 'x', detail, by_login, at, hash FROM handrail.event WHERE id = 5"], [("inserted", 5)]),
    "two neighbours changed places": ([SWAP.format(5, 6)], [("reordered", 5), ("reordered", 6)]),
    "two changed places": ([SWAP.format(3, 9)], [("reordered", 3), ("reordered", 9)]),
    "the end cut off": (["DELETE FROM handrail.event WHERE id > 9"], [("cut", 10)]),
    "all cut off": (["DELETE FROM handrail.event"], [("cut", 1)]),
    "another head": (["UPDATE handrail.head SET hash = sha256('x')"], [("head", 12)]),
    "no head": (["DELETE FROM handrail.head"], [("head", None)]),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
@pytest.mark.newest
def test_tampering_is_found_and_named(sample: Target, what: str) -> None:
    said(sample, 12)
    assert faults(sample) == []
    statements, found = TAMPERED[what]
    tamper(sample, *statements)
    assert faults(sample) == found


@pytest.mark.newest
def test_an_end_cut_off_with_the_head_is_found_by_an_anchor(sample: Target) -> None:
    """FM-G9"""
    said(sample, 12)
    anchor = now(sample)
    tamper(sample, "DELETE FROM handrail.event WHERE id > 9", HEAD_FITS)
    assert faults(sample) == []
    assert faults(sample, [anchor]) == [("cut", 10)]


@pytest.mark.newest
def test_a_chain_made_anew_is_found_by_an_anchor(sample: Target) -> None:
    """FM-G7"""
    said(sample, 4)
    before = now(sample)
    said(sample, 8)
    kept = [before, now(sample), now(sample)]
    tamper(sample, "UPDATE handrail.event SET detail = '{}' WHERE id = 7", MAKE_ANEW)
    assert faults(sample) == []
    assert faults(sample, [before]) == []
    assert faults(sample, kept) == [("remade", 12)]


@pytest.mark.newest
def test_anchors_fit_a_chain_that_goes_on(sample: Target) -> None:
    kept = [now(sample)]
    for _ in range(3):
        said(sample, 2)
        kept.append(now(sample))
    said(sample, 1)
    assert faults(sample, kept) == []


@pytest.mark.newest
def test_an_anchor_of_another_target_is_refused(sample: Target) -> None:
    other = Anchor("00000000-0000-0000-0000-000000000000", 0, "", "2026-11-21T14:00:00+00:00", "")
    with pytest.raises(AnchorRefused, match="00000000"):
        verified(sample, [other])


@pytest.mark.newest
def test_many_faults_are_counted_and_the_first_listed(sample: Target) -> None:
    said(sample, 60)
    tamper(sample, "UPDATE handrail.event SET kind = 'x' WHERE id > 10")
    found = verified(sample)
    assert [fault.event for fault in found.faults] == list(range(11, 31))
    assert found.more == 30


@pytest.mark.newest
def test_functions_of_the_database_are_not_believed(sample: Target) -> None:
    """Who can edit a row can replace what would judge it, or put another function before PostgreSQL's own."""
    said(sample, 3)
    tamper(sample, "UPDATE handrail.event SET kind = 'x' WHERE id = 2")
    tamper(
        sample,
        "CREATE OR REPLACE FUNCTION handrail.canonical(said handrail.event) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
        "CREATE OR REPLACE FUNCTION handrail.part(value text) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
        "CREATE FUNCTION public.length(text) RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
    )
    sample.close()
    assert faults(sample) == [("edited", 2)]


@pytest.mark.newest
def test_a_policy_that_hides_rows_is_an_error(sample: Target) -> None:
    """Otherwise an auditor would be shown a part, and told that it is the whole."""
    said(sample, 3)
    auditor = ask(sample, "SELECT 'auditor of ' || current_database()")
    ask(sample, f'CREATE ROLE "{auditor}"')
    try:
        ask(sample, f'GRANT USAGE ON SCHEMA handrail TO "{auditor}"')
        ask(sample, f'GRANT SELECT ON ALL TABLES IN SCHEMA handrail TO "{auditor}"')
        assert verified_by(sample, auditor).whole
        ask(sample, "ALTER TABLE handrail.sign_off ENABLE ROW LEVEL SECURITY")
        with pytest.raises(RightMissing, match="row-level security"):
            verified_by(sample, auditor)
    finally:
        ask(sample, f'DROP OWNED BY "{auditor}"')
        ask(sample, f'DROP ROLE "{auditor}"')


def test_the_bytes_are_those_that_the_database_hashes(sample: Target) -> None:
    odd: list[tuple[str | None, dict[str, Any]]] = [
        (None, {}), ("", {"a": ""}), ("Größe – 目", {"ключ": "\u200d👩‍🚀", "b": [1.50, 1e22, -0.0, 1e-7, None, True]}),
        ("3:abc", {"n": 12345678901234567890123, "deep": {"x": [{}, []]}}), ("long", {"text": "é" * 100_000}),
        ("'", {"lines": "a\nb\t\\ \" \x7f\x9b"}),
    ]  # fmt: skip
    with sample.session() as session:
        for step, detail in odd:
            journal.record(session, "odd", None, step, **detail)
    with sample.session() as session:
        theirs = session.execute(
            text("SELECT id, hash, convert_to(handrail.canonical(e), 'UTF8') FROM handrail.event e ORDER BY id")
        )
        assert list(chain.events(session)) == [tuple(row) for row in theirs]
    assert faults(sample) == []


def test_a_run_and_its_rollback_are_one_whole_chain(sample: Target, small: Plan) -> None:
    run = done(sample, small)
    drive(sample, lambda here: journey.back(here, run))
    found = verified(sample)
    assert found.whole
    assert found.events == ask(sample, "SELECT count(*) FROM handrail.event") > 20
    assert found.head == ask(sample, "SELECT encode(hash, 'hex') FROM handrail.head")


@pytest.mark.newest
@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "SQL_ASCII"])
@pytest.mark.parametrize(
    ("zone", "style"), [("UTC", "ISO"), ("Asia/Kathmandu", "German"), ("America/St_Johns", "SQL, DMY")]
)
def test_no_setting_of_the_session_changes_the_answer(sample: Target, zone: str, style: str, encoding: str) -> None:
    """FM-G10"""
    signed(sample)
    plain = verified(sample)
    assert plain.whole
    tamper(
        sample,
        "UPDATE handrail.sign_off SET reason = 'Größe 目'",
        "UPDATE handrail.event SET step = '目' WHERE kind = 'answered'",
    )
    plain = verified(sample)
    assert {fault.kind for fault in plain.faults} == {"sign-off", "edited", "row"}
    with sample.session() as session:
        session.execute(text(f"SET LOCAL TimeZone = '{zone}'; SET LOCAL DateStyle = '{style}';"
                             "SET LOCAL IntervalStyle = 'sql_standard'; SET LOCAL extra_float_digits = -5;"
                             f"SET LOCAL bytea_output = 'escape'; SET LOCAL client_encoding = '{encoding}'"))  # fmt: skip
        found = verifying.verify(session)
    assert (found.faults, found.head) == (plain.faults, plain.head)


def test_writers_at_once_make_no_fork(sample: Target) -> None:
    """FM-G8"""

    def write(writer: int) -> None:
        for number in range(200):
            with sample.session() as session:
                journal.record(session, "said", None, f"writer {writer}", number=number)

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(write, range(8)))
    found = verified(sample)
    assert (found.events, found.faults) == (1600, [])


@pytest.mark.newest
def test_what_is_rolled_back_leaves_no_gap(sample: Target) -> None:
    """FM-G13"""
    said(sample, 2)
    with sample.session() as session:
        journal.record(session, "never")
        session.rollback()
    said(sample, 2)
    found = verified(sample)
    assert (found.events, found.faults) == (4, [])


@pytest.mark.newest
def test_who_reads_and_who_writes_do_not_wait_for_each_other(sample: Target) -> None:
    said(sample, 3)
    with sample.session() as writing:
        journal.record(writing, "not yet committed")
        assert verified(sample).events == 3
    with sample.session() as reading:
        chain.snapshot(reading)
        links = chain.events(reading)
        next(links)
        writer = threading.Thread(target=said, args=(sample, 5))
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
        assert 1 + len(list(links)) == 4
        assert chain.heads(reading)[0][0] == 4
    assert verified(sample).events == 9


@pytest.mark.newest
def test_who_interrupts_does_not_wait_for_the_rest(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    said(sample, 3000)
    heard: list[BaseException] = []

    def interrupted(_bytes: bytes) -> None:
        raise KeyboardInterrupt

    def verify() -> None:
        try:
            verified(sample)
        except KeyboardInterrupt as interrupt:
            heard.append(interrupt)

    with monkeypatch.context() as broken:
        broken.setattr(walking, "sha256", interrupted)
        verifier = threading.Thread(target=verify, daemon=True)
        verifier.start()
        verifier.join(20)
    assert len(heard) == 1
    assert verified(sample).whole


def verified_by(target: Target, role: str) -> Verified:
    with target.session() as session:
        session.execute(text(f'SET LOCAL ROLE "{role}"'))
        return verifying.verify(session)


def now(target: Target) -> Anchor:
    with target.session() as session:
        return anchors.head(session)
