"""python -m bench.search [--rows N] [--json]: finding clients as the support login, beside what others would do.

One word of every frequency and length, two words, every key of what people type, and key to painted rows in a
terminal; all under row-level security. The peers are asked the same words in the same run, by their owner, whom no
policy slows.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from bench import painting
from bench.skewed import Vocabulary, fill
from console.engine import operators
from console.engine.clients import described, finding, indexing
from console.engine.preparation import arrange
from console.engine.sample import people
from db import postgres, revisions
from db.postgres import EmbeddedServer
from db.searching import Searching
from db.session import Target

GOALS = {"one_word": 20.0, "two_words": 30.0, "keystroke": 20.0, "painted": 100.0}
PEER_WORDS = 12
MANY = 2_000_000  # rows above which a peer takes minutes, and is asked a few words once
SUPPORT, BOUNDED = "support1", "support2"

ILIKE = """
SELECT id FROM clients WHERE metadata->>'name' ILIKE %(like)s OR metadata->>'company' ILIKE %(like)s
    OR email ILIKE %(like)s OR metadata->>'phone' ILIKE %(like)s
ORDER BY updated_at DESC LIMIT 50
"""
RANKED = """
SELECT id FROM peer, to_tsquery('simple', %(query)s) q WHERE tsv @@ q ORDER BY ts_rank(tsv, q) DESC LIMIT 50
"""
TRIGRAM = "SELECT id FROM peer WHERE line LIKE %(like)s ORDER BY changed DESC LIMIT 50"

Times = dict[str, float]


def measured(server: EmbeddedServer, rows: int, tell: Callable[[str], None] = print) -> dict[str, Any]:
    target, vocabulary, made = _filled(server, rows, tell)
    chance = random.Random(5)
    one, two, typed = _words(vocabulary, chance)
    searching = Searching(_as(target, SUPPORT))
    told: dict[str, Any] = {
        "one_word": _times(searching, one),
        "two_words": _times(searching, two),
        "keystroke": _times(searching, typed),
    }
    complete = sum(_find(searching, words).complete for words in two)
    told["two_words"]["complete"] = round(complete / len(two), 3)
    searching.close()
    bounded = Searching(_as(target, BOUNDED))
    told["bounded_login"] = _times(bounded, one)
    bounded.close()
    tell("painting in a terminal")
    told["painted"] = _summed(painting.key_to_rows(_as(target, SUPPORT).url, ["anna smith", "group", "nowak"]))
    tell("asking the peers")
    many = rows > MANY
    told["peers"] = _peers(target, [*chance.sample(one, 0 if many else PEER_WORDS), "group", "smith", "anna", "a"])
    told["write_cost"] = _write_cost(target)
    told["index"] = {"seconds": round(made.seconds, 1), "bytes": made.bytes, "clients": made.clients}
    told["rows"] = rows
    target.close()
    return told


def _filled(server: EmbeddedServer, rows: int, tell: Callable[[str], None]) -> tuple[Target, Vocabulary, indexing.Made]:
    vocabulary = Vocabulary()
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        people.make_logins(connection)
        connection.execute(SQL("CREATE DATABASE searching OWNER {}").format(Identifier(people.ON_CALL.login)))
    target = Target(server.url("searching"), "agency")
    with target.executor_connection("bench") as line, line.begin():
        revisions.upgrade(line, "agency", "agency_0001")
    tell(f"filling in {rows:,} clients")
    with target.connect({"synchronous_commit": "off"}, "bench") as connection:
        fill(connection, rows, vocabulary)
        connection.execute("ANALYZE public.clients")
    arrange(target, "agency")
    people.make_operators(target)
    tell("indexing")
    made = indexing.make(target, described.load("agency"), "full")
    with target.session() as session:
        operators.open_tenant(session, SUPPORT, "*")
    searching = Searching(_as(target, SUPPORT))
    with target.session() as session:
        for client in finding.find(searching, finding.read(searching, "northern"), 8).clients:
            operators.open_tenant(session, BOUNDED, client.tenant)
    searching.close()
    return target, vocabulary, made


def _words(vocabulary: Vocabulary, chance: random.Random) -> tuple[list[str], list[str], list[str]]:
    """Common and rare ones, whole and begun, of each script; pairs of them; and each key of what somebody types."""
    hot = [*vocabulary.first[:40], *vocabulary.last[:40], *vocabulary.company[:40]]
    rare = [*chance.sample(vocabulary.first, 30), *chance.sample(vocabulary.last, 30)]
    begun = sorted({word[:length] for word in hot for length in range(1, 6)})
    numbers = [f"{chance.randrange(10**length):0{length}}" for length in (2, 3, 4, 4, 6, 8) for _ in range(6)]
    addresses = [f"{chance.choice(vocabulary.first[:200])}.{word[:3]}" for word in hot[:30]]
    one = [*hot, *rare, *begun, *numbers, *addresses, "zzzzzz", "gmbh", "viewer", "role:viewer", "company:group"]
    two = [f"{chance.choice(hot)} {chance.choice(hot)}" for _ in range(100)]
    two += [f"{chance.choice(hot)} {chance.choice(rare)}" for _ in range(60)]
    two += [f"{chance.choice(begun)} {chance.choice(begun)}" for _ in range(60)]
    sentences = ["anna smith", "northern harbour gmbh", "josé garcía", "4711", "maria.nowak", "петрова", "okafor group"]
    typed = [whole[:end].strip() for whole in sentences for end in range(1, len(whole) + 1)]
    return one, two, typed


def _times(searching: Searching, words: Iterable[str]) -> Times:
    """Of each search as its user waits for it, the pages having been read once before."""
    taken = []
    for again in (False, True):
        for word in words:
            began = time.perf_counter()
            _find(searching, word)
            if again:
                taken.append((time.perf_counter() - began) * 1000)
    return _summed(taken)


def _find(searching: Searching, word: str) -> finding.Found:
    return finding.find(searching, finding.read(searching, word))


def _summed(taken: list[float]) -> Times:
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[-1]
    return {"p50_ms": round(statistics.median(taken), 2), "p95_ms": round(p95, 2), "max_ms": round(max(taken), 2)}


def _peers(target: Target, words: list[str]) -> dict[str, Any]:
    words = [word for word in words if ":" not in word]
    told: dict[str, Any] = {}
    with psycopg.connect(target.url, autocommit=True) as connection:
        told["ilike"] = _asked(connection, ILIKE, words)
        connection.execute(
            "CREATE TABLE peer AS SELECT id, updated_at AS changed, lower(concat_ws(' ', metadata->>'name',"
            " metadata->>'company', email, metadata->>'phone')) AS line FROM clients"
        )
        connection.execute("ALTER TABLE peer ADD tsv tsvector GENERATED ALWAYS AS (to_tsvector('simple', line)) STORED")
        connection.execute("CREATE INDEX ON peer USING gin (tsv)")
        connection.execute("VACUUM ANALYZE peer")
        told["full_text_ranked"] = _asked(connection, RANKED, words)
        if connection.execute("SELECT FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone():
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            connection.execute("CREATE INDEX ON peer USING gin (line gin_trgm_ops)")
            told["pg_trgm"] = _asked(connection, TRIGRAM, words)
        connection.execute("DROP TABLE peer")
    return told


def _asked(connection: psycopg.Connection, question: str, words: list[str]) -> Times:
    taken = []
    for again in (False, True):
        for word in words:
            letters = "".join(char for char in word if char.isalnum()) or "a"
            began = time.perf_counter()
            connection.execute(question.encode(), {"like": f"%{word}%", "query": f"{letters}:*"}).fetchall()
            if again:
                taken.append((time.perf_counter() - began) * 1000)
    return _summed(taken)


def _write_cost(target: Target) -> dict[str, float]:
    """A new client and a changed name, with the index and with its triggers off."""
    told = {}
    with psycopg.connect(target.url, autocommit=True) as connection:
        for how in ("DISABLE", "ENABLE"):
            connection.execute(SQL("ALTER TABLE clients {} TRIGGER USER").format(SQL(how)))
            kind = "with_index" if how == "ENABLE" else "without"
            told[f"insert_{kind}_ms"] = _p50(
                connection,
                "INSERT INTO clients (email, metadata) VALUES (gen_random_uuid() || '@example.org',"
                ' \'{"name": "Nina Nobody", "company": "Nowhere Ltd", "phone": "+1 555 0100"}\')',
            )
            told[f"update_{kind}_ms"] = _p50(
                connection,
                "UPDATE clients SET metadata = metadata || jsonb_build_object('name', 'N ' || clock_timestamp())"
                " WHERE id = (SELECT id FROM clients WHERE email > gen_random_uuid()::text ORDER BY email LIMIT 1)",
            )
    told["insert_ratio"] = round(told["insert_with_index_ms"] / told["insert_without_ms"], 2)
    told["update_ratio"] = round(told["update_with_index_ms"] / told["update_without_ms"], 2)
    return told


def _p50(connection: psycopg.Connection, statement: str) -> float:
    taken = []
    for _ in range(300):
        began = time.perf_counter()
        connection.execute(statement.encode())
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 3)


def _as(target: Target, login: str) -> Target:
    return Target(target.url.replace("postgres@", f"{login}@"), target.name)


def lines(told: dict[str, Any]) -> Iterable[str]:
    for name in ("one_word", "two_words", "keystroke", "painted", "bounded_login"):
        one, goal = told[name], GOALS.get(name, GOALS["one_word"])
        verdict = "within" if one["p95_ms"] <= goal else "OVER"
        yield (f"search {name:<18} p50 {one['p50_ms']:>8.2f}  p95 {one['p95_ms']:>8.2f}  max {one['max_ms']:>8.2f} ms"
               f"   {verdict} {goal:g}")  # fmt: skip
    for name, one in told["peers"].items():
        ratio = one["p95_ms"] / told["one_word"]["p95_ms"]
        yield (f"peer {name:<20} p50 {one['p50_ms']:>8.2f}  p95 {one['p95_ms']:>8.2f}  max {one['max_ms']:>8.2f} ms"
               f"   {ratio:.0f} times ours")  # fmt: skip
    cost, index = told["write_cost"], told["index"]
    yield (f"a new client costs {cost['insert_ratio']} times as much, a changed name {cost['update_ratio']}; the index "
           f"of {index['clients']:,} took {index['seconds']} s and {index['bytes'] / 1e6:,.0f} MB")  # fmt: skip


def main() -> None:
    words = argparse.ArgumentParser(prog="bench.search", description=__doc__)
    words.add_argument("--rows", type=int, default=1_000_000, help="clients (1000000)")
    words.add_argument("--json", action="store_true", help="last, the figures as one JSON object")
    options = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="handrail-") as folder:
        server = postgres.start(18, Path(folder))
        try:
            told = measured(server, options.rows, lambda said: print(said, flush=True))
        finally:
            postgres.stop(18, Path(folder))
    print("\n".join(lines(told)))
    if options.json:
        print(json.dumps(told))


if __name__ == "__main__":
    main()
