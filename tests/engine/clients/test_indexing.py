"""Making the index beside a target that is in use: nothing is missed, nobody waits, and nothing is left behind."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from console.engine import retrying
from console.engine.clients import described, finding, indexing, removing
from console.engine.clients.indexing import Made
from console.engine.errors import RunRefused
from db import catalog, fingerprint, revisions
from db.errors import LockNotGranted, NotIndexed
from db.searching import Searching
from db.session import Target
from tests.driving import ask, fingerprinted, session_of
from tests.engine.clients import crowd, test_following
from tests.engine.clients.stepping import in_step
from tests.servers import Server
from tests.staffed import as_login

SEED = 20_261_121
Change = Callable[[psycopg.Connection, random.Random], None]
AT_WORK: tuple[Change, ...] = (test_following.added, test_following.renamed, test_following.moved, test_following.gone,
           test_following.rekeyed, test_following.upserted, test_following.rolled_back)  # fmt: skip


def make(target: Target, profile: str = "full", tell: indexing.Tell = lambda _: None) -> Made:
    return indexing.make(target, crowd.AGENCY, profile, tell)


class Application:
    """Somebody who writes all the while."""

    def __init__(self, target: Target, changes: Sequence[Change], wait: float = 0.0) -> None:
        self.target, self.changes, self.wait = target, changes, wait
        self.chance = random.Random(f"{SEED} {wait}")
        self.over, self.written = threading.Event(), 0
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        try:
            with psycopg.connect(self.target.url, autocommit=True) as line:
                while not self.over.is_set():
                    with line.transaction():
                        self.chance.choice(self.changes)(line, self.chance)
                        self.over.wait(self.wait)
                    self.written += 1
        except BaseException as error:
            self.error = error

    def stop(self) -> None:
        self.over.set()
        self.thread.join(30)
        assert self.error is None
        assert self.written > 0


@contextmanager
def at_work(target: Target) -> Iterator[None]:
    """One that changes everything, and one that adds in transactions that last."""
    made = [Application(target, AT_WORK), Application(target, [test_following.added], 0.02)]
    for one in made:
        one.thread.start()
    try:
        yield
    finally:
        for one in made:
            one.stop()


@pytest.mark.parametrize("profile", ["full", "lite"])
def test_nothing_is_missed_while_others_write(unindexed: Target, profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small batches, so that a great deal is written between them; made, and made anew."""
    monkeypatch.setattr(indexing, "BATCH", 100)
    with at_work(unindexed):
        first = make(unindexed, profile)
        again = make(unindexed, profile)
    assert in_step(unindexed)
    assert (first.profile, again.profile) == (profile, profile)
    assert first.changed + again.changed > 0
    assert first.clients > 1000


def test_a_client_of_two_tables_is_counted_once(unindexed: Target) -> None:
    made = make(unindexed)
    there = "SELECT count(DISTINCT id) FROM (SELECT id FROM clients UNION ALL SELECT id FROM clients_enhanced) AS both_"
    assert made.clients == ask(unindexed, there) == ask(unindexed, "SELECT count(*) FROM handrail_search.entry")


@pytest.mark.parametrize("kind", ["bigint", "text", "varchar(20)"])
def test_keys_of_any_type_are_met_once(
    unindexed: Target, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Batches go on by the key's own order, which for numbers is not that of their digits."""
    monkeypatch.setattr(indexing, "BATCH", 7)
    ask(unindexed, f"CREATE TABLE counted (id {kind} PRIMARY KEY, called text)")
    ask(unindexed, "INSERT INTO counted SELECT n::text::" + kind + ", 'Number ' || n FROM generate_series(1, 300) n")
    (tmp_path / "counted.toml").write_text(
        'tenant = "name"\n[[source]]\ntable = "public.counted"\ntitle = "C"\nid = "id"\nfields = {name = "called"}\n'
        'shows = []\n[[field]]\nname = "name"\ntitle = "N"\ncode = "n"\nkind = "words"\n'
    )
    told: list[str] = []
    made = indexing.make(unindexed, described.load("counted", tmp_path), "full", told.append)
    assert made.clients == ask(unindexed, "SELECT count(*) FROM handrail_search.entry") == 300
    assert len([one for one in told if one.endswith("clients") and one[0].isdigit()]) == 43


STOPS: list[str] = ["reading the clients", "300 clients", "building the indexes"]


@pytest.mark.parametrize("at", STOPS)
def test_stopped_in_the_middle_it_is_made_again(unindexed: Target, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told half of it meanwhile, and the application goes on."""
    monkeypatch.setattr(indexing, "BATCH", 300)

    class StoppedHere(Exception):
        pass

    def tell(words: str) -> None:
        if words == at:
            raise StoppedHere

    with pytest.raises(StoppedHere):
        make(unindexed, tell=tell)
    ask(unindexed, "INSERT INTO clients_enhanced (name) VALUES ('Meanwhile')")
    assert ask(unindexed, "SELECT count(*) FROM handrail_search.pending") == 1
    searching = Searching(as_login(unindexed, "support1"))
    with pytest.raises(NotIndexed):
        finding.find(searching, finding.read(searching, "smith"))
    searching.close()
    make(unindexed)
    assert in_step(unindexed)
    ask(unindexed, "INSERT INTO clients_enhanced (name) VALUES ('Afterwards')")
    assert in_step(unindexed)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder of which one needs not wait for the end."""
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 0.1), (0.1, 0.1), (0.2, 0.0)))


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("table", ["clients", "clients_enhanced"])
@pytest.mark.parametrize("again", [False, True], ids=["at first", "again"])
def test_a_lock_of_somebody_is_not_waited_for(unindexed: Target, table: str, again: bool) -> None:
    """The ladder's own time and no longer; who comes meanwhile does not stand behind it."""
    if again:
        make(unindexed)
    with session_of(unindexed) as other, at_work_on(unindexed, table) as longest:
        other.execute(f"UPDATE {table} SET updated_at = now() WHERE id = (SELECT id FROM {table} LIMIT 1)".encode())
        began = time.monotonic()
        with pytest.raises(LockNotGranted):
            make(unindexed)
        took = time.monotonic() - began
    assert took < 5
    assert max(longest) < 0.8
    make(unindexed)
    assert in_step(unindexed)


