"""p on the run screen: the report in two files, and where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.session import Target
from tests.screens.gatekept import somebody
from tests.screens.person import Person, console

pytestmark = pytest.mark.newest
Size = tuple[int, int]


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    return tmp_path / "reports"


async def wants_report(person: Person) -> None:
    await person.until(lambda: person.can("report"))
    await person.presses("p")


def files(folder: Path) -> list[tuple[Path, str]]:
    return [(file, file.read_text()) for file in sorted(folder.iterdir(), reverse=True)]


def in_the_way(folder: Path) -> None:
    folder.write_text("a file")


async def test_p_writes_both_and_says_where(url: str, size: Size, kept: Path) -> None:
    async with console(url, size) as person:
        await person.starts_run()
        await wants_report(person)
        await person.is_told(f"The report is in {kept}/sample-run-1-20")
        (first, written), (second, _) = files(kept)
        assert (first.suffix, second.suffix, first.stem) == (".md", ".html", second.stem)
        assert written.startswith("# Run 1: People get a lower-case e-mail")
        assert not person.app.driving


async def test_p_is_in_the_list_of_keys(url: str) -> None:
    async with console(url, (160, 50)) as person:
        await person.starts_run()
        await person.presses("question_mark")
        await person.sees("p Report: Writes the run's report to files")


async def test_what_cannot_be_written_is_one_notice(url: str, kept: Path) -> None:
    in_the_way(kept)
    async with console(url) as person:
        await person.starts_run()
        await wants_report(person)
        await person.is_told("cannot be written")
        assert person.place == "RunScreen"


async def test_an_auditor_gets_it_too(gated: Target, kept: Path) -> None:
    async with somebody(gated, "audit1") as person:
        person.app.visit("run", 1)
        await person.sees("Log (UTC)")
        await wants_report(person)
        await person.is_told("The report is in")
        assert len(files(kept)) == 2
