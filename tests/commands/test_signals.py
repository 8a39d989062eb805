"""FM-A9: whenever a signal comes, the command ends soon with 130, the journal is true, and the run can be resumed."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import socket
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from console.engine import executor
from db import postgres
from db.session import Target
from tests.commands.calling import EXECUTORS, FOR_SIGNALS, SLEEP, SLEEPS, WRITE, of_its_own, plans, started
from tests.driving import ask, drive, kinds, session_of, state, states
from tests.servers import kill, pid, server_folder, wait_until

pytestmark = pytest.mark.newest

SOON = 5.0  # seconds; what each of these waits would last without the signal is far longer
ONE_LONG_WAIT = "from console.engine import retrying; retrying.LADDER = ((0.1, 60.0), (0.1, 60.0), (0.1, 0.0))"
PATIENT = "from console.engine import taking; taking.PATIENCE = 60.0"
each_signal = pytest.mark.parametrize("number", FOR_SIGNALS, ids=lambda number: number.name)


def ends_soon(process: subprocess.Popen[str], number: int) -> str:
    """What it says on standard error from the signal to its end."""
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < SOON
    assert (process.returncode, "Traceback" in err) == (130, False), err
    return err


def rests(target: Target) -> bool:
    """Paused; or interrupted, where the cancel met the very transaction that would have said so."""
    return (state(target, 1), states(target, 1)["slow"]) in (("paused", "stopped"), ("running", "running"))


def ends_well(target: Target, *words: str) -> None:
    """The run can be resumed to its end, once nothing keeps it any more."""
    ask(target, "DELETE FROM person WHERE email = 'slow'")
    with started(target, "resume", "--yes", *words) as process:
        _, err = process.communicate(timeout=60)
    assert (process.returncode, state(target, 1)) == (0, "done"), err


@each_signal
def test_between_two_tries_for_a_lock(sample: Target, tmp_path: Path, number: int) -> None:
    """FM-A9, FM-B5"""
    with session_of(sample) as application:
        application.execute("SELECT count(*) FROM person")
        words = ("--plans", plans(tmp_path, WRITE), "run", "slow", "--yes")
        with started(sample, *words, first=ONE_LONG_WAIT) as process:
            wait_until(lambda: ask(sample, "SELECT count(*) FROM handrail.event WHERE kind = 'tried again'"))
            ends_soon(process, number)
    assert rests(sample)
    ends_well(sample)


@each_signal
def test_while_it_comes_back_after_a_lost_connection(tmp_path: Path, number: int) -> None:
    """FM-A9, FM-A6"""
    with server_folder() as folder:
        own = postgres.start(18, folder)
        target = of_its_own(own)
        with started(target, "--plans", plans(tmp_path), "run", "slow", "--yes") as process:
            wait_until(lambda: ask(target, SLEEPS))
            kill(own)
            lost(process)
            err = ends_soon(process, number)
        assert "Go on with: handrail resume" in err
        own = postgres.start(18, folder)
        assert (state(target, 1), states(target, 1)) == ("running", {"slow": "running"})
        assert ask(target, "SELECT to_regclass('half')") is None
        ends_well(target)
        target.close()


@each_signal
def test_while_a_server_that_hangs_lets_it_wait_to_come_back(tmp_path: Path, number: int) -> None:
    """FM-A9: the server takes the new connection and does not answer for as long as it is stopped."""
    with server_folder() as folder:
        own = postgres.start(18, folder)
        target = of_its_own(own)
        with started(target, "--plans", plans(tmp_path), "run", "slow", "--yes") as process:
            wait_until(lambda: ask(target, SLEEPS))
            backend = ask(target, "SELECT pid FROM handrail.step_run")
            with stopped(pid(own)):
                os.kill(backend, signal.SIGKILL)
                lost(process)
                ends_soon(process, number)
        wait_until(lambda: answers(target))
        assert (state(target, 1), states(target, 1)) == ("running", {"slow": "running"})
        ends_well(target)
        target.close()


def lost(process: subprocess.Popen[str]) -> None:
    """Returns once the run has said that its connection is lost."""
    assert process.stdout is not None
    while "connection lost" not in process.stdout.readline():
        assert process.poll() is None


@contextmanager
def stopped(number: int) -> Iterator[None]:
    os.kill(number, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(number, signal.SIGCONT)


def answers(target: Target) -> bool:
    try:
        return bool(ask(target, "SELECT true"))
    except psycopg.OperationalError:
        return False


@each_signal
def test_while_it_polls_for_the_targets_lock(sample: Target, tmp_path: Path, number: int) -> None:
    """FM-A9, I-4"""
    with executor.at(sample):
        words = ("--plans", plans(tmp_path), "run", "slow", "--yes")
        with started(sample, *words, first=PATIENT) as process:
            wait_until(lambda: ask(sample, EXECUTORS) == 2)
            ends_soon(process, number)
    assert ask(sample, "SELECT count(*) FROM handrail.run") == 0
    wait_until(lambda: ask(sample, EXECUTORS) == 0)
    drive(sample, lambda here: None)


@each_signal
@pytest.mark.parametrize("words", [("run", "small", "--yes"), ("status",)], ids=["executor", "question"])
def test_while_it_connects(number: int, words: tuple[str, ...]) -> None:
    """FM-A9: a server that takes the connection and never answers."""
    plans = str(Path(__file__).parent.parent / "engine" / "plans")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        target = Target(f"postgresql://postgres@127.0.0.1:{silent.getsockname()[1]}/x")
        with started(target, "--plans", plans, *words) as process:
            taken, _ = silent.accept()
            with taken:
                ends_soon(process, number)


@each_signal
def test_a_second_signal_while_it_stops_breaks_nothing(sample: Target, tmp_path: Path, number: int) -> None:
    """FM-A9: the step survives the first cancel, so that the second Ctrl-C meets a command that is stopping."""
    again = SLEEP.replace("SELECT", "PERFORM")
    stubborn = f"DO $$ BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN {again} END $$;"
    ask(sample, "INSERT INTO person (email) VALUES ('slow')")
    with started(sample, "--plans", plans(tmp_path, stubborn), "run", "slow", "--yes") as process:
        wait_until(lambda: ask(sample, SLEEPS))
        process.send_signal(number)
        assert process.stderr is not None
        assert "Stopping" in process.stderr.readline()
        process.send_signal(number)
        ends_soon(process, number)
    assert (state(sample, 1), states(sample, 1)) == ("paused", {"slow": "stopped"})
    assert kinds(sample, 1)[-1] == "step stopped"


def test_a_signal_just_before_the_run_begins_is_not_forgotten(sample: Target, tmp_path: Path) -> None:
    """FM-A9: the run is opened by one executor and driven by the next; a signal to the first stops both."""
    arm = (
        "import os, signal\nfrom console.engine import journey\nbegin = journey.begin\n"
        "def armed(*given):\n    os.kill(os.getpid(), signal.SIGTERM)\n    return begin(*given)\njourney.begin = armed"
    )
    with started(sample, "--plans", plans(tmp_path), "run", "slow", "--yes", first=arm) as process:
        _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (130, False), err
    assert ask(sample, "SELECT count(*) FROM handrail.event WHERE kind = 'step began'") == 0


def test_a_terminal_that_is_closed_stops_the_step(sample: Target, tmp_path: Path) -> None:
    """FM-A9, UX-O5: SIGHUP, and nobody is left to hear what is said."""
    ask(sample, "INSERT INTO person (email) VALUES ('slow')")
    master, slave = pty.openpty()

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    words = ["--plans", plans(tmp_path), "run", "slow", "--yes"]
    with started(sample, *words, stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal) as process:
        wait_until(lambda: ask(sample, SLEEPS))
        os.close(slave)
        os.close(master)
        process.wait(30)
    assert process.returncode == 130
    assert (state(sample, 1), states(sample, 1)) == ("paused", {"slow": "stopped"})
    ends_well(sample)


def test_what_the_shell_ignores_stays_ignored(sample: Target, tmp_path: Path) -> None:
    """FM-A9: nohup handrail run"""
    with session_of(sample) as application:
        application.execute("SELECT count(*) FROM person")
        words = ("--plans", plans(tmp_path, WRITE), "run", "slow", "--yes")
        with started(sample, *words, ignored=[signal.SIGHUP]) as process:
            wait_until(lambda: ask(sample, "SELECT count(*) FROM handrail.event WHERE kind = 'tried again'"))
            process.send_signal(signal.SIGHUP)
            application.rollback()
            _, err = process.communicate(timeout=60)
    assert (process.returncode, state(sample, 1)) == (0, "done"), err
