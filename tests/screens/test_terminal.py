"""The console in a real terminal: quiet when idle, sane after Ctrl-C, honest when the terminal goes away."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

import console
from tests.screens.sample import PLANS, execute
from tests.servers import wait_until

ROOT = Path(console.__file__).parent.parent
OPEN = "import sys; from pathlib import Path; from console.app import HandrailApp; HandrailApp(sys.argv[1], plans=Path(sys.argv[2])).run()"
QUIET_SECONDS = 2.5


class Terminal:
    """80x24 cells; what the console writes is kept."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.screen = screen
        self.written = b""

    def listen(self, seconds: float) -> int:
        """How many bytes arrive meanwhile."""
        before, deadline = len(self.written), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.screen], [], [], left)[0]:
                try:
                    self.written += os.read(self.screen, 65536)
                except OSError:
                    break
        return len(self.written) - before

    def sees(self, words: str, limit: float = 30) -> None:
        def seen() -> bool:
            self.listen(0.05)
            return words in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.written.decode(errors="replace"))

        wait_until(seen, limit)

    def types(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def ended(self, limit: float = 20) -> int:
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it is still there"
            self.listen(0.05)
        return self.process.returncode


@contextmanager
def terminal(url: str, **environment: str) -> Iterator[Terminal]:
    screen, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", OPEN, url, str(PLANS)], stdin=inner, stdout=inner, stderr=inner, cwd=ROOT,
        start_new_session=True, env={**os.environ, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(inner)
    try:
        yield Terminal(process, screen)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


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
