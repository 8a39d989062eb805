"""A run that an older handrail began has a report once `init` has brought its journal up."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.engine.preparation import prepare
from console.engine.report.html import html
from console.engine.report.markdown import markdown
from db import postgres
from db.errors import NotPrepared
from db.session import Target
from tests.engine.report import origins
from tests.engine.report.scenes import told
from tests.servers import Server

pytestmark = pytest.mark.newest
JOURNALS = sorted((Path(__file__).parent.parent.parent / "journals").glob("*.sql"))


@pytest.fixture(params=JOURNALS, ids=lambda path: path.stem)
def old(server: Server, request: pytest.FixtureRequest) -> Iterator[Target]:
    name = f"old_report_{request.param.stem}"
    target = Target(server.create(name))
    psql = [str(postgres.binary("psql", 18)), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", target.url]
    said = subprocess.run([*psql, f"--file={request.param}"], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    yield target
    target.close()
    server.drop(name)


def test_it_has_a_report_after_init(old: Target) -> None:
    if old.url.rpartition("_")[2] < "0007":  # from then on it has all that a report reads
        with pytest.raises(NotPrepared, match="init"):
            told(old)
    prepare(old, "sample")
    document = told(old)
    assert document.about.state == "running"
    assert (document.audit.whole, document.audit.events > 0) == (True, True)
    assert "and no end of it is recorded" in markdown(document)
    assert html(document)
    found = [one for one in origins.leaves(document) if one[0] not in origins.NOW]
    assert [one for one in found if not origins.journal_has(old, 1, *one)] == []
