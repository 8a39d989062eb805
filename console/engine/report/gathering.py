"""From the journal to the document, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from console.engine import journey
from console.engine.audit import verifying
from console.engine.audit.verifying import Verified
from console.engine.report import course, signing, summing
from console.engine.report.document import About, Audited, BackedUp, Check, Document, Done, Gauged, Measured
from console.engine.report.wording import happened, optional, seconds, whole
from db.models import Event, Gauge, Run
from db.queries import activity, chain, gates, gauges, reporting, runs
from db.queries.reporting import Names
from db.text import clean

DONE = "step done"
ENDS = (DONE, "step failed", "step stopped", "checkpoint passed", "checkpoint failed")
CHEAP = 200_000  # events that are verified in about half a second


def gathered(session: Session, run: int) -> Document:
    """The whole report, as of one moment; in a session that has asked nothing yet.

    Raises UnknownRun, and RightMissing for a login that may not read the journal.
    """
    chain.snapshot(session)
    journey.found(session, run)
    count = sum(count for count, _ in chain.heads(session))
    return read(session, run, verifying.verify(session) if count <= CHEAP else None)


def read(session: Session, run: int, verified: Verified | None = None) -> Document:
    """The report in whatever transaction it is asked; the chain is as `verified`, if it was."""
    row = journey.found(session, run)
    events = reporting.events(session, run)
    names = reporting.names(session)
    items = tuple(_items(row, events, names))
    closed = tuple(signing.gates_of(gates.of_run(session, run), gates.sign_offs(session, run),
                                    reporting.broken(session, run), names))  # fmt: skip
    evidence = reporting.evidence(session, run)
    checkpoints = tuple(_checkpoints(session, row, events, names))
    about, last = _about(session, row, names), happened(events[-1], names) if events else None
    rollback = course.rollback(events, names, runs.set_aside(session, run))
    return Document(
        about, last, summing.summary(about, items, closed, rollback), items, checkpoints, closed,
        tuple(signing.answers_of(gates.answers(session, run), evidence, names)),
        tuple(_gauged(gauge) for gauge in gauges.of_run(session, run)),
        course.of_kind(events, names, gauges.FIRED, gauges.CLOSED, *course.NOTIFIED), course.tried(events),
        course.preflight(events), course.of_kind(events, names, *course.ON_THE_WAY), rollback, tuple(_backups(events)),
        _audited(session, events, verified),
    )  # fmt: skip


def _about(session: Session, run: Run, names: Names) -> About:
    return About(
        run.id, clean(run.plan), clean(run.title), optional(runs.target_name(session)),
        clean(reporting.database(session)), clean(activity.server_version(session)),
        clean(names.of_login(run.started_by)), clean(names.of_person(run.starter)), run.started_at,
        clean(names.of_person(run.asked_by)), clean(run.state), run.ended_at, clean(run.digest), activity.now(session),
    )  # fmt: skip


def _items(run: Run, events: Iterable[Event], names: Names) -> Iterable[Done]:
    began, ended = _forwards(events)
    for step in run.steps:
        event, end = began.get(step.step), ended.get(step.step)
        took = seconds(end.detail.get("seconds")) if end else None
        # a failed attempt says nothing of the estimate
        ratio = took / step.estimate if end and end.kind == DONE and took is not None and step.estimate else None
        yield Done(
            step.position, clean(step.phase), clean(step.step), clean(step.kind), clean(step.title), clean(step.state),
            step.stands, step.estimate, took, ratio, step.attempts,
            clean(names.of_login(event.by)) if event else None, event.at if event else None,
            step.ended_at or step.began_at, optional(step.error),
        )  # fmt: skip


def _forwards(events: Iterable[Event]) -> tuple[dict[str, Event], dict[str, Event]]:
    """By step, how its newest attempt forwards began and ended; the step's own row may tell of an undo since."""
    began: dict[str, Event] = {}
    ended: dict[str, Event] = {}
    for event in events:
        step = event.step or ""
        if event.kind == "step began":
            began[step] = event
            ended.pop(step, None)
        elif event.kind in ENDS:
            ended[step] = event
    return began, ended


def _checkpoints(session: Session, run: Run, events: Sequence[Event], names: Names) -> Iterable[Measured]:
    verdicts, evidence = reporting.verdicts(session, run.id), reporting.evidence(session, run.id)
    for step in run.steps:
        found = [verdict for verdict in verdicts if verdict.checkpoint == step.step]
        if step.kind != "checkpoint" and not found:  # an observation measures too
            continue
        newest = found[0] if found else None
        sealed = evidence.get((step.step, newest.measurement)) if newest else None
        yield Measured(
            clean(step.step), clean(step.title), clean(step.state), newest.measurement if newest else None,
            newest.measured_at if newest else None, all(one.passed for one in found) if found else None,
            optional(sealed.digest if sealed else None),
            clean(names.of_person(sealed.sealer)) if sealed else None,
            tuple(Check(clean(one.check), clean(one.title), one.passed, clean(one.expected), clean(one.found), one.rows)
                  for one in found),
        )  # fmt: skip


def _gauged(gauge: Gauge) -> Gauged:
    return Gauged(
        clean(gauge.trigger), gauge.armed, gauge.value, gauge.at_most, gauge.over, clean(gauge.said), gauge.at
    )


def _backups(events: Iterable[Event]) -> Iterable[BackedUp]:
    """Every backup that a step of the run has made, the taken back ones too: their files stay."""
    for event in events:
        said = event.detail
        if event.kind == DONE and ("sha256" in said or {"command", "exit_code"} <= said.keys()):
            yield BackedUp(
                clean(event.step), optional(said.get("file")), whole(said.get("bytes")), optional(said.get("sha256")),
                optional(said.get("command")), whole(said.get("exit_code")), event.at,
            )  # fmt: skip


def _audited(session: Session, events: Sequence[Event], verified: Verified | None) -> Audited:
    heads = chain.heads(session)
    count, head = heads[0] if heads else (0, b"")
    first, last = (events[0].id, events[-1].id) if events else (None, None)
    faults = len(verified.faults) + verified.more if verified else 0
    return Audited(len(events), first, last, count, head.hex(), verified.whole if verified else None, faults)
