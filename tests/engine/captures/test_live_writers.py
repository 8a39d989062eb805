"""Up a part of a plan and down again while others write: every acknowledged write is there once, in place or set aside."""

from __future__ import annotations

import random
import threading
import uuid
from typing import Any

import psycopg
import pytest

from db.session import Target
from tests.driving import state
from tests.engine.captures.writing import OVERWRITING, aside, down, plan, rows, up

WRITERS = 3


class Writer(threading.Thread):
    """Writes to keys of its own, one statement a transaction; `last` is what was acknowledged of each, by column.

    None stands for a row that was deleted; a statement that failed changes nothing.
    """

    def __init__(self, url: str, keys: list[str], seed: int) -> None:
        super().__init__(daemon=True)
        self.last: dict[str, dict[str, Any] | None] = {}
        self.count = 0
        self.enough = threading.Event()
        self._url, self._keys, self._chance = url, keys, random.Random(seed)

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self.enough.wait(0.001):
                try:
                    self._write(connection)
                except (psycopg.errors.UndefinedColumn, psycopg.errors.UniqueViolation):
                    continue  # email_lc is not there yet or any more; or the undo brought back who was deleted
                self.count += 1

    def _write(self, connection: psycopg.Connection) -> None:
        key, said = self._chance.choice(self._keys), f"w{self.count}"
        what = self._chance.choice(["new", "n", "n", "email", "email_lc", "delete", "again"])
        here = self.last.get(key, {})
        if what == "new":
            key = str(uuid.UUID(int=self._chance.getrandbits(128)))
            connection.execute("INSERT INTO person (id, email, n) VALUES (%s, %s, 7)", (key, said))
            self._keys.append(key)
            self.last[key] = {"email": said, "n": 7}
        elif what == "again" and here is None:
            connection.execute("INSERT INTO person (id, email, n) VALUES (%s, %s, 8)", (key, said))
            self.last[key] = {"email": said, "n": 8}
        elif what == "delete" and here is not None and self._chance.random() < 0.3:
            connection.execute("DELETE FROM person WHERE id = %s", (key,))
            self.last[key] = None
        elif what in ("n", "email", "email_lc") and here is not None:
            value = self.count * 1000 if what == "n" else said  # never what the backfill has put there already
            connection.execute(f"UPDATE person SET {what} = %s WHERE id = %s", (value, key))
            self.last[key] = {**here, what: value}


@pytest.mark.parametrize("until", ["copy", "column", "fill"])
@pytest.mark.parametrize("rule", ["carried back", "set aside"])
def test_every_acknowledged_write_is_there_once(sample: Target, until: str, rule: str) -> None:
    before = {str(row["id"]): row for row in rows(sample, "SELECT * FROM person")}
    keys = sorted(before)
    seed = random.randrange(10**6)
    writers = [Writer(sample.url, keys[place * 40 : place * 40 + 40], seed + place) for place in range(WRITERS)]
    for writer in writers:
        writer.start()
    number = up(sample, plan(OVERWRITING, rule), until)
    down(sample, number)
    for writer in writers:
        writer.enough.set()
        writer.join(30)
        assert not writer.is_alive()
    assert state(sample, number) == "rolled back"
    written = {key: last for writer in writers for key, last in writer.last.items()}
    assert sum(writer.count for writer in writers) > 30, seed
    after = {str(row["id"]): row for row in rows(sample, "SELECT * FROM person")}
    kept: dict[str, list[dict[str, Any]]] = {}
    for row in aside(sample):
        kept.setdefault(row["key"]["id"], []).append(row)
    untouched = before.keys() - written.keys()
    assert {key: after.get(key) for key in untouched} == {key: before[key] for key in untouched}, seed
    assert after.keys() - before.keys() <= written.keys()
    for key, last in written.items():
        assert _missing(key, last, after.get(key), kept.get(key, [])) == [], (
            seed,
            key,
            last,
            after.get(key),
            kept.get(key),
        )
        if rule == "carried back" and last is not None:
            assert {name: value for name, value in last.items() if name != "email_lc"}.items() <= after[key].items()


def _missing(
    key: str, last: dict[str, Any] | None, here: dict[str, Any] | None, kept: list[dict[str, Any]]
) -> list[str]:
    """What was acknowledged and is neither in place nor set aside; or is both."""
    if last is None:
        return [] if (here is None) != any(row["op"] == "delete" for row in kept) else [f"{key} deleted"]
    wrong = []
    for name, value in last.items():
        in_place = here is not None and here.get(name) == value
        set_aside = any((row["row"] or {}).get(name) == value for row in kept)
        if in_place == set_aside:
            wrong.append(name)
    return wrong
