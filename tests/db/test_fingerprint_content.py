"""Content by count and hash: nothing but the rows themselves changes it, and each change of a row does."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from db import fingerprint
from db.fingerprint import content
from db.session import Target
from tests.driving import ask, fingerprinted
from tests.servers import Server

EVERY_TYPE = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN document AS json;
CREATE TABLE every (
    id int PRIMARY KEY, t text, at timestamptz, day date, wait interval, part float8, few real, sum numeric, price money,
    raw bytea, raws bytea[], mood mood, moods mood[], pair pair, j json, js json[], jb jsonb, d document, p point,
    span tstzrange, days daterange, b bit(3), c char(5), who regclass, net inet, v varchar(9), spans int4multirange
);
INSERT INTO every VALUES (1, 'a', '2026-11-21 10:00Z', '2026-02-03', '1 day 02:03', 0.1, 0.1, 1.0, 12.5, '\\xff',
    '{"\\\\xff"}', 'bad', '{bad,good}', '(1,x)', '{}', '{"{}"}', '{"a": 1.0}', '[1]', '(1,2)',
    '[2026-01-01,2026-01-02)', '[2026-01-01,2026-01-02)', '101', 'ab', 'pg_class', '10.0.0.1/8', 'v', '{[1,2)}');
"""
# columns whose values somebody changes while the type calls old and new equal, or has no hash
CHANGES = [
    ("wait", "'26:03'"), ("sum", "1.00"), ("jb", """'{"a": 1.00}'"""), ("part", "0.10000000000000002"),
    ("price", "12.51"), ("raws", "'{}'"), ("mood", "'good'"), ("moods", "'{good,bad}'"), ("pair", "'(1,)'"),
    ("j", "'{ }'"), ("js", "NULL"), ("d", "'[2]'"), ("p", "'(2,1)'"), ("b", "'100'"),
    ("c", "'abc'"), ("who", "'pg_type'"), ("net", "'10.0.0.1/9'"), ("v", "''"), ("t", "NULL"), ("at", "now()"),
    ("spans", "'{}'"),
]  # fmt: skip


@pytest.fixture
def every(sample: Target) -> Target:
    ask(sample, EVERY_TYPE)
    return sample


def seen(target: Target) -> dict[str, list[object]]:
    return fingerprinted(target).content


@pytest.mark.parametrize(
    "settings",
    [
        "SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'",
        "SET extra_float_digits = -10; SET bytea_output = 'escape'; SET xmlbinary = 'hex'; SET search_path = public",
    ],
)
def test_settings_of_the_session_change_no_hash(every: Target, settings: str) -> None:
    with every.executor_connection("test") as connection, connection.begin():
        before = fingerprint.tables(connection)
    with every.executor_connection("test") as connection, connection.begin():
        connection.exec_driver_sql(settings)
        assert fingerprint.tables(connection) == before


def test_settings_of_the_session_are_as_before_afterwards(every: Target) -> None:
    with every.executor_connection("test") as connection:
        with connection.begin():
            fingerprint.take(connection)
        assert connection.exec_driver_sql("SHOW search_path").scalar_one() == '"$user", public'


@pytest.fixture(scope="module")
def changing(server: Server, people: str) -> Iterator[Target]:
    target = Target(server.create("changing", people))
    ask(target, EVERY_TYPE)
    yield target
    target.close()
    server.drop("changing")


@pytest.mark.parametrize(("column", "value"), CHANGES, ids=[change[0] for change in CHANGES])
def test_a_change_that_the_type_may_call_none(changing: Target, column: str, value: str) -> None:
    before = seen(changing)
    ask(changing, "CREATE TABLE IF NOT EXISTS kept AS TABLE every")
    before = seen(changing)
    ask(changing, f"UPDATE every SET {column} = {value}")
    assert seen(changing)["public.every"] != before["public.every"]
    ask(changing, "DELETE FROM every; INSERT INTO every TABLE kept")
    assert seen(changing) == before


def test_a_text_whose_collation_is_blind_is_hashed_by_its_letters(sample: Target) -> None:
    try:
        ask(sample, "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)")
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("a server without ICU has no such collation")
    ask(sample, "CREATE TABLE blind (name text COLLATE blind); INSERT INTO blind VALUES ('a')")
    before = seen(sample)
    ask(sample, "UPDATE blind SET name = 'A'")
    assert seen(sample) != before


def test_another_database_with_the_same_content_is_equal(every: Target, server: Server) -> None:
    """Made anew in another order: enum values and objects have other numbers there."""
    ask(every, "CREATE TABLE filler (a int)")
    other = Target(server.create(f"{ask(every, 'SELECT current_database()')}_other"))
    try:
        ask(other, "CREATE TABLE pad (a int); DROP TABLE pad; CREATE TABLE filler (a int);")
        ask(other, "CREATE TYPE first AS ENUM ('x'); DROP TYPE first;" + EVERY_TYPE)
        here, there = seen(every), seen(other)
        assert here["public.every"] == there["public.every"]
    finally:
        other.close()
        server.drop(f"{ask(every, 'SELECT current_database()')}_other")


def test_rows_fall_into_buckets_by_their_key_alone(sample: Target) -> None:
    ask(sample, "CREATE TABLE two (b text, a int, note text, PRIMARY KEY (a, b))")
    ask(sample, "INSERT INTO two SELECT 'x' || i, i, 'n' FROM generate_series(1, 5000) i")

    def looked() -> tuple[list[object], dict[int, str], list[content.Row]]:
        with sample.executor_connection("test") as connection, connection.begin():
            (table,) = [one for one in content.listed(connection) if one.name == "two"]
            whole, buckets = content.bucketed(connection, table)
            assert whole == content.summed(connection, table)
            return whole, buckets, list(content.rows(connection, table))

    whole, buckets, rows = looked()
    assert [row.key for row in rows if row.key == ("7", "x7")] == [("7", "x7")]
    assert sum(map(int, buckets.values())) == int(str(whole[1]).removeprefix(content.FORMULA))
    order = [(row.place % content.BUCKETS, row.place) for row in rows]
    assert order == sorted(order)
    ask(sample, "UPDATE two SET note = 'm' WHERE a = 7")
    _, then, _ = looked()
    differ = {bucket for bucket in buckets if buckets[bucket] != then[bucket]}
    assert differ == {row.place % content.BUCKETS for row in rows if row.key == ("7", "x7")}


def test_a_parent_holds_its_own_rows_alone(sample: Target) -> None:
    ask(sample, "CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (1)")
    assert (seen(sample)["public.parent"][0], seen(sample)["public.child"][0]) == (0, 1)


def test_a_table_without_columns_has_rows(sample: Target) -> None:
    ask(sample, "CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES")
    assert seen(sample)["public.nothing"][0] == 1


def test_a_table_that_nobody_has_analyzed_is_not_sorted(sample: Target) -> None:
    """The planner takes a thousand buckets for as many as there are rows."""
    ask(sample, "CREATE TABLE many (id int PRIMARY KEY); INSERT INTO many SELECT generate_series(1, 20000)")
    with sample.executor_connection("test") as connection, connection.begin():
        (table,) = [one for one in content.listed(connection) if one.name == "many"]
        connection.exec_driver_sql("SET LOCAL work_mem = '64kB'")
        _, buckets = content.bucketed(connection, table)
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT (hash_record_extended(ROW(id), 0) & 1023)::int, count(*) FROM public.many GROUP BY 1"
        )
        assert str(plan.scalars().first()).startswith("HashAggregate")
    assert len(buckets) == content.BUCKETS
