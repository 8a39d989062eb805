"""A restore to an older state rewinds the journal with it, and is not gone on with unseen (FM-I6)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest

from console.engine import journey
from console.engine.audit import anchors, marks
from console.engine.doctor import about_target
from console.engine.errors import JournalBehind
from db.postgres import binary
from db.session import Target
from tests.commands.calling import started
from tests.driving import ask, begun, drive, kinds, sending, state
from tests.servers import Server

pytestmark = pytest.mark.newest
PLAN = sending("CREATE TABLE one (a int)")


@pytest.fixture
def restored(sample: Target, server: Server, tmp_path: Path) -> tuple[Target, int]:
    """A run that was begun, dumped with its journal, and gone on with; then the dump was restored in its place."""
    number = begun(sample, PLAN)
    dump = tmp_path / "old.dump"
    subprocess.run([binary("pg_dump", 18), "-Fc", f"--file={dump}", f"--dbname={sample.url}"], check=True)
    drive(sample, lambda here: journey.forward(here, number))
    assert state(sample, number) == "done"
    sample.close()
    name = str(sample.parameters["dbname"])
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
    subprocess.run([binary("pg_restore", 18), "--exit-on-error", f"--dbname={sample.url}", dump], check=True)
    assert state(sample, number) != "done"
    return sample, number


def test_going_on_is_refused(restored: tuple[Target, int]) -> None:
    target, number = restored
    with pytest.raises(JournalBehind, match=r"older than it was: it has \d+ events, and this machine has seen \d+"):
        drive(target, lambda here: journey.resume(here, number))
    assert ask(target, "SELECT to_regclass('one')") is None


def test_so_is_going_back_and_beginning(restored: tuple[Target, int]) -> None:
    target, number = restored
    with pytest.raises(JournalBehind):
        drive(target, lambda here: journey.back(here, number))
    with pytest.raises(JournalBehind):
        drive(target, lambda here: journey.begin(here, PLAN))


def call(target: Target, *words: str) -> tuple[int, str]:
    """A command's exit code, and what it said beside its answer."""
    with started(target, *words) as process:
        _, said = process.communicate(timeout=60)
    return process.returncode, said


def test_the_command_ends_with_6_and_a_person_may_accept_it(restored: tuple[Target, int]) -> None:
    target, number = restored
    assert call(target, "resume", str(number), "--yes")[0] == 6
    assert call(target, "audit", "anchor")[0] == 0
    code, said = call(target, "resume", str(number), "--yes")
    assert (code, "--accept-restore" in said, len(said.splitlines())) == (6, True, 1)
    assert "The older journal is accepted" in call(target, "audit", "anchor", "--accept-restore")[1]
    assert ask(target, "SELECT count(*) FROM handrail.event WHERE kind = 'restore accepted'") == 1
    assert call(target, "resume", str(number), "--yes")[0] == 0


def test_a_journal_that_was_gone_on_with_elsewhere_is_another(restored: tuple[Target, int]) -> None:
    target, _ = restored
    for _ in range(40):
        ask(target, "INSERT INTO handrail.event (kind, detail) VALUES ('elsewhere', '{}') RETURNING id")
    with target.session() as session, pytest.raises(JournalBehind, match=r"its event \d+ is another"):
        marks.require_ahead(session)


def test_doctor_says_so(restored: tuple[Target, int]) -> None:
    target, _ = restored
    found = {one.about: one for one in about_target(target) if one.state == "wrong"}
    assert found["journal"].exit_code == 6
    assert "--accept-restore" in found["journal"].hint


def test_a_copy_of_a_database_is_another_one(sample: Target, server: Server) -> None:
    number = begun(sample, PLAN)
    sample.close()
    copy = Target(server.create("copied", str(sample.parameters["dbname"])), "sample")
    drive(sample, lambda here: journey.forward(here, number))
    drive(copy, lambda here: journey.forward(here, number))
    assert "run done" in kinds(copy, number)
    copy.close()
    server.drop("copied")


def test_what_was_seen_is_the_head_at_rest(sample: Target) -> None:
    number = begun(sample, PLAN)
    drive(sample, lambda here: journey.forward(here, number))
    with sample.session() as session:
        head = anchors.head(session)
        kept = anchors.read(marks.file_of(head))
    assert [(one.count, one.hash) for one in kept] == [(head.count, head.hash)]
