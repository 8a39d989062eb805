"""Databases for the tests of schema-unification: run once a server, cloned for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.engine import journey
from db.session import Target
from tests.driving import begun, done, drive
from tests.migrations.unified import PLAN, Unified, clone, template
from tests.servers import Server


@pytest.fixture(scope="session")
def whole_template(server: Server, clients: str) -> tuple[str, int]:
    return template(server, clients, lambda target: done(target, PLAN))


@pytest.fixture(scope="session")
def copied_template(server: Server, clients: str) -> tuple[str, int]:
    def as_far_as_the_settings(target: Target) -> int:
        number = begun(target, PLAN)
        drive(target, lambda here: journey.forward(here, number, until="settings"))
        return number

    return template(server, clients, as_far_as_the_settings)


@pytest.fixture
def unified(server: Server, whole_template: tuple[str, int]) -> Iterator[Unified]:
    """The plan is done."""
    yield from clone(server, whole_template)


@pytest.fixture
def copied(server: Server, copied_template: tuple[str, int]) -> Iterator[Unified]:
    """Before the checkpoint "integrity"; nobody but the mirror writes to clients_enhanced yet."""
    yield from clone(server, copied_template)
