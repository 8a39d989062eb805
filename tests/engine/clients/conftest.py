"""Databases whose clients are indexed: made once a server, cloned for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.session import Target
from tests.conftest import cloned
from tests.engine.clients import crowd
from tests.servers import Server


@pytest.fixture(scope="session")
def crowded(server: Server) -> str:
    """A template: two thousand clients in two tables, and people; no index."""
    crowd.make(server, "crowded")
    return "crowded"


def made(server: Server, crowded: str, profile: str) -> str:
    name = f"indexed_{profile}"
    target = Target(server.create(name, crowded), "agency")
    crowd.index(target, profile)
    target.close()
    return name


@pytest.fixture(scope="session")
def fully(server: Server, crowded: str) -> str:
    """A template: indexed in full."""
    return made(server, crowded, "full")


@pytest.fixture(scope="session")
def lightly(server: Server, crowded: str) -> str:
    """A template: indexed in the lite profile."""
    return made(server, crowded, "lite")


@pytest.fixture
def unindexed(server: Server, crowded: str) -> Iterator[Target]:
    yield from cloned(server, crowded)


@pytest.fixture
def full(server: Server, fully: str) -> Iterator[Target]:
    yield from cloned(server, fully)


@pytest.fixture
def lite(server: Server, lightly: str) -> Iterator[Target]:
    yield from cloned(server, lightly)
