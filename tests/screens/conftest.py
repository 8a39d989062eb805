"""A prepared target of its own for each test, cloned from one template; a person before the console."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tests.screens.sample import TEMPLATE, make_template
from tests.servers import Server, serving

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def screens_server() -> Iterator[Server]:
    with serving(18) as server:
        make_template(server)
        yield server


@pytest.fixture
def url(screens_server: Server) -> Iterator[str]:
    name = f"screens_{next(NUMBERS)}"
    yield screens_server.create(name, TEMPLATE)
    screens_server.drop(name)


@pytest.fixture(params=[(80, 24), (160, 50)], ids="{0[0]}x{0[1]}".format)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found
