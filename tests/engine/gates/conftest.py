"""A run before a closed gate, made once a server and copied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.session import Target
from tests.conftest import cloned
from tests.crash import templates
from tests.servers import Server
from tests.staffed import staffed, waiting


@pytest.fixture(scope="session")
def before_gate(server: Server) -> str:
    templates.people(server, "gated")
    target = Target(server.url("gated"), "sample")
    staffed(target)
    assert waiting(target) == 1
    target.close()
    return "gated"


@pytest.fixture
def gated(server: Server, before_gate: str) -> Iterator[Target]:
    """Run 1 of the on-call engineer waits for the database administrator and for security."""
    yield from cloned(server, before_gate)


@pytest.fixture
def staff(server: Server, before_gate: str) -> Iterator[Target]:
    """The same people, and no run yet."""
    yield from _without_runs(server, before_gate)


def _without_runs(server: Server, template: str) -> Iterator[Target]:
    for target in cloned(server, template):
        target_of(target)
        yield target


def target_of(target: Target) -> None:
    """Takes the run back, so that another may begin."""
    from console.engine import journey
    from tests.driving import drive
    from tests.staffed import as_login

    drive(as_login(target, "oncall1"), lambda here: journey.back(here, 1))
