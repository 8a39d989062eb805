"""What a captured table costs who writes to it, and what taking back costs, beside the same without handrail."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psycopg

from bench.figure import Figure, median_ms
from console.engine import executor, journey, reading
from console.engine.preparation import prepare
from db.postgres import EmbeddedServer
from db.session import Target

Write = Callable[[psycopg.Connection, int, int], None]
RATE, WRITERS, SECONDS, ROUNDS = 1000, 4, 2.0, 6  # writes a second, of all writers together
WARM = 50  # writes until a connection has its plans
SECONDS_TO_START = 2.0
WRITTEN = 1000  # rows that others change before the rollback

PLAN = """\
format = 1
id = "capturing"
target = "bench"
title = "Capturing"
[[phase]]
title = "Change"
[[phase.step]]
id = "before"
kind = "sql"
title = "Before"
estimate = "1s"
sql = "CREATE TABLE client_before AS SELECT id, seen FROM client"
undo = "DROP TABLE client_before"
[[phase.step]]
id = "fill"
kind = "backfill"
title = "Fill"
estimate = "1m"
table = "client"
key = "id"
set = "seen = r.seen + 1, tier = 'new'"
where = "r.tier = 'old'"
undo = "UPDATE client SET seen = b.seen, tier = 'old' FROM client_before b WHERE b.id = client.id"
[phase.checkpoint]
id = "good"
title = "Good"
[phase.checkpoint.gate]
roles = ["security"]
[[phase.checkpoint.check]]
id = "there"
kind = "sql"
title = "There"
sql = "SELECT 1"
equals = 1
[[phase]]
title = "End"
[[phase.step]]
id = "end"
kind = "finish"
title = "End"
estimate = "1s"
[[capture]]
id = "clients"
title = "Clients written since"
table = "client"
since = "before"
rule = "carried back"
"""
PLAIN = b"UPDATE client SET seen = b.seen, tier = 'old' FROM client_before b WHERE b.id = client.id"
# what people use where somebody asks who changed what: both rows, and nothing that a rollback would need
AUDIT = (
    b"CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz DEFAULT now(),"
    b" who text DEFAULT session_user, op text, was jsonb, became jsonb)",
    b"CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
    b" AS $$ BEGIN INSERT INTO public.audit (op, was, became) VALUES (TG_OP, to_jsonb(OLD), to_jsonb(NEW));"
    b" RETURN NULL; END $$",
    b"CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON client FOR EACH ROW EXECUTE FUNCTION audit()",
)
NO_AUDIT = (b"DROP TRIGGER audit ON client", b"DROP FUNCTION audit()", b"DROP TABLE audit")
BY_HAND = (
    b"CREATE TABLE client_before AS SELECT id, seen FROM client",
    b"UPDATE client SET seen = seen + 1, tier = 'new'",
    b"VACUUM FULL client",
)
FILL = """
INSERT INTO client SELECT n, 'name ' || n, 'n' || n || '@example.org', '+44 20 ' || n, 'company ' || n %% 1000,
    'active', 'old', 0, 0, '{"plan": "basic"}', now(), now() FROM generate_series(1, %s) n
"""
TABLE = """
CREATE TABLE client (id bigint PRIMARY KEY, name text, email text, phone text, company text, status text, tier text,
    seen integer, score integer, metadata jsonb, created_at timestamptz, updated_at timestamptz)
