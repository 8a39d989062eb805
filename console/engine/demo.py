"""The demo: sample targets on the embedded server."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from psycopg.sql import SQL, Identifier

from console.engine.clients import described, indexing
from console.engine.errors import RunDriven
from console.engine.preparation import arrange
from console.engine.sample import agency, people
from db import postgres, revisions
from db.postgres import EmbeddedServer
from db.queries import runs
from db.session import Target
from db.translation import translated

AGENCY = "agency"
BASELINE = "agency_0001"
ROWS = 100_000

NAMES = (AGENCY,)
ON_CALL = people.ON_CALL.login

Tell = Callable[[str], None]


def targets(login: str = ON_CALL) -> dict[str, str]:
    """The demo's targets by name, with their URLs for a login; empty where its server does not run."""
    server = postgres.running()
    if server is None:
        return {}
    with translated(), psycopg.connect(server.url("postgres")) as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (AGENCY,)).fetchone()
    return {AGENCY: server.url(AGENCY, login)} if there else {}


def logins() -> list[str]:
    """The demo's people."""
    return [one.login for one in people.STAFF]


def url_of(login: str) -> str:
    """The sample target as one of its people reaches it; empty where the demo does not run."""
    return targets(login).get(AGENCY, "")


def is_of(url: str) -> bool:
    """Whether this is how one of the demo's people reaches its target."""
    server = postgres.running()
    return server is not None and url in [server.url(AGENCY, login) for login in logins()]


def made() -> bool:
    """Whether there has been a demo here, be its server up or down."""
    return (postgres.home() / "postgres").is_dir()


def ready(rows: int | None, seed: int, *, fresh: bool, tell: Tell, login: str = ON_CALL) -> dict[str, str]:
    """Starts the server and fills the sample target; what is there already stays, unless it has other `rows`."""
    tell("starting the embedded PostgreSQL")
    server = postgres.start()
    if fresh or not _usable(server.url(AGENCY, ON_CALL), rows):
        _create(server, seed, rows or ROWS, tell)
    return {AGENCY: server.url(AGENCY, login)}


def stop() -> bool:
    """Stops the server, unless a run is under way on it; answers whether it ran."""
    server = postgres.running()
    if server is not None:
        _require_idle(server)
    return postgres.stop()


def pristine(url: str) -> bool:
    """Whether no run has ever begun on a target."""
    with Target(url).session() as session:
        return runs.latest(session) is None


def fill(target: Target, rows: int, seed: int, tell: Tell) -> None:
    """The agency as it is before any plan, in an empty database; owned by the login that fills it."""
    with target.executor_connection("handrail: demo") as connection, connection.begin():
        revisions.upgrade(connection, AGENCY, BASELINE)
    with target.connect({"synchronous_commit": "off"}, "handrail: demo") as filling:
        agency.fill(filling, rows, seed, lambda what, done, all: _tell_filled(tell, what, done, all))
        filling.execute("ANALYZE")


def _tell_filled(tell: Tell, what: str, done: int, all: int) -> None:
    """A line a table, and one for each million of a large one."""
    if done == all or done % 1_000_000 == 0:
        tell(f"{what}: {done:,} of {all:,} rows")


def _create(server: EmbeddedServer, seed: int, rows: int, tell: Tell) -> None:
    _require_idle(server)
    tell(f"making target {AGENCY} with {rows:,} clients")
    with translated(), psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(AGENCY)))
        people.make_logins(connection)
        owner = Identifier(ON_CALL)
        connection.execute(SQL("CREATE DATABASE {} OWNER {}").format(Identifier(AGENCY), owner))
    fill(Target(server.url(AGENCY, ON_CALL), AGENCY), rows, seed, tell)
    target = Target(server.url(AGENCY), AGENCY)
    arrange(target, AGENCY)
    people.make_operators(target)
    tell("indexing the clients")
    indexing.make(target, described.load(AGENCY), "full")
    people.open_tenants(target)
    target.close()


def _require_idle(server: EmbeddedServer) -> None:
    """A sample that somebody is stepping through is not taken away under them."""
    with translated(), psycopg.connect(server.url("postgres")) as connection:
        busy = connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = 'handrail: executor'", (AGENCY,)
        ).fetchone()
    if busy:
        raise RunDriven("A run is under way on the sample target.", "Pause it first: handrail pause")


def _usable(url: str, rows: int | None) -> bool:
    """Whether the sample target is whole, and of the wanted size."""
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            connection.execute("SELECT 1 FROM handrail.target, handrail_search.state").fetchone()
            found = connection.execute("SELECT count(*) FROM clients").fetchone()
    except psycopg.Error:
        return False  # not there, or its making was interrupted: it is made anew
    return rows is None or found == (rows,)
