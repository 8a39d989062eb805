"""A step that waits for a lock says for whom, and a person may end that session: by its name, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread

import psycopg
import pytest

from console.widgets import run_blocking
from db.queries.blocking import Blocker
from tests.screens.person import Person, console
from tests.screens.sample import HOSTILE
from tests.screens.waiting import ask, held, journalled, ladder

Size = tuple[int, int]
WAITS = """SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database()"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    ladder(monkeypatch)


@contextmanager
def reporting(url: str) -> Iterator[tuple[psycopg.Connection, list[psycopg.Error]]]:
    """A session with a long statement under way that reads people, and how that ended."""
    ended: list[psycopg.Error] = []

    def report() -> None:
        try:
            holder.execute("SELECT count(*), pg_sleep(600) FROM person")
        except psycopg.Error as error:
            ended.append(error)

    with psycopg.connect(url, autocommit=True, application_name="report") as holder:
        reader = Thread(target=report)
        reader.start()
        try:
            yield holder, ended
        finally:
            if reader.is_alive():
                holder.cancel_safe()
            reader.join()


async def blocked(person: Person) -> None:
    """Step 1 under way, and somebody in its way."""
    await person.starts_run()
    await person.goes_on("Do step 1 add the column now?")
    await person.sees("blocked by pid")


async def test_now_names_the_blockers_oldest_first_and_counts_the_rest(url: str, size: Size) -> None:
    async with console(url, size) as person:
        with ExitStack() as stack:
            pids = [stack.enter_context(held(url, f"report {n}")).info.backend_pid for n in range(5)]
            await blocked(person)
            await person.sees("and 2 more", "b looks at them", "lock not granted: try", "of 200")
            named = [
                f"blocked by pid {pid} postgres (report {n}) idle in transaction for" for n, pid in enumerate(pids)
            ]
            await person.sees(*named[:3])
            places = [person.reading.index(name) for name in named[:3]]
            assert places == sorted(places)
            assert named[3] not in person.reading
        await person.sees("✓ done    1 add", "next: checkpoint ready to copy")
        await person.until(lambda: "looks at them" not in person.reading)


async def test_one_alone_is_shown_with_what_it_holds_and_does(url: str, size: Size) -> None:
    async with console(url, size) as person:
        with held(url) as holder:
            holder.execute(f"SELECT 1 /* {HOSTILE} */".encode())
            await blocked(person)
            await person.sees("AccessShare on person SELECT 1 /* [/] [@click=app.quit]x")
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(person.reading)
            await person.opens_blockers()
            await person.sees("It holds AccessShare on person.", "its last statement", "x[/] ␛]52;c;eA==␇")
            assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(person.reading)


async def test_between_two_tries_it_still_says_for_whom(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder(monkeypatch, (0.3, 60.0), (0.3, 0.0))
    async with console(url) as person:
        with held(url) as holder:
            await blocked(person)
            whom = f"blocked by pid {holder.info.backend_pid} postgres (metabase) idle in transaction for"
            told = ("lock not granted: try 1 of 2, next in about", whom, "b looks at them")
            await person.until(lambda: all(one in person.reading for one in told))
            assert ask(url, WAITS) == []
            holder.rollback()
            await person.until(lambda: "looks at them" not in person.reading)


async def test_says_how_many_the_step_makes_wait(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder(monkeypatch, *((2.0, 0.2),) * 50)
    async with console(url, (160, 50)) as person:
        with held(url):
            await blocked(person)
            reader = Thread(target=ask, args=(url, "SELECT count(*) FROM person"))
            reader.start()
            await person.sees("makes 1 session wait, the longest")
        await person.until(lambda: not reader.is_alive())
        await person.sees("✓ done    1 add")


async def test_t_terminates_the_session_and_the_step_goes_on(url: str, size: Size) -> None:
    async with console(url, size) as person:
        with held(url) as holder:
            pid = holder.info.backend_pid
            await blocked(person)
            await person.opens_blockers()
            await person.sees(f"{pid} postgres metabase idle in transaction", "there is no statement to cancel")
            await person.until(lambda: person.can("terminate"))
            assert not person.can("stop")
            await person.presses("t")
            await person.is_asked(f"Terminate the session with pid {pid}?")
            await person.sees("run 1 on sample", f"pid {pid} postgres (metabase): idle in transaction for",
                              "It holds AccessShare on person.", "Its transaction is undone whole")  # fmt: skip
            await person.presses("y")
            await person.sees("Nobody is in the way.")
            with pytest.raises(psycopg.OperationalError):
                holder.execute("SELECT 1")
        assert person.place == "BlockersScreen"
        assert not person.can("terminate")
        await person.presses("escape")
        await person.sees("✓ done    1 add")
        assert journalled(url, "blocker terminated") == 1


async def test_x_cancels_a_statement_and_leaves_the_session(url: str) -> None:
    async with console(url) as person:
        with reporting(url) as (holder, ended):
            await blocked(person)
            await person.opens_blockers()
            await person.sees("active", "x cancels its statement")
            await person.until(lambda: person.can("stop"))
            await person.presses("x")
            await person.agrees(f"Cancel the statement of pid {holder.info.backend_pid}?")
            await person.sees("Nobody is in the way.")
            await person.until(lambda: ended)
            assert isinstance(ended[0], psycopg.errors.QueryCanceled)
            assert holder.execute("SELECT 1").fetchone() == (1,)
        assert journalled(url, "blocker cancelled") == 1


async def test_a_session_that_left_meanwhile_is_left_alone(url: str) -> None:
    async with console(url) as person:
        with held(url) as holder:
            await blocked(person)
            await person.opens_blockers()
            await person.until(lambda: person.can("terminate"))
            await person.presses("t")
            await person.is_asked("Terminate the session")
            holder.rollback()
            await person.until(lambda: not person.app.driving)
            await person.presses("y")
            await person.is_told("not in the way any more")
            assert holder.execute("SELECT 1").fetchone() == (1,)


async def test_nobody_in_the_way_is_said_and_stays_open(url: str, size: Size) -> None:
    async with console(url, size) as person:
        await person.starts_run()
        await person.opens_blockers()
        await person.sees("nothing is under way", "Nobody is in the way.")
        assert not person.can("stop")
        assert not person.can("terminate")


def test_a_prepared_transaction_says_how_it_is_ended() -> None:
    prepared = Blocker(0, "ann", "it's", "prepared transaction", None, "", None, "")
    assert not run_blocking.statement(prepared)
    assert "ROLLBACK PREPARED 'it''s';" in run_blocking.remedy(prepared, lambda action: action)
