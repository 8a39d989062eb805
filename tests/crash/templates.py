"""The plans of the repository, each with a prepared database to run it on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg

from console.engine import demo, reading
from console.engine.plan import Plan
from console.engine.preparation import prepare
from db.session import Target
from tests import ungated
from tests.engine.captures.writing import GATED, OVERWRITING
from tests.servers import Server

PEOPLE = 3000
CLIENTS = 300
PLANS = Path(__file__).parent.parent / "engine" / "plans"


def people(server: Server, name: str) -> None:
    """Target `sample`, prepared, with a table of people."""
    url = server.create(name)
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE person (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email text NOT NULL, n integer NOT NULL DEFAULT 0)"
        )
        connection.execute(
            "INSERT INTO person (email) SELECT 'Person' || n || '@example.org' FROM generate_series(1, %s) n", (PEOPLE,)
        )
    target = Target(url, "sample")
    prepare(target, "sample")
    target.close()


def clients(server: Server, name: str) -> None:
    """Target `agency` as the demo makes it, small."""
    target = Target(server.create(name), "agency")
    demo.fill(target, CLIENTS, 7, lambda words: None)
    prepare(target, "agency")
    target.close()


def _small(server: Server) -> Plan:
    people(server, "small")
    return reading.load(str(PLANS / "small.toml"))


def _unification(server: Server) -> Plan:
    clients(server, "schema-unification")
    return ungated.load("schema-unification")


def _captured(server: Server) -> Plan:
    """What others write is captured; nobody writes here, so that a run that is struck ends as one that is not."""
    people(server, "captured")
    changes, ending = OVERWRITING.replace("RULE", "carried back").split(GATED)
    return reading.frozen(changes + ending[ending.index("[[capture]]") :], {})


TEMPLATES: dict[str, Callable[[Server], Plan]] = {
    "small": _small,
    "captured": _captured,
    "schema-unification": _unification,
}
