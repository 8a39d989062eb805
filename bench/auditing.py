"""The journal as a chain: following it, beside reading it; writing to it, beside a table without a chain."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from bench.figure import Figure, median_ms
from console.engine.audit import verifying
from console.engine.preparation import prepare
from db.postgres import EmbeddedServer
from db.session import Target

WRITES = 2000
READ = b"SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM handrail.event e"
EVENT = "(kind, step, detail) VALUES ('batch done', 'copy', '{\"rows\": 500, \"seconds\": 0.123, \"pid\": 12345}')"
# What the triggers would write, without their turns at the head, which a single writer need not take.
FILLED = b"""
CREATE PROCEDURE pg_temp.fill(rows integer) LANGUAGE plpgsql AS $$
DECLARE
    said handrail.event;
    last bytea := (SELECT hash FROM handrail.head);
BEGIN
    ALTER TABLE handrail.event DISABLE TRIGGER event_chained;
    FOR n IN 1..rows LOOP
        said := (n, NULL, 'copy', 'batch done', jsonb_build_object('rows', 500, 'seconds', 0.123, 'cursor', n::text),
                 session_user, clock_timestamp(), NULL);
        said.hash := sha256(last || convert_to(handrail.canonical(said), 'UTF8'));
        last := said.hash;
        INSERT INTO handrail.event SELECT said.*;
    END LOOP;
    ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_chained;
    UPDATE handrail.head SET count = rows, hash = last;
END $$
"""
PLAIN = """
CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, run_id bigint, step text, kind text NOT NULL,
    detail jsonb NOT NULL, by_login text NOT NULL DEFAULT session_user,
    at timestamptz NOT NULL DEFAULT clock_timestamp(), hash bytea);
CREATE INDEX ON plain (run_id, id)
"""


def figures(server: EmbeddedServer, events: int) -> Iterator[Figure]:
    target = _filled(server, events)

    def verify() -> None:
        with target.session() as session:
            assert verifying.verify(session).whole

    with psycopg.connect(target.url) as plain:
        ours, peer = median_ms(verify), median_ms(lambda: plain.execute(READ).fetchone())
    yield Figure(f"verify, {events / ours * 1000:,.0f} events a second", ours, f"md5 of {events:,} events", peer, 2)
    with _read_all_the_while(target):
        ours, peer = (
            _p95_ms(target, f"INSERT INTO handrail.event {EVENT}"),
            _p95_ms(target, f"INSERT INTO plain {EVENT}"),
        )
    yield Figure("one event, p95 beside a reader", ours, "a row without a chain", peer, 3)
    verify()
    target.close()


def _p95_ms(target: Target, statement: str) -> float:
    """Of transactions of one statement, one after the other."""
    taken = []
    with psycopg.connect(target.url, autocommit=True) as connection:
        for _ in range(WRITES):
            began = time.perf_counter()
            connection.execute(statement.encode())
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.quantiles(taken, n=20)[-1]


@contextmanager
def _read_all_the_while(target: Target) -> Iterator[None]:
    """Somebody looks at the newest events, as screens do."""
    over = threading.Event()

    def read() -> None:
        with psycopg.connect(target.url, autocommit=True) as connection:
            while not over.wait(0.01):
                connection.execute("SELECT * FROM handrail.event ORDER BY id DESC LIMIT 50").fetchall()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()


def _filled(server: EmbeddedServer, events: int) -> Target:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE auditing")
    target = Target(server.url("auditing"), "auditing")
    prepare(target, "auditing")
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute(FILLED)
        connection.execute("CALL pg_temp.fill(%s)", (events,))
        connection.execute(PLAIN.encode())
        connection.execute("VACUUM ANALYZE handrail.event")
    return target
