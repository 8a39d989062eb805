"""What a report says, frozen. Times are in UTC, texts are clean; None is what the journal does not say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class About:
    """The run. `server` and `database` are as they are at `written_at`, and not the journal's."""

    run: int
    plan: str
    title: str
    target: str | None
    database: str
    server: str
    started_by: str
    starter: str
    started_at: datetime
    asked_by: str
    state: str
    ended_at: datetime | None
    digest: str
    written_at: datetime


@dataclass(frozen=True)
class Happened:
    """An event of the journal, by its number; `said` is its detail, in words."""

    number: int
    at: datetime
    by: str
    step: str | None
    kind: str
    said: str


@dataclass(frozen=True)
class Done:
    """A step or a checkpoint of the run. `estimate` and `seconds` are in seconds, `ratio` is the one by the other.
    `attempts` are those of both directions.

    `stands` is whether what it did is there. `began_by` and `began_at` are of the newest attempt forwards, `since` says
    from when on it is in its state.
    """

    position: int
    phase: str
    step: str
    kind: str
    title: str
    state: str
    stands: bool
    estimate: float | None
    seconds: float | None
    ratio: float | None
    attempts: int
    began_by: str | None
    began_at: datetime | None
    since: datetime | None
    error: str | None


@dataclass(frozen=True)
class Check:
    """`rows` is how many rows at fault the journal keeps; their values are in the journal alone."""

    check: str
    title: str
    passed: bool
    expected: str
    found: str
    rows: int


@dataclass(frozen=True)
class Measured:
    """The newest measurement of a checkpoint, number `measurement`; none of it where it was never measured."""

    checkpoint: str
    title: str
    state: str
    measurement: int | None
    measured_at: datetime | None
    passed: bool | None
    digest: str | None
    sealer: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True)
class Signed:
    measurement: int
    role: str
    person: str
    login: str
    decision: str
    reason: str
    at: datetime
    until: datetime
    digest: str


@dataclass(frozen=True)
class Broken:
    """A break-glass, and who has looked into it since."""

    number: int
    measurement: int
    person: str
    login: str
    at: datetime
    reason: str
    why_not_wait: str
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str | None


@dataclass(frozen=True)
class Gated:
    """A gate; what stands after `position` waits for it. `state` is how it stands now, `wants` says it in a clause."""

    position: int
    gate: str
    kind: str
    title: str
    state: str
    wants: str
    roles: tuple[str, ...]
    needed: int
    signed: tuple[Signed, ...]
    broken: tuple[Broken, ...]


@dataclass(frozen=True)
class Answered:
    """The newest answers to a decision, field by field."""

    decision: str
    version: int
    by: str
    at: datetime
    digest: str | None
    answers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gauged:
    """How a trigger stood at its last sample; `over` of its last samples were over the limit `at_most`."""

    trigger: str
    armed: bool
    value: float | None
    at_most: float
    over: int
    said: str
    at: datetime


@dataclass(frozen=True)
class Tried:
    """How often a step was tried again, the longest pause before a next try in seconds, and who was in the way."""

    step: str
    times: int
    longest: float
    last_error: str
    blockers: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """What others wrote since, counted when the rollback began, and by which rule it is kept."""

    title: str
    rows: int
    rule: str


@dataclass(frozen=True)
class Began:
    number: int
    at: datetime
    by: str
    kept: tuple[Kept, ...]


@dataclass(frozen=True)
class Undone:
    number: int
    step: str
    at: datetime
    by: str
    seconds: float | None
    said: str


@dataclass(frozen=True)
class Ended:
    """How a whole rollback ended: `differs` names objects, `content` is (table, rows before, rows after)."""

    number: int
    at: datetime
    by: str
    schema: str
    differs: tuple[str, ...]
    content: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Rollback:
    """`aside` is (source, rows) of what lies in handrail.set_aside."""

    began: tuple[Began, ...]
    undone: tuple[Undone, ...]
    ended: tuple[Ended, ...]
    aside: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class BackedUp:
    """A dump with its `size` in bytes and its checksum; or the command that made a backup elsewhere, and its end."""

    step: str
    file: str | None
    size: int | None
    sha256: str | None
    command: str | None
    exit_code: int | None
    at: datetime


@dataclass(frozen=True)
class Audited:
    """The run's events, and the chain's head as it is now. `whole` is None where the chain was not verified here."""

    events: int
    first: int | None
    last: int | None
    count: int
    head: str
    whole: bool | None
    faults: int


@dataclass(frozen=True)
class Document:
    """`summary` is what was planned, what happened, and what is left."""

    about: About
    last: Happened | None
    summary: tuple[str, str, str]
    items: tuple[Done, ...]
    checkpoints: tuple[Measured, ...]
    gates: tuple[Gated, ...]
    answers: tuple[Answered, ...]
    gauges: tuple[Gauged, ...]
    fired: tuple[Happened, ...]
    tried: tuple[Tried, ...]
    preflight: tuple[str, ...]
    on_the_way: tuple[Happened, ...]
    rollback: Rollback
    backups: tuple[BackedUp, ...]
    audit: Audited
