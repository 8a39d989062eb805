"""What was found for other programs: nothing in it is computed, a line is a client, and the mask stays."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime

import pytest

from console.engine.clients import exporting, finding
from console.engine.clients.finding import Client, KnownField
from console.engine.sample.dirt import ESCAPES, FORMULA
from db.errors import RightMissing
from db.searching import Searching
from db.session import Target
from tests.driving import ask
from tests.staffed import as_login

pytestmark = pytest.mark.newest  # it is not the server that decides

FIELDS = [KnownField(name, name.title(), "words", True, False) for name in ("name", "company")]
HOSTILE = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    FORMULA,
    "\t=1",
    "\r=1",
    "\n=1",
    "a\n=1",
    "a\r\n=1,x",
    'a","=1',
    ' "=1',
    ESCAPES,
    "a,b;c",
)


def client(name: str, company: str = "x") -> Client:
    return Client(1, "id", "tenant", datetime.now(UTC), {"name": name, "company": company}, ())


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_a_spreadsheet_computes_nothing(hostile: str) -> None:
    """FM-E8: and no line end of a value begins a line."""
    found = list(exporting.lines([client(hostile, hostile), client("Ada")], FIELDS, "csv"))
    assert len(found) == 3
    text = "".join(f"{line}\r\n" for line in found)
    rows = list(csv.reader(text.splitlines()))
    assert rows[0] == ["client", "tenant", "name", "company"]
    assert [len(row) for row in rows] == [4, 4, 4]
    for cell in rows[1]:
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert not set(cell) & {"\x1b", "\x07", "\x9b", "\x9d"}


@pytest.mark.parametrize("hostile", [*HOSTILE, "é🦊\u202e"], ids=ascii)
def test_json_lines_are_whole_and_plain(hostile: str) -> None:
    (line,) = exporting.lines([client(hostile)], FIELDS, "jsonl")
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"client": "id", "tenant": "tenant", "name": hostile, "company": "x"}


def test_what_is_missing_is_an_empty_cell() -> None:
    nobody = Client(1, "id", "", None, {}, ())
    assert list(exporting.lines([nobody], FIELDS, "csv"))[1] == "id,,,"
    assert list(exporting.lines([], FIELDS, "csv")) == ["client,tenant,name,company"]
    assert list(exporting.lines([], FIELDS, "jsonl")) == []


def test_the_mask_stays_and_the_journal_says_who_took_what(full: Target) -> None:
    ask(full, "INSERT INTO clients_enhanced (name, company_name, email, phone) VALUES ('Exported', 'Blue Harbour GmbH',"
              " 'clear.value@example.com', '+49 30 123456')")  # fmt: skip
    mine = as_login(full, "support2")
    searching = Searching(mine)
    found = finding.find(searching, finding.read(searching, "exported"))
    with mine.session() as session:
        exporting.tell(session, "exported\x00\ud800", len(found.clients))
    for form in exporting.FORMATS:
        told = "\n".join(exporting.lines(found.clients, finding.fields(searching), form))
        assert "Exported" in told
        assert "clear.value" not in told
        assert "123456" not in told
    searching.close()
    said = ask(full, "SELECT jsonb_build_array(by_login, detail) FROM handrail.event WHERE kind = 'clients exported'")
    assert said == ["support2", {"asked": "exported\ufffd\ufffd", "rows": 1}]


def test_who_may_not_search_cannot_say_so(full: Target) -> None:
    with pytest.raises(RightMissing), as_login(full, "dba1").session() as session:
        exporting.tell(session, "x", 1)


def test_the_file_is_for_this_account_alone() -> None:
    first, second = (exporting.write([client("Ada")], FIELDS) for _ in range(2))
    assert first != second
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    assert first.read_bytes() == b"client,tenant,name,company\r\nid,tenant,Ada,x\r\n"
