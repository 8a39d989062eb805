"""Searches under a name: one's own, shared, the default; and what was asked before, on this machine."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from console.engine.clients import saved
from console.engine.clients.saved import Saved
from console.engine.errors import SearchRefused
from db.session import Target
from tests.driving import ask
from tests.staffed import as_login, psql, refused

pytestmark = pytest.mark.newest  # it is not the server that decides


def keep(target: Target, login: str, name: str, asked: str, *, shared: bool = False, usual: bool = False) -> None:
    with as_login(target, login).session() as session:
        saved.save(session, name, asked, shared=shared, usual=usual)


def seen(target: Target, login: str) -> list[Saved]:
    with as_login(target, login).session() as session:
        return saved.searches(session)


def test_one_s_own_and_what_is_shared_are_seen(full: Target) -> None:
    keep(full, "support1", " mine ", "anna")
    keep(full, "support1", "ours", "tier:premium", shared=True)
    assert seen(full, "support2") == [Saved("support1", "ours", "tier:premium", True, False, False)]
    keep(full, "support2", "zz own", "smith")
    assert [(one.owner, one.name, one.mine) for one in seen(full, "support2")] == [
        ("support2", "zz own", True), ("support1", "ours", False)]  # fmt: skip
    assert [one.name for one in seen(full, "support1")] == ["mine", "ours"]


def test_the_same_name_again_is_another_search(full: Target) -> None:
    keep(full, "support1", "one", "anna", shared=True)
    keep(full, "support1", "one", "smith")
    assert seen(full, "support1") == [Saved("support1", "one", "smith", False, False, True)]
    assert seen(full, "support2") == []


def test_there_is_one_default_a_person(full: Target) -> None:
    for login in ("support1", "support2"):
        keep(full, login, "first", "anna", usual=True, shared=True)
        keep(full, login, "second", "smith", usual=True)
    assert [one.name for one in seen(full, "support1") if one.usual and one.mine] == ["second"]


def test_nobody_changes_another_s_in_psql(full: Target) -> None:
    keep(full, "support1", "ours", "anna", shared=True)
    keep(full, "support1", "mine", "anna")
    with psql(full, "support2") as line:
        for change in (
            "UPDATE handrail_search.saved_search SET asked = 'x'",
            "DELETE FROM handrail_search.saved_search",
        ):
            assert line.execute(change.encode()).rowcount == 0
    for statement in (
        "INSERT INTO handrail_search.saved_search (owner, name, asked) VALUES ('support1', 'planted', 'x')",
        "UPDATE handrail_search.saved_search SET owner = 'support1'",
        "UPDATE handrail_search.saved_search SET name = 'x'",
        "TRUNCATE handrail_search.saved_search",
        "ALTER TABLE handrail_search.saved_search DISABLE ROW LEVEL SECURITY",
    ):
        assert refused(full, "support2", statement) == "42501", statement
    for login in ("dba1", "audit1"):
        assert refused(full, login, "SELECT * FROM handrail_search.saved_search") == "42501"
    assert ask(full, "SELECT array_agg(name || ' ' || asked ORDER BY name) FROM handrail_search.saved_search") == [
        "mine anna",
        "ours anna",
    ]


def test_one_forgets_one_s_own_alone(full: Target) -> None:
    keep(full, "support1", "ours", "anna", shared=True)
    with pytest.raises(SearchRefused), as_login(full, "support2").session() as session:
        saved.forget(session, "ours")
    with as_login(full, "support1").session() as session:
        saved.forget(session, "ours")
    assert seen(full, "support1") == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "\x00" * 61])
def test_a_name_is_a_name(full: Target, name: str) -> None:
    with pytest.raises(SearchRefused):
        keep(full, "support1", name, "anna")


def test_what_could_not_be_asked_is_not_kept(full: Target) -> None:
    with pytest.raises(SearchRefused):
        keep(full, "support1", "long", "x" * 401)
    hostile = "'; DROP TABLE x; -- %s \\ \x00\ud800"
    keep(full, "support1", hostile, hostile)
    (one,) = seen(full, "support1")
    assert one.name == one.asked == hostile.replace("\x00\ud800", "\ufffd\ufffd")
    with as_login(full, "support1").session() as session:
        saved.forget(session, hostile)


@pytest.fixture
def kept_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "searches"


def test_what_was_asked_before_is_for_this_account_alone(kept_at: Path) -> None:
    assert saved.asked_before() == []
    for asked in ("anna", "smith", "two\nlines", "anna", "  "):
        saved.remember(asked)
    assert saved.asked_before() == ["smith", "two lines", "anna"]
    assert stat.S_IMODE(kept_at.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept_at.parent.stat().st_mode) == 0o700
    kept_at.chmod(0o644)
    saved.remember("again")
    assert stat.S_IMODE(kept_at.stat().st_mode) == 0o600
    assert list(kept_at.parent.iterdir()) == [kept_at]


def test_only_the_newest_are_kept(kept_at: Path) -> None:
    for number in range(saved.KEPT + 20):
        saved.remember(f"search {number}")
    assert len(saved.asked_before()) == saved.KEPT
    assert saved.asked_before()[-1] == f"search {saved.KEPT + 19}"


def test_a_history_that_cannot_be_read_or_written_is_none(kept_at: Path) -> None:
    kept_at.parent.mkdir()
    kept_at.write_bytes(b"\xff\xfe\n")
    assert saved.asked_before() == []
    saved.remember("\ud800 anna")
    saved.remember("smith")
    assert saved.asked_before()[-1] == "smith"
    kept_at.unlink()
    kept_at.mkdir()
    saved.remember("smith")
    assert saved.asked_before() == []
