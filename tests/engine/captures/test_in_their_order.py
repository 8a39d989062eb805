"""What others write by other ways than a statement on the table: their triggers, a parent, a subscription."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from db import postgres
from db.session import Target
from tests.crash import templates
from tests.driving import ask
from tests.engine.captures.stepping import OVERWRITTEN, TABLE, capture, made
from tests.engine.captures.writing import aside, down, others, rows, up
from tests.servers import Server, server_folder, wait_until

pytestmark = pytest.mark.newest

AGAIN = """
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE t SET n = 6 WHERE id = 1 AND n = 5; RETURN NULL;
END $$;
CREATE TRIGGER "0 again" AFTER UPDATE ON t FOR EACH {each} WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION again()
"""
CLOSING = """
CREATE FUNCTION close() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE t SET s = 'closed' WHERE s = 'open'; RETURN NEW;
END $$;
CREATE TRIGGER close BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION close()
"""
DELETING = """
CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM t WHERE id = NEW.id + 1 AND id > 10; RETURN NULL;
END $$;
CREATE TRIGGER gone AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION gone()
"""
MOVED = (
    "CREATE TABLE whole (id int PRIMARY KEY, n int, s text) PARTITION BY RANGE (id)",
    "CREATE TABLE t PARTITION OF whole FOR VALUES FROM (0) TO (10)",
    "CREATE TABLE rest PARTITION OF whole DEFAULT",
    "INSERT INTO whole SELECT i, 0, 'a' FROM generate_series(1, 5) i",
)
NEWS = "CREATE PUBLICATION news FOR TABLE t"


@pytest.mark.parametrize("each", ["ROW", "STATEMENT"])
def test_what_a_trigger_of_theirs_writes_once_more_is_the_last(sample: Target, each: str) -> None:
    others(sample, TABLE, AGAIN.format(each=each))
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(sample, "UPDATE t SET n = 5 WHERE id = 1")
    assert rows(sample, "SELECT wrote FROM handrail.captured") == [{"wrote": {"n": 6}}]
    down(sample, number)
    assert ask(sample, "SELECT n FROM t WHERE id = 1") == 6


def test_another_row_of_the_same_statement_that_their_trigger_changes_is_kept_as_it_is(sample: Target) -> None:
    """Each new row closes the one before it, also one that the same statement inserted."""
    others(sample, TABLE, CLOSING)
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(sample, "INSERT INTO t VALUES (11, 1, 'open'), (12, 1, 'open'), (13, 1, 'open')")
    before = rows(sample, "SELECT id, s FROM t ORDER BY id")
    assert [row["s"] for row in before[-3:]] == ["closed", "closed", "open"]
    down(sample, number)
    assert rows(sample, "SELECT id, s FROM t ORDER BY id") == before
    assert aside(sample) == []


def test_a_row_that_their_trigger_deletes_in_the_same_statement_stays_away(sample: Target) -> None:
    others(sample, TABLE, DELETING)
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(sample, "INSERT INTO t VALUES (11, 1, 'x'), (12, 1, 'x')")
    down(sample, number)
    assert ask(sample, "SELECT array_agg(id ORDER BY id) FROM t WHERE id > 10") == [11]


def test_what_comes_through_a_parent_is_kept(sample: Target) -> None:
    others(sample, *MOVED)
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(
        sample, "UPDATE whole SET n = 5 WHERE id = 1", "UPDATE whole SET id = 12 WHERE id = 2",
        "UPDATE whole SET id = 7, n = 7 WHERE id = 3", "INSERT INTO whole VALUES (8, 8, 'new')",
        "DELETE FROM whole WHERE id = 4",
    )  # fmt: skip
    before = rows(sample, "SELECT * FROM whole ORDER BY id")
    down(sample, number)
    assert rows(sample, "SELECT * FROM whole ORDER BY id") == before
    assert aside(sample) == []


def test_what_comes_through_an_inherited_table_is_kept(sample: Target) -> None:
    others(sample, "CREATE TABLE root (id int, n int)", "CREATE TABLE t (PRIMARY KEY (id)) INHERITS (root)")
    others(sample, "INSERT INTO t VALUES (1, 0)")
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(sample, "UPDATE root SET n = 5")
    down(sample, number)
    assert ask(sample, "SELECT n FROM t") == 5


def test_rows_that_pass_their_keys_on_are_kept(sample: Target) -> None:
    others(sample, TABLE)
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(sample, "UPDATE t SET id = id - 1, n = id")
    before = rows(sample, "SELECT * FROM t ORDER BY id")
    down(sample, number)
    assert rows(sample, "SELECT * FROM t ORDER BY id") == before
    assert aside(sample) == []


@pytest.fixture
def logical() -> Iterator[Server]:
    """A server of its own, from which a subscription can be fed, with the template `people`."""
    with server_folder() as folder:
        server = Server(18, postgres.start(18, folder))
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET wal_level = logical")
        postgres.stop(18, folder)
        postgres.start(18, folder)
        templates.people(server, "people")
        yield server


def test_what_a_subscription_writes_is_kept(logical: Server) -> None:
    source, sample = Target(logical.create("source")), Target(logical.create("fed", "people"))
    others(sample, TABLE)
    others(source, TABLE, NEWS)
    ask(source, "SELECT pg_create_logical_replication_slot('feed', 'pgoutput')")
    feed = f"CREATE SUBSCRIPTION feed CONNECTION '{logical.url('source')}' PUBLICATION news"
    others(sample, f"{feed} WITH (create_slot = false, slot_name = 'feed', copy_data = false)")
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(source, "UPDATE t SET n = 5 WHERE id = 1", "DELETE FROM t WHERE id = 2")
    wait_until(lambda: ask(sample, "SELECT count(*) FROM handrail.captured") == 2)
    down(sample, number)
    assert rows(sample, "SELECT id, n FROM t WHERE id < 3") == [{"id": 1, "n": 5}]
    sample.close()
    source.close()


NEXT = """
CREATE FUNCTION next() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE t SET s = 'closed' WHERE id = NEW.id + 1 AND n > 0; RETURN NULL;
END $$;
CREATE TRIGGER "0 next" AFTER UPDATE ON t FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION next()
"""


@pytest.mark.parametrize("between", [("COMMIT",), ()], ids=["another transaction", "the same transaction"])
def test_what_was_written_before_is_not_put_over_what_is_told_late(sample: Target, between: tuple[str, ...]) -> None:
    """Their trigger changes another column of the second row before the statement's own change of it is told."""
    others(sample, TABLE, NEXT)
    number = up(sample, made(capture(), one=OVERWRITTEN), "one")
    others(sample, "UPDATE t SET n = 1 WHERE id = 2", *between, "UPDATE t SET n = 5 WHERE id < 3")
    before = rows(sample, "SELECT * FROM t ORDER BY id")
    assert before[1] == {"id": 2, "n": 5, "s": "closed"}
    down(sample, number)
    assert rows(sample, "SELECT * FROM t ORDER BY id") == before
    assert aside(sample) == []