"""


def figures(server: EmbeddedServer, rows: int) -> Iterator[Figure]:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE captured")
    target = Target(server.url("captured"), "bench")
    with psycopg.connect(target.url) as connection:
        connection.execute(TABLE)
        connection.execute(FILL, (rows,))
    prepare(target, "bench")
    with psycopg.connect(target.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    yield from _written(target, rows, "a transaction", _transaction)
    yield from _written(target, rows, "a lone UPDATE", _update)
    yield _taken_back(target, rows)
    target.close()


def _written(target: Target, rows: int, name: str, write: Write) -> Iterator[Figure]:
    """Captured, and beside it under the plainest trigger that keeps both rows."""
    plain: list[float] = []
    audited: list[float] = []
    captured: list[float] = []
    for _ in range(ROUNDS):
        plain += _taken(target.url, rows, write)
        _send(target, *AUDIT)
        audited += _taken(target.url, rows, write)
        _send(target, *NO_AUDIT)
        run = _up(target, "before")
        captured += _taken(target.url, rows, write)
        _down(target, run)
    alone = statistics.median(plain)
    for how, taken in (("captured", captured), ("audited", audited)):
        yield Figure(f"{name} of {RATE:,} a second, {how}", statistics.median(taken), "without", alone, 1.2)


def _taken_back(target: Target, rows: int) -> Figure:
    """The undo of the step that changed every row, with a few that others wrote; and its UPDATE alone."""
    ours, peer = [], []
    for _ in range(ROUNDS // 2):
        _send(target, *BY_HAND)
        peer.append(median_ms(lambda: _send(target, PLAIN), 1))
        _send(target, b"DROP TABLE client_before", b"VACUUM FULL client")
        run = _up(target, "fill")
        _send(target, b"VACUUM FULL client")
        with psycopg.connect(target.url) as connection:
            connection.execute("UPDATE client SET score = score + 1 WHERE id <= %s", (WRITTEN,))
        ours.append(_down(target, run))
    return Figure(f"{rows:,} rows taken back", statistics.median(ours), "their UPDATE", statistics.median(peer), 1.3)


def _send(target: Target, *statements: bytes) -> None:
    with psycopg.connect(target.url, autocommit=True) as connection:
        for sql in statements:
            connection.execute(sql)


def _up(target: Target, until: str) -> int:
    plan = reading.parse(PLAN, "capturing.toml", lambda name: "")
    with executor.at(target) as here:
        run = journey.begin(here, plan)
        journey.forward(here, run, until=until)
    return run


def _down(target: Target, run: int) -> float:
    """Milliseconds of the undo of step `fill`, as the journal has it."""
    with executor.at(target) as here:
        journey.back(here, run)
    with psycopg.connect(target.url) as connection:
        found = connection.execute(
            "SELECT (detail ->> 'seconds')::float FROM handrail.event"
            " WHERE run_id = %s AND step = 'fill' AND kind = 'step undone'",
            (run,),
        ).fetchone()
    return 1000 * found[0] if found else 0.0


def _transaction(connection: psycopg.Connection, number: int, row: int) -> None:
    """As an application writes: it looks at a row, changes it, and commits."""
    with connection.transaction():
        connection.execute("SELECT * FROM client WHERE id = %s", (row,)).fetchone()
        _update(connection, number, row)


def _update(connection: psycopg.Connection, number: int, row: int) -> None:
    connection.execute("UPDATE client SET score = %s, updated_at = now() WHERE id = %s", (number, row))


def _taken(url: str, rows: int, write: Write) -> list[float]:
    """Milliseconds of each change of one row and its COMMIT, as its writer waits for it. Each is a process of its own:
    threads of one would wait for each other."""
    with ProcessPoolExecutor(WRITERS, get_context("forkserver")) as writers:
        start = time.time() + SECONDS_TO_START
        under_way = [writers.submit(_write, url, rows, seed, start, write) for seed in range(WRITERS)]
        return [milliseconds for one in under_way for milliseconds in one.result()]


def _write(url: str, rows: int, seed: int, start: float, write: Write) -> list[float]:
    chance = random.Random(seed)
    taken = []
    with psycopg.connect(url, autocommit=True) as connection:
        for number in range(WARM):
            write(connection, number, chance.randint(1, rows))
        for number in range(int(RATE / WRITERS * SECONDS)):
            time.sleep(max(0.0, start + (number * WRITERS + seed) / RATE - time.time()))
            once = time.perf_counter()
            write(connection, number, chance.randint(1, rows))
            taken.append((time.perf_counter() - once) * 1000)
    return taken
