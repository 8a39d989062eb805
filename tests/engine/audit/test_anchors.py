"""Anchors go outside the database, and come back as they were (FM-G7)."""

from __future__ import annotations

import json
import socket
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from console.engine.audit import anchors
from console.engine.audit.anchors import Anchor
from console.engine.errors import AnchorRefused
from db.session import Target
from tests.driving import ask
from tests.engine.audit.tampering import said

pytestmark = pytest.mark.newest
ONE = Anchor("5f0c1111-2222-4333-8444-555566667777", 12, "ab" * 32, "2026-11-21T14:00:00+00:00", "sho/p")
TWO = Anchor(ONE.target, 13, "cd" * 32, "2026-11-21T15:00:00+00:00", ONE.database)


@pytest.fixture(autouse=True)
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "anchors" / ONE.target / "sho%2Fp.jsonl"


def test_the_head_is_the_last_event(sample: Target) -> None:
    with sample.session() as session:
        assert (anchors.head(session).count, anchors.head(session).hash) == (0, "")
    said(sample, 3)
    with sample.session() as session:
        head = anchors.head(session)
    assert head.count == 3
    assert head.hash == ask(sample, "SELECT encode(hash, 'hex') FROM handrail.event WHERE id = 3")
    assert head.target == str(ask(sample, "SELECT identity FROM handrail.target"))
    assert head.at.endswith("+00:00")
    assert head.database == sample.parameters["dbname"]


def test_a_copy_has_anchors_of_its_own(outside: Path) -> None:
    copy = replace(ONE, database="copy")
    assert anchors.keep(ONE) == anchors.keep(copy) == []
    assert anchors.read(outside) == [ONE]
    assert anchors.read(anchors.file_of(copy)) == [copy]


def test_a_line_without_a_database_is_an_anchor_too(outside: Path) -> None:
    anchors.keep(ONE)
    outside.write_text(json.dumps({name: value for name, value in asdict(ONE).items() if name != "database"}))
    assert anchors.read(outside) == [replace(ONE, database="")]


def test_what_is_kept_is_read_and_nobody_else_may(outside: Path) -> None:
    assert anchors.keep(ONE) == anchors.keep(TWO) == []
    assert anchors.read(outside) == [ONE, TWO]
    assert outside.stat().st_mode & 0o777 == 0o600
    assert outside.parent.stat().st_mode & 0o777 == 0o700


def test_a_line_that_was_cut_off_does_not_spoil_the_next(outside: Path) -> None:
    anchors.keep(ONE)
    outside.write_text(outside.read_text() + ONE.line()[:40])
    anchors.keep(TWO)
    assert outside.read_text().splitlines()[-1] == TWO.line()
    with pytest.raises(AnchorRefused, match="line 2, is no anchor"):
        anchors.read(outside)


BROKEN = {
    "no JSON": "anchor",
    "no object": "[1]",
    "a key is missing": '{"target": "5f0c1111-2222-4333-8444-555566667777"}',
    "the target is no identity": ONE.line().replace(ONE.target, "sample"),
    "the target is a number": ONE.line().replace(f'"{ONE.target}"', "7"),
    "the count is no number": ONE.line().replace("12,", '"12",'),
    "the count is a yes": ONE.line().replace("12,", "true,"),
    "the hash is short": ONE.line().replace("abab", "ab"),
    "the hash is no hex": ONE.line().replace("abab", "wxyz"),
    "the time is no time": ONE.line().replace("2026-11", "soon"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_malformed_file_is_one_line(tmp_path: Path, what: str) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text(f"{TWO.line()}\n\n{BROKEN[what]}\n")
    with pytest.raises(AnchorRefused, match=r"kept.jsonl, line 3, is no anchor\.") as refused:
        anchors.read(file)
    assert (refused.value.exit_code, "\n" in str(refused.value)) == (2, False)


def test_a_file_without_anchors_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, why in (
        ("empty", "no anchor in"),
        ("binary", "not text"),
        ("none", "cannot be read"),
        ("", "cannot be read"),
    ):
        with pytest.raises(AnchorRefused, match=why):
            anchors.read(tmp_path / name)


def test_what_audit_anchor_prints_with_more_keys_is_read(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text(json.dumps({"version": 1, **json.loads(ONE.line())}))
    assert anchors.read(tmp_path / "kept") == [ONE]


def test_a_folder_that_takes_nothing_is_a_warning(outside: Path) -> None:
    outside.parent.parent.mkdir(parents=True)
    outside.parent.write_text("in the way")
    (warning,) = anchors.keep(ONE)
    assert warning == f"The anchor is not kept in {outside}: File exists."


def test_a_command_is_given_the_line(tmp_path: Path) -> None:
    """Without a shell: what looks like one is a word."""
    given = tmp_path / "given; touch x"
    script = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    assert anchors.keep(ONE, command=f'{sys.executable} -c "{script}" "{given}"') == []
    assert given.read_text() == f"{ONE.line()}\n"


COMMANDS = {
    f"{sys.executable} -c 'import sys; sys.exit(\"no\\nroom\")'": "the command ended with 1 no room.",
    "/nowhere/at-all": "No such file or directory",
    "sh -c 'unclosed": "No closing quotation",
    "sleep 60": "the command took longer than 0.3 s.",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_fails_is_a_warning(outside: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "COMMAND_SECONDS", 0.3 if command == "sleep 60" else 10)
    (warning,) = anchors.keep(ONE, command=command)
    assert warning.startswith("The anchor is not handed over: ")
    assert COMMANDS[command] in warning
    assert "\n" not in warning
    assert anchors.read(outside) == [ONE]


def test_syslog_is_given_the_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "log")
    monkeypatch.setattr(anchors, "SYSLOGS", (address,))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(address)
        assert anchors.keep(ONE, syslog=True) == []
        log.settimeout(5)
        heard = log.recv(4096)
    assert heard.rstrip(b"\0").endswith(f"handrail anchor {ONE.line()}".encode())


def test_no_syslog_is_a_warning(outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchors, "SYSLOGS", (str(tmp_path / "none"),))
    (warning,) = anchors.keep(ONE, syslog=True)
    assert warning.startswith("The anchor is not in syslog: ")
    assert anchors.read(outside) == [ONE]
