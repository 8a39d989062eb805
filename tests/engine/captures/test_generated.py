"""Generated writers over a table that refers to itself: all of it is there after the way back, one step or two."""

from __future__ import annotations

import random

import psycopg
import pytest

from db.session import Target
from tests.engine.captures.stepping import NOTHING, back_one, capture, made, on
from tests.engine.captures.writing import aside, down, others, rows, up

pytestmark = pytest.mark.newest

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, n int, s text, a int[], j jsonb,
    parent int REFERENCES t ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE);
INSERT INTO t SELECT i, i, 'x' || i, ARRAY[i], '{}', nullif(i / 2, 0) FROM generate_series(1, 20) i
"""
RESTORE = """
SET CONSTRAINTS ALL DEFERRED;
DELETE FROM t WHERE id NOT IN (SELECT id FROM c);
INSERT INTO t SELECT * FROM c WHERE id NOT IN (SELECT id FROM t);
UPDATE t SET parent = c.parent, n = c.n, s = c.s, a = c.a, j = c.j FROM c WHERE c.id = t.id
"""
# {k}: any key from 1 to 20, another one each time
WRITES = (
    "INSERT INTO t (id, n, s) VALUES ({k}, {k}, 'new')",
    """INSERT INTO t (id, n, j) VALUES ({k}, {k}, '{{"a": 1}}') ON CONFLICT (id) DO UPDATE SET n = excluded.n, j = excluded.j""",
    "UPDATE t SET n = n + {k} WHERE id % 3 = {k} % 3",
    "UPDATE t SET s = 's{k}', a = ARRAY[{k}, NULL] WHERE id = {k}",
    "UPDATE t SET id = {k} WHERE id = {k}",
    "UPDATE t SET id = id + 20, n = n + 1 WHERE id <= {k}",
    "UPDATE t SET id = id - 20, s = s || 'd' WHERE id > 20",
    "DELETE FROM t WHERE id = {k}",
    "DELETE FROM t WHERE id % 7 = {k} % 7",
    "UPDATE t SET parent = (SELECT min(id) FROM t) WHERE id = {k}",
    "WITH d AS (DELETE FROM t WHERE id = {k} RETURNING *) INSERT INTO t (id, n, s) SELECT id + 40, n, s FROM d",
    "MERGE INTO t USING (SELECT generate_series({k}, {k}) AS id) v ON v.id = t.id WHEN MATCHED AND t.n % 2 = 0 THEN DELETE"
    " WHEN MATCHED THEN UPDATE SET n = t.n + 1, j = NULL WHEN NOT MATCHED THEN INSERT (id, n, s) VALUES (v.id, 1, 'm')",
    """UPDATE t SET j = j || '{{"b": 2}}', s = NULL WHERE id = {k}""",
    "DO $$ BEGIN UPDATE t SET n = 99 WHERE id = {k}; BEGIN DELETE FROM t; RAISE 'x'; EXCEPTION WHEN OTHERS THEN NULL; END; END $$",
)  # fmt: skip


class Key:
    """A random one each time that it is written into a statement."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def __format__(self, spec: str) -> str:
        return str(self.chance.randint(1, 20))


def write(target: Target, chance: random.Random) -> None:
    """Some transactions of one to three statements; one that the table refuses leaves nothing."""
    for _ in range(chance.randint(1, 8)):
        try:
            others(target, *(chance.choice(WRITES).format(k=Key(chance)) for _ in range(chance.randint(1, 3))))
        except psycopg.Error:
            continue


@pytest.mark.parametrize("seed", range(24))
def test_all_of_it_is_there(sample: Target, seed: int) -> None:
    chance = random.Random(seed)
    others(sample, TABLE)
    copied = ("CREATE TABLE c AS TABLE t", f"{RESTORE}; DROP TABLE c")
    number = up(sample, made(capture(), one=copied, two=("SELECT 1", RESTORE) if seed % 2 else NOTHING), "one")
    write(sample, chance)
    on(sample, number, "two")
    write(sample, chance)
    if seed % 3 == 0:
        before = rows(sample, "SELECT * FROM t ORDER BY id")
        back_one(sample, number)
        assert rows(sample, "SELECT * FROM t ORDER BY id") == before
        write(sample, chance)
    before = rows(sample, "SELECT * FROM t ORDER BY id")
    down(sample, number)
    assert rows(sample, "SELECT * FROM t ORDER BY id") == before
    assert aside(sample) == []
