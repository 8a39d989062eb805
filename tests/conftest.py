"""What the tests share: one real server of each version, started when the first test asks for it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from zlib import crc32

import pytest

from console.engine import reading
from console.engine.plan import Plan
from db.binaries import EMBEDDED, server_programs
from db.errors import ToolMissing
from db.session import Target
from tests import searched
from tests.crash import templates
from tests.servers import Server, server_folder, serving
from tests.staffed import staffed, taken_back, waiting

SERVER = re.compile(r"postgres(18|16|15)")


@pytest.fixture(scope="session", params=[18, 16, 15], ids="postgres{}".format)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The embedded 18 and 16, and the system's 15 where it is installed. One set per xdist worker."""
    version: int = request.param
    try:
        server_programs(version)
    except ToolMissing as missing:
        if version in EMBEDDED:
            raise
        pytest.skip(missing.message)
    with serving(version) as started:
        yield started


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--every-server", action="store_true", help="each test on 18, 16 and 15, not on 18 and one older")


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: a test waits for a server a third of its time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test runs on the newest server and on one older, which its name decides: a half of the tests on each of those.

    What is marked `newest` is not decided by the server, and runs on 18 alone.
    """
    every = config.getoption("--every-server")
    left = [item for item in items if not _runs(item, every)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def _runs(item: pytest.Item, every: bool) -> bool:
    found = SERVER.search(item.name)
    if found is None or found[1] == "18":
        return True
    if item.get_closest_marker("newest"):
        return False
    older = ("16", "15")[crc32(SERVER.sub("", item.nodeid).encode()) % 2]
    return every or found[1] == older


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a test may start, kill and lose servers of its own; what still runs is stopped."""
    with server_folder() as made:
        yield made


numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Nothing of the tests goes where the person who runs them keeps handrail's."""
    with pytest.MonkeyPatch.context() as environment:
        made = tmp_path_factory.mktemp("home")
        environment.setenv("HANDRAIL_HOME", str(made))
        for name in ("HANDRAIL_TARGET", "HANDRAIL_PLANS", "PGSERVICE", "PGHOST", "PGDATABASE", "PGUSER", "PGPASSWORD"):
            environment.delenv(name, raising=False)
        yield made


@pytest.fixture(scope="session")
def people(server: Server) -> str:
    """A template: target `sample`, prepared, with a table of people."""
    templates.people(server, "people")
    return "people"


@pytest.fixture(scope="session")
def clients(server: Server) -> str:
    """A template: target `agency` as the demo makes it, small."""
    templates.clients(server, "clients")
    return "clients"


@pytest.fixture
def sample(server: Server, people: str) -> Iterator[Target]:
    """A database of its own for one test, with the people in it."""
    yield from cloned(server, people)


@pytest.fixture
def agency(server: Server, clients: str) -> Iterator[Target]:
    """A database of its own for one test: the agency before any plan."""
    yield from cloned(server, clients)


@pytest.fixture
def another_agency(server: Server, clients: str) -> Iterator[Target]:
    """A second one, to compare with."""
    yield from cloned(server, clients)


@pytest.fixture(scope="session")
def indexed(server: Server) -> str:
    """A template: target `agency` with the demo's people, its clients indexed."""
    searched.make_template(server, "indexed")
    return "indexed"


@pytest.fixture
def lookup(server: Server, indexed: str) -> Iterator[Target]:
    """A database of its own for one test, whose clients can be looked up."""
    yield from cloned(server, indexed)


@pytest.fixture(scope="session")
def small() -> Plan:
    """A plan with every kind of step but a revision, for target `sample`."""
    return reading.load(str(Path(__file__).parent / "engine" / "plans" / "small.toml"))


def cloned(server: Server, template: str) -> Iterator[Target]:
    name = f"test_{next(numbers)}"
    target = Target(server.create(name, template))
    yield target
    target.close()
    server.drop(name)


@pytest.fixture(scope="session")
def before_gate(server: Server) -> str:
    """A template: target `sample` with the demo's people, and a run that waits at a gate."""
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
    """The same people; run 1 is rolled back, so that another may begin."""
    for target in cloned(server, before_gate):
        taken_back(target)
        yield target
