"""A target whose clients can be looked up: the demo's people, and two logins that see none of them."""

from __future__ import annotations

import psycopg

from console.engine import demo, operators
from console.engine.clients import described, indexing
from console.engine.preparation import arrange
from console.engine.sample import people
from db.session import Target
from tests.servers import Server

CLIENTS = 300
OWN = ("Blue Harbour GmbH", "Lantern BV")  # support2's
NONE, NOBODY = "support3", "nobody2"  # of the group support and without a tenant; in no group at all


def make_template(server: Server, name: str, *, indexed: bool = True) -> None:
    """Target `agency` as the demo makes it, its clients indexed or not yet."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        people.make_logins(connection)
        for login in (NONE, NOBODY):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (login,)).fetchone() is None:
                connection.execute(f"CREATE ROLE {login} LOGIN")
        connection.execute(f"CREATE DATABASE {name} OWNER {people.ON_CALL.login}")
    demo.fill(Target(server.embedded.url(name, people.ON_CALL.login), demo.AGENCY), CLIENTS, 7, lambda _: None)
    target = Target(server.url(name), demo.AGENCY)
    arrange(target, demo.AGENCY)
    people.make_operators(target)
    with target.session() as session:
        operators.add(session, NONE, NONE, groups=["support"])
    if indexed:
        indexing.make(target, described.load(demo.AGENCY), "full")
        people.open_tenants(target)
    target.close()
