"""A run that an older handrail began is resumed by this one (FM-A10). tests/journals holds each version's, mid-run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.engine import executor, journey
from console.engine.preparation import prepare
from db import postgres, revisions
from db.errors import NotPrepared
from db.session import Target
from tests.driving import ask, drive, look, state
from tests.engine.audit.tampering import verified
from tests.engine.captures.writing import others
from tests.servers import Server

WHO = (
    "INSERT INTO handrail.person (id, name) VALUES ('anna', 'Anna')",
    "INSERT INTO handrail.operator (login, person) VALUES ('anna1', 'anna')",
    "INSERT INTO handrail.sign_off_role (person, role) VALUES ('anna', 'security')",
)
JOURNALS = sorted((Path(__file__).parent.parent / "journals").glob("*.sql"))


@pytest.fixture(params=JOURNALS, ids=lambda path: path.stem)
def old(server: Server, request: pytest.FixtureRequest) -> Iterator[Target]:
    name = f"old_{request.param.stem}"
    target = Target(server.create(name))
    psql = [
        str(postgres.binary("psql", 18)),
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        f"--file={request.param}",
    ]
    said = subprocess.run([*psql, target.url], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    yield target
    target.close()
    server.drop(name)


def test_it_is_named_and_brought_up_and_resumed(old: Target, server: Server) -> None:
    """It was killed in a backfill; what its database does not have yet, `init` gives it."""
    with pytest.raises(NotPrepared, match="prepared by an older handrail"), executor.at(old):
        pass
    if any(f"old_000{number}" in old.url for number in (1, 2, 3)):  # from 0004 on a run has the columns that are read
        with pytest.raises(NotPrepared, match="prepared by another version"):
            look(old, 1)
    if ask(old, "SELECT to_regclass('handrail.operator') IS NOT NULL"):
        others(old, *WHO)
    prepare(old, "sample")
    assert verified(old).whole
    assert state(old, 1) == "running"
    drive(old, lambda here: journey.resume(here, 1, said=True))
    assert state(old, 1) == "done"
    assert ask(old, "SELECT count(*) FROM person WHERE email_lc IS DISTINCT FROM lower(email)") == 0
    if server.version < 18:  # from 18 on a NOT NULL is an object with a name, and the fingerprint is of a 16
        drive(old, lambda here: journey.back(here, 1))
        assert state(old, 1) == "rolled back"


def test_a_newer_journal_is_left_alone(sample: Target) -> None:
    ask(sample, "UPDATE handrail.alembic_version SET version_num = 'handrail_9999'")
    with pytest.raises(NotPrepared, match=r"prepared by a newer handrail \(handrail_9999\)"), executor.at(sample):
        pass


def test_every_version_but_the_newest_has_its_journal() -> None:
    assert [path.stem for path in JOURNALS] == [
        name.removeprefix("handrail_") for name in revisions.known("handrail")[:-1]
    ]
