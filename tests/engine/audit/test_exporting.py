"""The journal outside: nothing is lost in JSON, and nothing computes in a spreadsheet."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from console.engine.audit import exporting
from console.engine.audit.exporting import Row
from console.engine.errors import UnknownOperator, UnknownRun
from db import journal
from db.session import Target
from tests.driving import ask, begun, sending
from tests.engine.audit.tampering import said, tamper

pytestmark = pytest.mark.newest

PEOPLE = """
INSERT INTO handrail.person (id, name) VALUES ('anna', 'Anna');
INSERT INTO handrail.operator (login, person) VALUES ('anna_laptop', 'anna'), ('anna_old', 'anna');
UPDATE handrail.operator SET removed_at = now() WHERE login = 'anna_old'
"""


def exported(target: Target, **wanted: Any) -> list[Row]:
    with target.session() as session:
        return list(exporting.rows(session, **wanted))


def kinds(target: Target, **wanted: Any) -> list[str]:
    return [row.kind for row in exported(target, **wanted)]


def test_all_events_in_order(sample: Target) -> None:
    said(sample, 5)
    rows = exported(sample)
    assert [row.id for row in rows] == [1, 2, 3, 4, 5]
    assert (rows[0].kind, json.loads(rows[0].detail), rows[0].by) == ("kind 1", {"number": 1}, "postgres")
    at = ask(sample, "SELECT at FROM handrail.event WHERE id = 1")
    assert rows[0].at == at.astimezone(UTC).isoformat(timespec="microseconds")


def test_of_one_run(sample: Target) -> None:
    said(sample, 2)
    run = begun(sample, sending("SELECT 1"))
    assert kinds(sample, run=run)[0] == "run began"
    assert {row.run for row in exported(sample, run=run)} == {run}
    with pytest.raises(UnknownRun):
        exported(sample, run=run + 1)


def test_of_one_person_with_all_their_logins(sample: Target) -> None:
    """Also one that was taken away; a login that is nobody's is a person of its own."""
    ask(sample, PEOPLE)
    before = len(exported(sample))
    said(sample, 4)
    for number, login in ((1, "anna_laptop"), (2, "anna_old"), (3, "anna")):
        tamper(sample, f"UPDATE handrail.event SET by_login = '{login}' WHERE id = {before + number}")
    assert kinds(sample, person="anna") == ["kind 1", "kind 2", "kind 3"]
    assert kinds(sample, person="postgres")[-1] == "kind 4"
    with pytest.raises(UnknownOperator, match="'ana'"):
        exported(sample, person="ana")


def test_of_one_kind_and_of_a_time(sample: Target) -> None:
    said(sample, 4)
    times = [datetime.fromisoformat(row.at) for row in exported(sample)]
    assert kinds(sample, kind="kind 2") == ["kind 2"]
    assert kinds(sample, since=times[1]) == ["kind 2", "kind 3", "kind 4"]
    assert kinds(sample, until=times[1]) == ["kind 1"]
    assert kinds(sample, since=times[1], until=times[3]) == ["kind 2", "kind 3"]
    assert kinds(sample, since=times[3] + timedelta(seconds=1)) == []


def test_the_time_zone_of_the_database_does_not_matter(sample: Target) -> None:
    said(sample, 1)
    plain = exported(sample)
    with sample.session() as session:
        session.execute(text("SET LOCAL TimeZone = 'Asia/Kathmandu'"))
        assert list(exporting.rows(session)) == plain


def test_json_lines_hold_what_the_hash_covers(sample: Target) -> None:
    """From the export alone, without a database, the chain can be followed."""
    with sample.session() as session:
        journal.record(session, "odd", None, "Größe 目", words='\x9b31m " \\ 👩 \u2028', numbers=[1.50, 1e-7, 10**30])
        session.execute(
            text("INSERT INTO handrail.event (kind, detail) VALUES ('exact', '{\"n\": 1.500000000000000000001}')")
        )
    before = b""
    with sample.session() as session:
        for line in exporting.json_lines(exporting.rows(session)):
            assert line.isascii()
            assert line.isprintable()
            event = json.loads(line)
            before = follow(before, event, line)
    assert before.hex() == ask(sample, "SELECT encode(hash, 'hex') FROM handrail.head")


def follow(before: bytes, event: dict[str, Any], line: str) -> bytes:
    """The hash of an exported event, from its own fields; `detail` is taken as it is written."""
    written = line[line.index('"detail": ') + len('"detail": ') : line.rindex(', "hash"')]
    detail = re.sub(r"(?:\\u[0-9a-f]{4})+", lambda escaped: json.loads(f'"{escaped[0]}"'), written)
    micros = (datetime.fromisoformat(event["at"]) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    values = [event["id"], event["run"], event["step"], event["kind"], detail, event["by"], micros]
    said = "".join("-" if value is None else f"{len(str(value))}:{value}" for value in values)
    found = hashlib.sha256(before + said.encode()).digest()
    assert found.hex() == event["hash"]
    return found


CELLS = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "'\t=1",
    "\r=1": "'\u240d=1",
    "\u200d=1": "'=1",
    "a\x1b[31mb": "a\u241b[31mb",
    "two\nlines, \"quoted\"": "two\nlines, \"quoted\"",
    "1-1": "1-1",
    "Größe": "Größe",
}  # fmt: skip


@pytest.mark.parametrize("step", CELLS)
def test_no_cell_is_a_formula(sample: Target, step: str) -> None:
    with sample.session() as session:
        journal.record(session, "said", None, step)
    with sample.session() as session:
        lines = list(exporting.csv_lines(exporting.rows(session)))
    names, cells = csv.reader(lines)
    assert names == list(Row._fields)
    assert dict(zip(names, cells, strict=True))["step"] == CELLS[step]
    assert dict(zip(names, cells, strict=True))["run"] == ""


def test_rows_come_as_they_are_read(sample: Target) -> None:
    """A journal of any length is exported in little memory: by a cursor of the server."""
    said(sample, 3)
    with sample.session() as session:
        rows = exporting.rows(session)
        next(rows)
        assert session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1
