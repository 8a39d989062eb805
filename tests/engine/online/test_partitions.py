"""DETACH PARTITION CONCURRENTLY is finished where it was interrupted; ATTACH takes it back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from console.engine import journey
from db.session import Target
from tests.driving import ask, begun, done, drive, fingerprinted, kinds, session_of, state
from tests.online import cancel, mended, online
from tests.servers import wait_until

SCENE = """
CREATE SCHEMA logs;
CREATE TABLE logs."Log" (id int NOT NULL, note text CHECK (note <> '')) PARTITION BY RANGE (id);
CREATE TABLE logs."Log 1" PARTITION OF logs."Log" FOR VALUES FROM (0) TO (1000);
CREATE TABLE logs."Log 2" PARTITION OF logs."Log" FOR VALUES FROM (1000) TO (2000);
INSERT INTO logs."Log" SELECT n, n::text FROM generate_series(1, 1500) n;
"""
DETACH = 'ALTER TABLE logs."Log" DETACH PARTITION logs."Log 1" CONCURRENTLY'
ATTACH = 'ALTER TABLE logs."Log" ATTACH PARTITION logs."Log 1" FOR VALUES FROM (0) TO (1000)'
PENDING = "SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = to_regclass('logs.\"Log 1\"')"
DETACHING = "SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%DETACH%' AND pid <> pg_backend_pid() AND datname = current_database()"


def interrupted(target: Target) -> None:
    """A DETACH that somebody cancelled after its first transaction."""
    with ThreadPoolExecutor() as pool, session_of(target) as reader:
        reader.execute('SELECT count(*) FROM logs."Log"')
        detaching = pool.submit(ask, target, DETACH)
        wait_until(lambda: ask(target, PENDING))
        cancel(target, ask(target, DETACHING))
        with pytest.raises(psycopg.errors.QueryCanceled):
            detaching.result()
    assert ask(target, PENDING) is True


@pytest.mark.parametrize(
    "bounds", ["", 'ALTER TABLE logs."Log 1" ADD CHECK (id IS NOT NULL AND id >= 0 AND id < 1000)']
)
def test_a_partition_is_detached_and_comes_back(sample: Target, bounds: str) -> None:
    """The CHECK that DETACH leaves goes with ATTACH; one that was there before stays."""
    ask(sample, SCENE + bounds)
    before = fingerprinted(sample).objects
    number = done(sample, online(DETACH, ATTACH))
    assert ask(sample, PENDING) is None
    drive(sample, lambda here: journey.back(here, number))
    assert fingerprinted(sample).objects == before
    assert ask(sample, 'SELECT count(*) FROM logs."Log"') == 1500


def test_what_is_detached_already_is_left_alone(sample: Target) -> None:
    ask(sample, SCENE)
    number = begun(sample, online(DETACH, ATTACH))
    ask(sample, DETACH)
    drive(sample, lambda here: journey.forward(here, number))
    assert state(sample, number) == "done"


def test_an_interrupted_detach_is_finished(sample: Target) -> None:
    """F10: the partition is half out; only FINALIZE gets it out."""
    ask(sample, SCENE)
    number = begun(sample, online(DETACH, ATTACH))
    interrupted(sample)
    drive(sample, lambda here: journey.forward(here, number))
    assert ask(sample, PENDING) is None
    assert mended(sample, number) == ['"logs"."Log 1"']


def test_the_way_back_of_an_interrupted_detach_attaches_again(sample: Target) -> None:
    """It was cancelled while it waited for a reader; the journal knows which CHECKs were there before."""
    ask(sample, SCENE)
    before = fingerprinted(sample).objects
    number = begun(sample, online(DETACH, ATTACH))
    with ThreadPoolExecutor() as pool, session_of(sample) as reader:
        reader.execute('SELECT count(*) FROM logs."Log"')
        driving = pool.submit(drive, sample, lambda here: journey.forward(here, number))
        wait_until(lambda: ask(sample, PENDING))
        cancel(sample, ask(sample, DETACHING))
        assert "cancelled" in str(driving.exception())
    drive(sample, lambda here: journey.back(here, number))
    assert ask(sample, PENDING) is False
    assert fingerprinted(sample).objects == before


def test_nobody_waits_long_behind_a_partition_that_comes_back(sample: Target) -> None:
    """I-8: ATTACH takes the strongest lock on the partition; it gives way and is tried again."""
    ask(sample, SCENE)
    number = done(sample, online(DETACH, ATTACH))
    with ThreadPoolExecutor() as pool:
        with session_of(sample) as reader:
            reader.execute('SELECT count(*) FROM logs."Log 1"')
            driving = pool.submit(drive, sample, lambda here: journey.back(here, number))
            wait_until(lambda: "tried again" in kinds(sample, number))
        driving.result()
    assert ask(sample, PENDING) is False
