"""A report lies where it was wanted, for its owner to read, and never over what nobody meant."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.engine import report
from console.engine.report.keeping import NotWritten, put
from db.session import Target
from tests.engine.report import scenes

pytestmark = pytest.mark.newest


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    put(tmp_path / "a.md", "words\n")
    assert ((tmp_path / "a.md").read_text(), mode(tmp_path / "a.md")) == ("words\n", 0o600)


def test_a_file_that_is_there_stays_without_force(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("before")
    with pytest.raises(NotWritten, match="already"):
        put(file, "after")
    assert file.read_text() == "before"


def test_with_force_it_is_replaced_and_private(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("before")
    file.chmod(0o644)
    put(file, "after", force=True)
    assert (file.read_text(), mode(file), list(tmp_path.iterdir())) == ("after", 0o600, [file])


@pytest.mark.parametrize("force", [False, True])
def test_a_link_is_not_followed(tmp_path: Path, force: bool) -> None:
    (tmp_path / "kept").write_text("before")
    (tmp_path / "a.md").symlink_to(tmp_path / "kept")
    with pytest.raises(NotWritten):
        put(tmp_path / "a.md", "after", force=force)
    assert (tmp_path / "kept").read_text() == "before"


def test_a_device_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotWritten, match="no plain file"):
        put(tmp_path / "pipe", "words", force=True)


def test_a_folder_that_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match=r"There is no folder .*/gone\.") as told:
        put(tmp_path / "gone" / "a.md", "words")
    assert "\n" not in str(told.value)


def test_both_renderings_lie_beside_each_other(sample: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    scenes.check_failed(sample)
    document = scenes.told(sample)
    files = report.keep(document)
    assert [file.name for file in files] == [
        f"sample-run-1-{document.about.written_at:%Y%m%dT%H%M%SZ}.{end}" for end in ("md", "html")
    ]
    assert {mode(file) for file in files} == {0o600}
    assert mode(tmp_path / "reports") == 0o700
    assert files[0].read_text().startswith("# Run 1: Tiny\n")
    assert files[1].read_text().startswith("<!DOCTYPE html>\n")
