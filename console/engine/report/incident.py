"""The report in at most 40 lines of plain text, for whoever is woken: what stopped, what stands, how to go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from console.engine.report.document import Document, Done
from console.engine.report.gathering import read
from console.engine.report.summing import closed, how, named, trouble
from console.engine.report.wording import NOT_RECORDED, moment
from db.queries import runs
from db.text import one_line
from db.wording import counted, took

LINES, LONGEST, SHOWN = 40, 300, 5


def incident_text(session: Session, run: int) -> str:
    """Of what the transaction sees, in whatever transaction; the chain is not verified. Raises UnknownRun."""
    return incident(read(session, run))


def incident(document: Document) -> str:
    lines = [one_line(line) if not line.startswith(" ") else f"  {one_line(line)}" for line in _lines(document)]
    cut = [line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}..." for line in lines]
    return "\n".join(cut[:LINES]) + "\n"


def _lines(document: Document) -> Iterator[str]:
    about = document.about
    yield f"handrail: run {about.run} of {about.plan} on {about.target or NOT_RECORDED} is {about.state}"
    yield f"{about.title}; database {about.database}, PostgreSQL {about.server}"
    yield f"begun {moment(about.started_at)} by {about.started_by}"
    yield f"asked for by {about.asked_by}"
    yield ""
    yield from _stopped(document)
    yield from _fired(document)
    yield from _failed(document)
    yield from _in_the_way(document)
    yield ""
    yield from _standing(document.items)
    yield ""
    yield from _onward(document)


def _stopped(document: Document) -> Iterator[str]:
    item, last = trouble(document.items), document.last
    if item is not None:
        yield f"What: {how(item)}"
        estimate = f", estimated {took(item.estimate)}" if item.estimate else ""
        lasted = took(item.seconds) or NOT_RECORDED
        yield f"Where: phase {item.phase}, {item.kind}, attempt {item.attempts}, took {lasted}{estimate}"
        yield f"Since: {moment(item.since)}"
    if last is not None:
        what = f"{last.kind} {last.step or ''}".strip()
        yield f"Last event: {last.number}, {moment(last.at)}: {what}, by {last.by}"


def _fired(document: Document) -> Iterator[str]:
    for event in document.fired[-SHOWN:]:
        yield f"Fired: at {moment(event.at)} {event.step or ''} {event.said}"
    over = [gauge for gauge in document.gauges if gauge.over]
    for gauge in over[:SHOWN]:
        value = NOT_RECORDED if gauge.value is None else f"{gauge.value:g}"
        yield f"Gauge: {gauge.trigger} {value}, at most {gauge.at_most:g}; {gauge.said}"


def _failed(document: Document) -> Iterator[str]:
    failed = [
        (one, check)
        for one in document.checkpoints
        if one.state == "failed"
        for check in one.checks
        if not check.passed
    ]
    for one, check in failed[:SHOWN]:
        yield f"Failed: {one.checkpoint} {check.title}: expected {check.expected}, found {check.found}"
    if len(failed) > SHOWN:
        yield f"  and {counted(len(failed) - SHOWN, 'check')} more"


def _in_the_way(document: Document) -> Iterator[str]:
    for one in document.tried[-2:]:
        whom = "; ".join(one.blockers[:3]) or NOT_RECORDED
        yield f"Tried again: {one.step} {counted(one.times, 'time')}; in the way: {whom}"


def _standing(items: Sequence[Done]) -> Iterator[str]:
    """What is done and stands, what is half way, what has not begun."""
    groups = {
        "Stands": [item for item in items if item.state == "done"],
        "Left out": [item for item in items if item.state == "skipped"],
        "Not ended": [item for item in items if item.state in ("running", "failed", "stopped", "undoing")],
        "Taken back": [item for item in items if item.state == "undone"],
        "Not begun": [item for item in items if item.state == "waiting"],
    }
    for title, group in groups.items():
        if group:
            steps = ", ".join(item.step for item in group)
            yield f"{title} ({len(group)}): {steps}"


def _onward(document: Document) -> Iterator[str]:
    run, item = document.about.run, trouble(document.items)
    gate = closed(document.items, document.gates)
    if document.about.state in runs.OVER:
        yield f"The run is {document.about.state}."
    elif document.about.state == "rolling back":
        yield f"Go on taking it back: handrail resume {run}"
    else:
        if gate is not None and item is None:
            yield f"It waits: {gate.gate}: {gate.wants}; see handrail inbox --all"
        mend = f"mend {named(item)}, then " if item is not None and item.state == "failed" else ""
        yield f"Go on: {mend}handrail resume {run}"
    final = any(one.kind == "finish" and one.stands for one in document.items)
    if document.about.state != "rolled back" and not final:
        yield f"Take it back: handrail rollback {run}, which shows first what is undone and kept"
    yield f"Look: handrail status {run}; handrail blockers {run}; handrail report {run}"