@contextmanager
def at_work_on(target: Target, table: str) -> Iterator[list[float]]:
    """Short writes of other rows of a table, and how long each took."""
    over, took = threading.Event(), [0.0]

    def write() -> None:
        with psycopg.connect(target.url, autocommit=True) as line:
            while not over.is_set():
                began = time.monotonic()
                line.execute(f"DELETE FROM {table} WHERE id = gen_random_uuid()".encode())
                line.execute("INSERT INTO clients_enhanced (name) VALUES ('Short')")
                took.append(time.monotonic() - began)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield took
    finally:
        over.set()
        thread.join(30)


def test_without_the_groups_it_is_refused(server: Server) -> None:
    """The groups belong to the server: without them there is nobody to own it."""
    target = Target(server.create("ungrouped"), "agency")
    with psycopg.connect(target.url, autocommit=True) as line:
        line.execute("ALTER ROLE handrail_owner RENAME TO handrail_owner_away")
        try:
            with pytest.raises(RunRefused, match="group roles"):
                make(target)
            assert ask(target, "SELECT to_regnamespace('handrail_search')") is None
        finally:
            line.execute("ALTER ROLE handrail_owner_away RENAME TO handrail_owner")
    server.drop("ungrouped")


def test_in_another_encoding_it_is_refused(server: Server, crowded: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as line:
        line.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
                     + (" LOCALE_PROVIDER libc" if server.version > 15 else ""))  # fmt: skip
    with pytest.raises(RunRefused, match="UTF8"):
        make(Target(server.url("latin"), "agency"))
    server.drop("latin")


def test_with_no_table_there_it_is_refused(unindexed: Target) -> None:
    ask(unindexed, "ALTER TABLE clients RENAME TO customers")
    ask(unindexed, "DROP TABLE clients_enhanced")
    with pytest.raises(RunRefused, match="None of the tables"):
        make(unindexed)


def test_a_table_that_comes_later_is_followed_from_the_next_time_on(unindexed: Target) -> None:
    ask(unindexed, "ALTER TABLE clients_enhanced RENAME TO later")
    made = make(unindexed)
    assert made.clients == ask(unindexed, "SELECT count(*) FROM clients")
    ask(unindexed, "ALTER TABLE later RENAME TO clients_enhanced")
    make(unindexed)
    assert in_step(unindexed)


def look(target: Target) -> tuple[object, object]:
    with target.executor_connection("test") as connection, connection.begin():
        return fingerprint.take(connection), catalog.objects(connection)


def test_it_is_no_part_of_what_the_target_looks_like(unindexed: Target) -> None:
    """Neither the fingerprint nor the objects that drift is told by change; nor when it is taken away."""
    before = look(unindexed)
    make(unindexed)
    assert look(unindexed) == before
    removing.remove(unindexed)
    assert look(unindexed) == before
    assert ask(unindexed, "SELECT to_regnamespace('handrail_search')") is None
    ask(unindexed, "INSERT INTO clients_enhanced (name) VALUES ('Afterwards')")


EMPTY = """
SELECT array_agg(name) FROM (
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'handrail_search'::regnamespace
    UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'handrail_search'::regnamespace
    UNION ALL SELECT typname FROM pg_type WHERE typnamespace = 'handrail_search'::regnamespace
    UNION ALL SELECT tgname FROM pg_trigger WHERE tgname LIKE 'handrail_search%'
    UNION ALL SELECT polname FROM pg_policy WHERE polname LIKE 'handrail_search%') AS left_
WHERE name NOT LIKE '%alembic_version%'
"""


def test_its_revisions_go_down_to_nothing_and_up_again(full: Target) -> None:
    before = fingerprinted(full)
    with full.executor_connection("test") as connection, connection.begin():
        for revision in reversed(revisions.known(revisions.SEARCH)):
            revisions.downgrade(connection, revisions.SEARCH, revision)
    assert ask(full, EMPTY) is None
    assert fingerprinted(full) == before
    ask(full, "INSERT INTO clients_enhanced (name) VALUES ('Afterwards')")
    ask(full, "UPDATE clients SET role = 'afterwards'")
    make(full)
    assert in_step(full)


def test_the_profile_is_chosen_by_how_many_there_are(unindexed: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statistics or not: a table that was just filled has none yet."""
    assert indexing.make(unindexed, crowd.AGENCY).profile == "lite"
    monkeypatch.setattr(indexing, "LITE_UP_TO", 1000)
    assert indexing.make(unindexed, crowd.AGENCY).profile == "full"


def test_a_publication_of_everything_is_in_nobodys_way(full: Target) -> None:
    ask(full, "CREATE PUBLICATION everything FOR ALL TABLES")
    chance = random.Random(SEED)
    with psycopg.connect(full.url, autocommit=True) as line:
        for change in AT_WORK:
            change(line, chance)
    assert in_step(full)
