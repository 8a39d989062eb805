"""A replica that falls behind fires `lag`."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pytest

from console.engine.errors import TriggerFired
from console.engine.triggers.declared import Looking, Sample
from console.engine.triggers.kinds import Lag
from console.engine.triggers.second import Second
from db.session import Target
from tests.driving import ask
from tests.engine.looking import as_login
from tests.engine.triggers.armed import driving, fired, guarded, quick, sampled
from tests.servers import Server, wait_until
from tests.standby import standby

LAG = 'id = "lag"\nkind = "lag"\nat_most = 0.5'


@pytest.mark.newest
def test_a_replica_that_does_not_follow(server: Server, sample: Target, folder: Path) -> None:
    with standby(server, folder) as copy, psycopg.connect(copy.url, autocommit=True) as replica:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1)
        with driving(sample, guarded(quick(LAG), seconds=60)) as run:
            sampled(sample, run.number, "lag", 5)
            assert not run.ended.is_set()
            replica.execute("SELECT pg_wal_replay_pause()")
            while not run.ended.wait(0.1):
                ask(sample, "UPDATE person SET n = n + 1 WHERE email = (SELECT min(email) FROM person)")
            assert isinstance(run.rests(), TriggerFired)
        replica.execute("SELECT pg_wal_replay_resume()")
    assert fired(sample, run.number).detail["value"] > 0.5


@pytest.mark.newest
def test_a_login_that_may_not_see_replicas_says_so_and_is_not_taken_for_well(
    server: Server, sample: Target, folder: Path
) -> None:
    (lag,) = guarded(LAG).written.trigger
    assert isinstance(lag, Lag)
    with standby(server, folder), as_login(sample, "blind_to_lag") as blind:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'") == 1)
        second = Second(blind)
        found = lag.sample(Looking(blind, second, 1, threading.Event()))
        second.close()
    assert found == Sample(None, False, "this login may not see replication; it needs pg_monitor")
