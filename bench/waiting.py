"""How long an application waits because of a run: fifty sessions read and write while a plan goes up and down.

What is counted is the server's own word: a wait for a lock that the executor's session holds or queues for, from
pg_locks.waitstart to the last look that still saw it, looked at every few milliseconds (I-8).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from console.engine import demo, executor, journey
from console.engine.hold import APPLICATION
from console.engine.plan import Plan
from console.engine.preparation import prepare
from db.postgres import EmbeddedServer
from db.session import Target
from tests import ungated

SESSIONS = 50
PAUSE = 0.02  # seconds between two statements of a session
LOOK = 0.005
LIMIT = 2.1  # seconds: the longest lock_timeout of a step, and 100 ms
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, LIMIT)

STATEMENTS = (
    "SELECT count(*) FROM public.clients WHERE id = %(id)s",
    "SELECT count(*) FROM public.clients c JOIN public.client_deployments d ON d.client_id = c.id WHERE c.id = %(id)s",
    "SELECT count(*) FROM public.tenant_apps JOIN public.client_analytics USING (client_id) WHERE client_id = %(id)s",
    "UPDATE public.clients SET updated_at = clock_timestamp() WHERE id = %(id)s",
    "UPDATE public.client_customizations SET client_id = client_id WHERE client_id = %(id)s",
    "UPDATE public.client_deployments SET client_id = client_id WHERE client_id = %(id)s",
)
WAITS = """
    SELECT w.pid, w.waitstart, extract(epoch FROM clock_timestamp() - w.waitstart)::float8
    FROM pg_locks w, pg_stat_activity a
    WHERE NOT w.granted AND w.waitstart IS NOT NULL
      AND a.application_name = %s AND a.pid = ANY (pg_blocking_pids(w.pid))
      AND w.pid IN (SELECT pid FROM pg_stat_activity WHERE application_name = 'application')
"""


@dataclass
class Waits:
    """Each wait by session and beginning, with its length in seconds; and how many statements were answered."""

    seen: dict[tuple[int, object], float] = field(default_factory=dict)
    answered: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(self.seen.values(), default=0.0)

    def lines(self) -> Iterator[str]:
        """The histogram, and one line that sums it up."""
        lower = 0.0
        for upper in BUCKETS:
            yield f"  up to {upper:>6.3f} s {sum(lower < wait <= upper for wait in self.seen.values()):>7}"
            lower = upper
        yield f"  over  {lower:>6.3f} s {sum(wait > lower for wait in self.seen.values()):>7}"
        verdict = "within" if self.longest <= LIMIT and not self.failed else "OVER"
        yield (
            f"  {self.answered:,} statements answered, {len(self.failed)} failed, {len(self.seen)} waited because of"
            f" the run, the longest {self.longest:.3f} s: {verdict} {LIMIT:g}"
        )


def measured(server: EmbeddedServer, rows: int) -> Waits:
    """schema-unification, all the way up and down, under fifty sessions."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE waiting")
    target = Target(server.url("waiting"), "agency")
    demo.fill(target, rows, 7, lambda words: None)
    prepare(target, "agency")
    waits = Waits()
    with _application(target, waits), _looked_at(target, waits):
        _up_and_down(target, ungated.load("schema-unification"))
    target.close()
    return waits


def _up_and_down(target: Target, plan: Plan) -> None:
    with executor.at(target) as here:
        run = journey.begin(here, plan)
        journey.forward(here, run, said=True)
        journey.back(here, run)


@contextmanager
def _application(target: Target, waits: Waits) -> Iterator[None]:
    with psycopg.connect(target.url) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM public.clients ORDER BY random() LIMIT 2000")]
    over = threading.Event()
    sessions = [threading.Thread(target=_session, args=(target.url, ids, n, over, waits)) for n in range(SESSIONS)]
    for session in sessions:
        session.start()
    try:
        yield
    finally:
        over.set()
        for session in sessions:
            session.join()


def _session(url: str, ids: list[object], seed: int, over: threading.Event, waits: Waits) -> None:
    chance = random.Random(seed)
    with psycopg.connect(url, application_name="application", autocommit=True) as connection:
        while not over.wait(PAUSE * chance.uniform(0.5, 1.5)):
            try:
                connection.execute(STATEMENTS[seed % len(STATEMENTS)].encode(), {"id": chance.choice(ids)})
                waits.answered += 1
            except psycopg.Error as error:
                waits.failed.append(str(error))


@contextmanager
def _looked_at(target: Target, waits: Waits) -> Iterator[None]:
    over = threading.Event()

    def look() -> None:
        with psycopg.connect(target.url, autocommit=True) as connection:
            while not over.wait(LOOK):
                for pid, since, seconds in connection.execute(WAITS, (APPLICATION,)):
                    waits.seen[pid, since] = max(seconds, waits.seen.get((pid, since), 0.0))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
