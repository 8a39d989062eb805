"""The console in a real terminal: quiet when idle, sane after Ctrl-C, honest when the terminal goes away."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.screens.sample import PLANS, execute
from tests.servers import wait_until
from tests.terminal import Terminal, at_terminal

OPEN = "import sys; from pathlib import Path; from console.app import HandrailApp; HandrailApp(sys.argv[1], plans=Path(sys.argv[2])).run()"
QUIET_SECONDS = 2.5


@contextmanager
def terminal(url: str, **environment: str) -> Iterator[Terminal]:
    """The console, 80x24."""
    with at_terminal(OPEN, url, str(PLANS), environment=environment) as started:
        yield started


@pytest.fixture
def run_at_hold(url: str) -> str:
    """A run whose last step is next, and lasts a minute."""
    from console.asking import Asking
    from console.engine import journey, reading

    def go(executor, plan):  # type: ignore[no-untyped-def]
        run = journey.begin(executor, plan)
        journey.forward(executor, run, until="filled")
        journey.forward(executor, run, until="call", said=True)

    asking = Asking(url)
    asyncio.run(asking.drive(go, reading.load(str(PLANS / "walk.toml"))))
    asking.close()
    execute(url, "UPDATE pause SET seconds = 60")
    return url


def hold(url: str) -> tuple[str, str]:
    """The state of the run and of its last step."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT r.state, s.state FROM handrail.run r JOIN handrail.step_run s ON s.run_id = r.id WHERE step = 'hold'"
        ).fetchone()
    assert found
    return found[0], found[1]


def test_an_idle_console_writes_nothing(run_at_hold: str) -> None:
    with terminal(run_at_hold) as seen:
        seen.sees("People get")
        seen.listen(QUIET_SECONDS)
        assert seen.listen(QUIET_SECONDS) == 0
        seen.types("\r")
        seen.sees("look at everybody")
        seen.listen(QUIET_SECONDS)
        assert seen.listen(QUIET_SECONDS) == 0


def test_ctrl_c_leaves_the_terminal_as_it_was(url: str) -> None:
    with terminal(url) as seen:
        seen.sees("People get")
        seen.types("\x03")
        assert seen.ended() == 0
        assert b"\x1b[?1049l" in seen.written
        assert b"\x1b[?25h" in seen.written


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_step_and_the_journal_says_so(run_at_hold: str, number: signal.Signals) -> None:
    with terminal(run_at_hold) as seen:
        seen.sees("People get")
        seen.types("\r")
        seen.sees("look at everybody")
        seen.listen(1)
        seen.types("n")
        seen.sees("Do step 5")
        seen.listen(0.7)
        seen.types("y")
        wait_until(lambda: hold(run_at_hold) == ("running", "running"))
        seen.process.send_signal(number)
        if number == signal.SIGHUP:
            os.close(seen.screen)
            seen.process.wait(20)
        else:
            seen.ended()
        assert hold(run_at_hold) == ("paused", "stopped")


def test_no_colour_still_says_everything(run_at_hold: str) -> None:
    with terminal(run_at_hold, NO_COLOR="1") as seen:
        seen.sees("People get")
        seen.types("\r")
        seen.sees("✓ done")
        seen.sees("· next")


@pytest.mark.parametrize("keys", ["qi", "qA", "q?", "iq"])
def test_keys_typed_beside_the_end_break_nothing(url: str, keys: str) -> None:
    with terminal(url) as seen:
        seen.sees("People get")
        seen.types(keys)
        assert seen.ended() == 0
        assert "Traceback" not in seen.reading
