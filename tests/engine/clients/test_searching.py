"""The session that searches reads only, gives up soon, is cancelled on the server, and never answers out of turn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from console.asking import Asking
from console.engine.clients import finding
from console.engine.clients.asking import Asked, Piece
from db import searching as session
from db.errors import ConnectionFailed, NotIndexed, RightMissing, StatementCancelled, StatementFailed
from db.searching import Searching
from db.session import Target
from tests.driving import ask
from tests.servers import wait_until
from tests.staffed import as_login

pytestmark = pytest.mark.newest  # it is not the server that decides

SLEEPING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"


@pytest.fixture
def searching(sample: Target) -> Iterator[Searching]:
    made = Searching(sample)
    yield made
    made.close()


@pytest.fixture
def asking(sample: Target) -> Iterator[Asking]:
    made = Asking(sample.url)
    yield made
    made.close()


def slowly(searching: Searching, answer: str, seconds: float = 1.5) -> str:
    searching.ask("SELECT pg_sleep(%s)", seconds)
    return answer


def at_once(searching: Searching, answer: str) -> str:
    return str(searching.ask("SELECT %s::text", answer))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO public.person (email) VALUES ('x')",
        "CREATE TABLE public.x ()",
        "SELECT nextval('public.s')",
        "TRUNCATE public.person",
    ],
)
def test_it_only_reads(sample: Target, searching: Searching, statement: str) -> None:
    ask(sample, "CREATE SEQUENCE s")
    with pytest.raises(StatementFailed, match="25006") as caught:
        searching.ask(statement)
    assert caught.value.sqlstate == "25006"


def test_what_no_database_takes_is_sent_as_what_none_holds(searching: Searching) -> None:
    """FM-E7"""
    assert searching.ask("SELECT %s::text", "a\x00\ud800b") == "a\ufffd\ufffdb"


def test_a_question_that_takes_too_long_is_given_up(searching: Searching) -> None:
    assert session.SETTINGS["statement_timeout"] == "2s"
    began = time.monotonic()
    with pytest.raises(StatementCancelled):
        searching.ask("SELECT pg_sleep(30)")
    assert 1.9 < time.monotonic() - began < 5
    assert searching.ask("SELECT 1") == 1


def test_a_cancel_ends_it_on_the_server(sample: Target, searching: Searching) -> None:
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(searching.ask, "SELECT pg_sleep(1.9)")
        wait_until(lambda: ask(sample, SLEEPING))
        searching.cancel()
        assert isinstance(asked.exception(5), StatementCancelled)
    assert ask(sample, SLEEPING) == 0
    searching.cancel()
    assert searching.ask("SELECT 1") == 1


def test_a_lost_connection_is_made_again(sample: Target, searching: Searching) -> None:
    pid = searching.ask("SELECT pg_backend_pid()")
    ask(sample, "SELECT pg_terminate_backend(%s, 5000)", pid)
    with pytest.raises(ConnectionFailed):
        searching.ask("SELECT 1")
    assert searching.ask("SELECT pg_backend_pid()") != pid


async def test_a_newer_search_takes_the_place_of_an_older_one(sample: Target, asking: Asking) -> None:
    older = asyncio.create_task(asking.search(slowly, "old"))
    await asyncio.to_thread(wait_until, lambda: ask(sample, SLEEPING))
    began = time.monotonic()
    assert await asking.search(at_once, "new") == "new"
    assert await older is None
    assert time.monotonic() - began < 1
    assert ask(sample, SLEEPING) == 0


async def test_of_many_keys_only_the_last_one_answers(asking: Asking) -> None:
    keys = [asyncio.create_task(asking.search(slowly, str(key), 0.2)) for key in range(8)]
    answers = await asyncio.gather(*keys)
    assert answers[-1] == "7"
    assert set(answers[:-1]) <= {None}


async def test_a_search_that_takes_too_long_says_so(asking: Asking) -> None:
    with pytest.raises(StatementCancelled):
        await asking.search(slowly, "never", 30)


async def test_what_is_looked_up_is_not_cancelled_by_a_search(sample: Target, asking: Asking) -> None:
    """A client's picture is no answer to a key."""
    picture = asyncio.create_task(asking.look_up(slowly, "picture", 1.0))
    await asyncio.to_thread(wait_until, lambda: ask(sample, SLEEPING))
    searched = [asyncio.create_task(asking.search(at_once, str(key))) for key in range(3)]
    assert await picture == "picture"
    assert await searched[-1] == "2"


def test_without_an_index_it_says_how_to_make_one(unindexed: Target) -> None:
    searching = Searching(unindexed)
    with pytest.raises(NotIndexed):
        finding.read(searching, "anna")
    searching.close()


def test_who_may_not_search_is_told_so(full: Target) -> None:
    for login in ("dba1", "audit1"):
        searching = Searching(as_login(full, login))
        with pytest.raises(RightMissing):
            finding.find(searching, Asked((Piece("anna"),)))
        searching.close()
