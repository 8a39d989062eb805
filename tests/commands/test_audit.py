"""audit verify, export, anchor, as a shell sees them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.settings import Settings
from db.session import Target
from tests.commands.calling import Said
from tests.driving import ask
from tests.engine.audit.tampering import HEAD_FITS, said, signed, tamper

pytestmark = pytest.mark.newest


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample: Target) -> Path:
    """Where the anchors of the sample would be kept."""
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    return (
        tmp_path
        / "anchors"
        / str(ask(sample, "SELECT identity FROM handrail.target"))
        / f"{sample.parameters['dbname']}.jsonl"
    )


@pytest.fixture
def audit(handrail: Callable[..., Said], sample: Target) -> Callable[..., Said]:
    return lambda *words: handrail("--target", sample.url, "audit", *words)


@pytest.mark.parametrize("words", [(), ("verify",)])
def test_a_whole_chain(audit: Any, sample: Target, words: tuple[str, ...]) -> None:
    said(sample, 12)
    found = audit(*words)
    head = ask(sample, "SELECT left(encode(hash, 'hex'), 16) FROM handrail.head")
    assert (found.code, found.out) == (0, f"12 events, chain whole, head {head}\n")
    assert found.err.startswith("12 events in ")
    assert "a second" in found.err


def test_a_journal_without_events(audit: Any) -> None:
    found = audit("verify")
    assert (found.code, found.out) == (0, "0 events, chain whole, head none\n")


def test_each_fault_is_a_line(audit: Any, sample: Target) -> None:
    signed(sample)
    tamper(
        sample, "UPDATE handrail.event SET kind = E'\\x1b[2J' WHERE id = 2", "UPDATE handrail.sign_off SET reason = 'x'"
    )
    found = audit("verify")
    assert found.code == 1
    assert found.out.splitlines() == [
        "edited: event 2: it does not fit its hash: it was changed, or the hash before it",
        f"sign-off: event {ask(sample, 'SELECT max(id) FROM handrail.event')}: sign-off 1: it is not what its event says",
    ]
    assert "handrail: The journal is not what was written: 2 faults." in found.err


def test_what_is_not_listed_is_counted(audit: Any, sample: Target) -> None:
    said(sample, 30)
    tamper(sample, "UPDATE handrail.event SET kind = 'x'")
    found = audit("verify")
    assert (found.code, len(found.out.splitlines())) == (1, 20)
    assert "30 faults, of which 20 are listed." in found.err


def test_one_document(audit: Any, sample: Target) -> None:
    said(sample, 3)
    (whole,) = audit("verify", "--json").documents
    assert (whole["events"], whole["whole"], whole["faults"], whole["more"]) == (3, True, [], 0)
    tamper(sample, "DELETE FROM handrail.event WHERE id = 2")
    found = audit("verify", "--json")
    (broken,) = found.documents
    assert (found.code, broken["whole"]) == (1, False)
    assert broken["faults"] == [{"kind": "deleted", "event": 2, "text": "event 2 is missing"}]


def test_an_anchor_is_printed_kept_and_found_again(audit: Any, sample: Target, kept: Path) -> None:
    said(sample, 3)
    found = audit("anchor")
    assert (found.code, found.err, kept.read_text()) == (0, "", found.out)
    (anchor,) = found.documents
    assert (anchor["count"], anchor["hash"]) == (3, ask(sample, "SELECT encode(hash, 'hex') FROM handrail.head"))
    said(sample, 2)
    assert audit("verify", "--anchor", str(kept)).out.endswith(", 1 anchor fits\n")
    tamper(sample, "DELETE FROM handrail.event WHERE id > 2", HEAD_FITS)
    found = audit("verify", "--anchor", str(kept))
    assert (found.code, found.out.startswith("cut: event 3: there were 3 events when the anchor of 20")) == (1, True)


def test_kept_anchors_are_offered_and_not_used(audit: Any, sample: Target, kept: Path) -> None:
    assert "--anchor" not in audit("verify").err
    said(sample, 3)
    audit("anchor")
    tamper(sample, "DELETE FROM handrail.event WHERE id > 2", HEAD_FITS)
    found = audit("verify")
    assert (found.code, f"--anchor {kept}" in found.err) == (0, True)
    assert "these are kept here" not in audit("verify", "--anchor", str(kept)).err


def test_an_anchor_that_cannot_be_kept_is_printed_still(
    audit: Any, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.parent.parent.mkdir()
    kept.parent.write_text("in the way")
    monkeypatch.setenv("HANDRAIL_ANCHOR_COMMAND", "false")
    found = audit("anchor")
    assert (found.code, len(found.documents)) == (0, 1)
    assert [line.split(":")[1] for line in found.err.splitlines()] == [
        f" The anchor is not kept in {kept}", " The anchor is not handed over"
    ]  # fmt: skip


def test_the_command_of_the_environment_is_given_the_anchor(
    audit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDRAIL_ANCHOR_COMMAND", f"tee {tmp_path / 'given'}")
    assert audit("anchor").out == (tmp_path / "given").read_text()


@pytest.mark.parametrize(
    ("written", "meant"), [("1", True), ("yes", True), ("0", False), ("no", False), ("Off", False), ("", False)]
)
def test_syslog_is_a_yes_or_a_no(monkeypatch: pytest.MonkeyPatch, written: str, meant: bool) -> None:
    monkeypatch.setenv("HANDRAIL_ANCHOR_SYSLOG", written)
    assert Settings().anchor_syslog is meant


def test_a_file_that_is_none_and_one_of_another_target(audit: Any, tmp_path: Path) -> None:
    file = tmp_path / "kept.jsonl"
    file.write_text("anchor\n")
    found = audit("verify", "--anchor", str(file))
    assert (found.code, found.out, len(found.err.splitlines())) == (2, "", 1)
    anchor = {"target": "5f0c1111-2222-4333-8444-555566667777", "count": 0, "hash": "", "at": "2026-11-21T14:00:00Z"}
    file.write_text(json.dumps(anchor))
    found = audit("verify", "--anchor", str(file))
    assert (found.code, found.out) == (2, "")
    assert "5f0c1111" in found.err


def test_export(audit: Any, sample: Target) -> None:
    said(sample, 3)
    found = audit("export")
    assert [event["kind"] for event in found.documents] == ["kind 1", "kind 2", "kind 3"]
    assert list(found.documents[0]) == ["id", "at", "by", "person", "run", "step", "kind", "detail", "hash"]
    rows = list(csv.reader(audit("export", "--format", "csv").out.splitlines()))
    assert [row[6] for row in rows] == ["kind", "kind 1", "kind 2", "kind 3"]
    assert [event["id"] for event in audit("export", "--kind", "kind 2").documents] == [2]
    assert audit("export", "--since", "2100-01-01").out == ""


def test_an_export_of_nobody_is_an_error(audit: Any) -> None:
    assert (audit("export", "--person", "nobody").code, audit("export", "--run", "7").code) == (2, 2)
