"""The kinds that ask the target's own server one question: elapsed, lock-waits, blocked, lag, connections."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from console.engine.triggers.declared import InSeconds, Looking, Positive, Sample, Sampled
from db import wording

# An estimate of less than a second is one of a second: below that a ratio says nothing.
OF_STEP = """
SELECT step, extract(epoch FROM clock_timestamp() - began_at)::float8, greatest(estimate, 1)::float8
FROM handrail.step_run WHERE run_id = %s AND state = 'running' AND estimate IS NOT NULL AND kind <> 'manual'
"""
OF_RUN = """
SELECT '', coalesce(sum(CASE state WHEN 'running' THEN extract(epoch FROM clock_timestamp() - began_at)
                                   WHEN 'waiting' THEN 0 WHEN 'undone' THEN 0 ELSE seconds END), 0)::float8,
       greatest(sum(estimate), 1)::float8
FROM handrail.step_run WHERE run_id = %s AND kind NOT IN ('manual', 'checkpoint') HAVING count(*) > 0
"""

# Sessions of the application: clients of this database, but for handrail's own. Advisory locks are the application's
# own protocol, in which a wait is often what is meant. What a login may not see of a session is null.
WAITS = """
SELECT count(DISTINCT l.pid)::float8, coalesce(extract(epoch FROM max(clock_timestamp() - l.waitstart)), 0)::float8
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND l.locktype <> 'advisory'
  AND a.datid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND coalesce(a.backend_type, 'client backend') = 'client backend'
  AND coalesce(a.application_name, '') !~ '^handrail(:|$)'
"""

# without pg_monitor the state of every other login's replica is null
LAG = """
SELECT count(*), count(*) FILTER (WHERE state IS NULL), extract(epoch FROM max(replay_lag))::float8
FROM pg_stat_replication
"""

CONNECTIONS = """
SELECT 100.0::float8 * count(*) / current_setting('max_connections')::int, count(*)
FROM pg_stat_activity WHERE datid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'
"""


class Elapsed(Sampled):
    """A step, or all steps of the run together, take longer than `times` the estimate. The value is that ratio."""

    stays: ClassVar[bool] = True

    kind: Literal["elapsed"]
    of: Literal["step", "run"] = "step"
    times: Positive = 2.0

    @property
    def watches(self) -> str:
        return f"{'a step takes' if self.of == 'step' else 'all steps take'} over {self.times:g} x the estimate"

    @property
    def limit(self) -> float:
        return self.times

    def told(self, value: float) -> str:
        return f"{value:.1f} x"

    def sample(self, looking: Looking) -> Sample:
        with looking.second.at() as connection:
            found = connection.execute(OF_STEP if self.of == "step" else OF_RUN, (looking.run,)).fetchone()
        if found is None:
            return Sample(None, False, "nothing with an estimate is under way")
        step, took, estimate = found
        return self.sampled(took / estimate, f"{wording.lasting(took)} of about {wording.lasting(estimate)}", step)


class LockWaits(Sampled):
    """So many sessions of the application wait for a lock, whoever holds it."""

    kind: Literal["lock-waits"]
    at_most: int = Field(ge=0)

    @property
    def watches(self) -> str:
        return f"over {wording.counted(self.at_most, 'session')} of the application wait for a lock"

    @property
    def limit(self) -> float:
        return self.at_most

    def sample(self, looking: Looking) -> Sample:
        sessions, longest = _waits(looking)
        return self.sampled(sessions, f"the longest {wording.took(longest)}" if sessions else "")


class Blocked(InSeconds):
    """The longest of these waits, in seconds."""

    kind: Literal["blocked"]

    @property
    def watches(self) -> str:
        return f"a statement of the application waits over {self.told(self.at_most)} for a lock"

    def sample(self, looking: Looking) -> Sample:
        sessions, longest = _waits(looking)
        return self.sampled(longest, wording.counted(int(sessions), "session") if sessions else "")


class Lag(InSeconds):
    """How far behind the replica is that is farthest behind, in seconds."""

    kind: Literal["lag"]

    @property
    def watches(self) -> str:
        return f"a replica is over {self.told(self.at_most)} behind"

    def sample(self, looking: Looking) -> Sample:
        with looking.second.at() as connection:
            found = connection.execute(LAG).fetchone()
        assert found is not None
        replicas, hidden, seconds = found
        if hidden:
            return Sample(None, False, "this login may not see replication; it needs pg_monitor")
        return self.sampled(seconds or 0.0, wording.counted(replicas, "replica"))


class Connections(Sampled):
    """How many of the server's connections are in use, in percent."""

    kind: Literal["connections"]
    at_most: float = Field(gt=0, lt=100)

    @property
    def watches(self) -> str:
        return f"over {self.told(self.at_most)} of the connections are in use"

    @property
    def limit(self) -> float:
        return self.at_most

    def told(self, value: float) -> str:
        return f"{value:.0f} %"

    def sample(self, looking: Looking) -> Sample:
        with looking.second.at() as connection:
            found = connection.execute(CONNECTIONS).fetchone()
        assert found is not None
        return self.sampled(found[0], wording.counted(found[1], "connection"))


def _waits(looking: Looking) -> tuple[float, float]:
    """How many sessions wait, and the longest wait in seconds."""
    with looking.second.at() as connection:
        found = connection.execute(WAITS).fetchone()
    assert found is not None
    return found[0], found[1]
