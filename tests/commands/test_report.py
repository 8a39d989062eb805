"""report, as a shell sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from db.session import Target
from tests.commands.calling import Said
from tests.engine.report import scenes
from tests.staffed import as_login

pytestmark = pytest.mark.newest


@pytest.fixture
def report(handrail: Callable[..., Said], sample: Target) -> Callable[..., Said]:
    scenes.check_failed(sample)
    return lambda *words: handrail("--target", sample.url, "report", *words)


def test_markdown_on_standard_output(report: Any) -> None:
    said = report("1")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("# Run 1: Tiny\n\n## The run\n")
    headings = [line for line in said.out.splitlines() if line.startswith("## ")]
    assert headings == [f"## {title}" for title in (
        "The run", "Summary", "Steps and checkpoints", "Checkpoints", "Gates and sign-offs", "Decisions", "Triggers",
        "Tried again", "Preflight", "Drift, takeovers, lost connections, steps mended by hand", "Rollback", "Backups",
        "Audit",
    )]  # fmt: skip


def test_html_on_standard_output(report: Any) -> None:
    said = report("1", "--format", "html")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("<!DOCTYPE html>")
    assert said.out.endswith("</body></html>\n")


def test_one_document(report: Any) -> None:
    (document,) = report("1", "--json").documents
    assert (document["version"], document["about"]["run"], document["about"]["state"]) == (1, 1, "failed")
    assert [check["rows"] for check in document["checkpoints"][0]["checks"]] == [3, 0]
    assert document["about"]["started_at"].endswith("+00:00")
    assert len(document["summary"]) == 3


def test_into_a_file(report: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.html"
    said = report("1", "--format", "html", "--out", str(file))
    assert (said.code, said.out, said.err) == (0, "", f"The report of run 1 is in {file}.\n")
    assert file.read_text().startswith("<!DOCTYPE html>")
    assert file.stat().st_mode & 0o777 == 0o600


def test_json_into_a_file(report: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    assert report("1", "--json", "--out", str(file)).out == ""
    assert json.loads(file.read_text())["about"]["plan"] == "tiny"


def test_a_file_that_is_there_wants_force(report: Any, tmp_path: Path) -> None:
    file = tmp_path / "run.md"
    file.write_text("before")
    said = report("1", "--out", str(file))
    assert (said.code, said.out, len(said.err.splitlines()), file.read_text()) == (2, "", 1, "before")
    assert report("1", "--out", str(file), "--force").code == 0
    assert file.read_text().startswith("# Run 1")


def test_a_folder_that_is_missing_is_one_line(report: Any, tmp_path: Path) -> None:
    said = report("1", "--out", str(tmp_path / "gone" / "run.md"))
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"handrail: There is no folder {tmp_path / 'gone'}.")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [("7",), ("7", "--json"), ("7", "--format", "html")])
def test_a_run_that_there_is_not(report: Any, words: tuple[str, ...]) -> None:
    said = report(*words)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "There is no run 7 on this target." in said.err


def test_who_may_not_read_the_journal_is_refused_in_one_line(
    handrail: Callable[..., Said], gated: Target, tmp_path: Path
) -> None:
    support = as_login(gated, "support1")
    said = handrail("--target", support.url, "report", "1", "--out", str(tmp_path / "run.md"))
    assert (said.code, said.out, len(said.err.splitlines())) == (6, "", 1)
    assert "This login has not the right" in said.err
    assert list(tmp_path.iterdir()) == []
