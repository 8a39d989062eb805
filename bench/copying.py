"""A backfill in batches, journal and all, beside the one statement that would freeze every writer."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import psycopg

from bench.figure import Figure, median_ms
from console.engine import executor, journey, reading
from console.engine.preparation import prepare
from db.postgres import EmbeddedServer
from db.session import Target

PLAN = """\
format = 1
id = "copying"
target = "bench"
title = "Copying"
[[phase]]
title = "Only"
[[phase.step]]
id = "change"
kind = "backfill"
title = "Change"
estimate = "1m"
table = "person"
key = "id"
set = "email_lc = lower(r.email)"
where = "r.email_lc IS NULL"
undo = "-- nothing to undo"
"""
SINGLE = b"UPDATE person AS r SET email_lc = lower(r.email) WHERE r.email_lc IS NULL"


def figures(server: EmbeddedServer, rows: int) -> Iterator[Figure]:
    target = Target(_filled(server, rows), "bench")
    prepare(target, "bench")
    plan = reading.parse(PLAN, "copying.toml", lambda name: "")

    def backfill() -> float:
        """Milliseconds of the step, its batches and their journal; taken back, so that it may begin again."""
        with executor.at(target) as here:
            run = journey.begin(here, plan)
            journey.forward(here, run)
            with here.transaction() as session:
                took = journey.found(session, run).steps[0].seconds
            journey.back(here, run)
        return 1000 * (took or 0)

    def single() -> None:
        with psycopg.connect(target.url) as connection:
            connection.execute(SINGLE)

    def anew() -> None:
        with psycopg.connect(target.url, autocommit=True) as connection:
            connection.execute("UPDATE person SET email_lc = NULL")
            connection.execute("VACUUM FULL person")

    tries = []
    for _ in range(3):
        anew()
        tries.append(backfill())
    ours = statistics.median(tries)
    yield Figure(f"backfill of {rows:,} rows", ours, "one UPDATE", median_ms(single, 3, anew), 1 / 0.75)
    target.close()


def _filled(server: EmbeddedServer, rows: int) -> str:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    with psycopg.connect(server.url("bench")) as connection:
        connection.execute("CREATE TABLE person (id uuid PRIMARY KEY, email text NOT NULL, email_lc text)")
        connection.execute(
            "INSERT INTO person SELECT gen_random_uuid(), 'Person' || n || '@example.org'"
            " FROM generate_series(1, %s) n",
            (rows,),
        )
    return server.url("bench")
