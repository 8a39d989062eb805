"""The fingerprint of a table's content, beside counting its rows."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from bench.figure import Figure, median_ms
from db import fingerprint
from db.postgres import EmbeddedServer
from db.session import Target


def figures(server: EmbeddedServer, rows: int) -> Iterator[Figure]:
    target = Target(server.url("bench"), "bench")
    with target.executor_connection("bench") as connection, connection.begin():
        ours = median_ms(lambda: fingerprint.tables(connection))
    with psycopg.connect(target.url) as plain:
        peer = median_ms(
            lambda: plain.execute("SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM person t").fetchone()
        )
    yield Figure(f"fingerprint of {rows:,} rows", ours, "md5 of all rows in order", peer, 0.5)
    target.close()
