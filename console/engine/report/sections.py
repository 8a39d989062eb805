"""The document in the order in which it is read: sections of lines and tables, as words. Both renderings follow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from console.engine.report.document import About, Audited, Document, Gated, Happened, Measured, Rollback
from console.engine.report.wording import NOT_RECORDED, moment
from db.text import one_line
from db.wording import counted, number, took

NONE = "-"
LETTERS = 16  # of a digest, where it stands in full elsewhere or is one of many
VERIFY = "handrail audit verify"


class Table(NamedTuple):
    """Without `columns` each row is a name and a value."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Parts = tuple[str | Table, ...]


@dataclass(frozen=True)
class Section:
    """Lines and tables as they follow each other; `level` 2 is a part of the report, 3 a part of that."""

    title: str
    parts: Parts
    level: int = 2


def title(document: Document) -> str:
    return f"Run {document.about.run}: {one_line(document.about.title)}"


def sections(document: Document) -> Iterator[Section]:
    fired = _or_none("No trigger is recorded.", _gauges(document), _events(document.fired))
    yield Section("The run", (_facts(_about(document.about, document.last)),))
    yield Section("Summary", document.summary)
    yield Section("Steps and checkpoints", (_items(document), *_errors(document)))
    yield Section("Checkpoints", () if document.checkpoints else ("The plan has none.",))
    for checkpoint in document.checkpoints:
        yield Section(f"{checkpoint.checkpoint} ({checkpoint.title})", _checkpoint(checkpoint, document.about.run), 3)
    yield Section("Gates and sign-offs", () if document.gates else ("The plan has no gate.",))
    for gate in document.gates:
        yield Section(f"{gate.gate} ({gate.title})", _gate(gate), 3)
    yield Section("Decisions", _or_none("No answer is recorded.", _answers(document)))
    yield Section("Triggers", fired)
    yield Section("Tried again", _or_none("No second try is recorded.", _tried(document)))
    yield Section("Preflight", _or_none("No warning is recorded.", _warnings(document)))
    yield Section("Drift, takeovers, lost connections, steps mended by hand",
                  _or_none("None is recorded.", _events(document.on_the_way)))  # fmt: skip
    yield Section("Rollback", _or_none("No rollback is recorded.", *_rollback(document.rollback)))
    yield Section("Backups", _or_none("No backup is recorded.", _backups(document)))
    yield Section("Audit", (_facts(_audit(document.audit)),))


def _about(about: About, last: Happened | None) -> Iterator[tuple[str, str]]:
    yield "plan", about.plan
    yield "title", about.title
    yield "target", about.target or NOT_RECORDED
    yield "database", about.database
    yield "server, now", f"PostgreSQL {about.server}"
    yield "began", f"{moment(about.started_at)}, by {about.started_by}"
    yield "begun by the person", about.starter
    yield "asked for by", about.asked_by
    yield "state", about.state
    yield "ended", moment(about.ended_at)
    yield "last event", f"{_event(last)}, {moment(last.at)}, by {last.by}" if last else NOT_RECORDED
    yield "plan's digest", about.digest
    yield "report written", moment(about.written_at)


def _items(document: Document) -> Table:
    return _table("no, phase, step, kind, state, estimate, took, ratio, attempts both ways, began, began by", (
        (str(item.position), item.phase, f"{item.step} ({item.title})", item.kind, item.state,
         took(item.estimate) or NONE, _lasted(item.seconds, begun=item.attempts > 0),
         f"{item.ratio:.2f}" if item.ratio is not None else NONE, str(item.attempts),
         moment(item.began_at) if item.attempts else NONE,
         (item.began_by or NOT_RECORDED) if item.attempts else NONE)
        for item in document.items
    ))  # fmt: skip


def _errors(document: Document) -> tuple[Table, ...]:
    errors = _table("step, its last error", ((item.step, item.error) for item in document.items if item.error))
    return (errors,) if errors.rows else ()


def _checkpoint(one: Measured, run: int) -> Parts:
    if one.measurement is None:
        return (f"Measurement: {NOT_RECORDED}.",)
    facts = _facts((
        ("state", one.state), ("measurement", str(one.measurement)), ("measured", moment(one.measured_at)),
        ("measured by", one.sealer or NOT_RECORDED), ("passed", _yes(one.passed)),
        ("digest of the evidence", one.digest or NOT_RECORDED),
    ))  # fmt: skip
    checks = _table("check, expected, found, passed, rows at fault kept", (
        (f"{check.check} ({check.title})", check.expected, check.found, _yes(check.passed), number(check.rows))
        for check in one.checks
    ))  # fmt: skip
    kept = sum(check.rows for check in one.checks)
    where = f"{counted(kept, 'row')} at fault in the journal, not quoted here: see the checkpoint in run {run}."
    return (facts, checks, where) if kept else (facts, checks)


def _gate(gate: Gated) -> Parts:
    signed = _table("measurement, role, person, login, decision, reason, at, until, digest", (
        (str(one.measurement), one.role, one.person, one.login, one.decision, one.reason or NONE, moment(one.at),
         moment(one.until) if one.decision == "approve" else NONE, one.digest[:LETTERS])
        for one in gate.signed
    ))  # fmt: skip
    broken = _facts(
        fact for one in gate.broken for fact in (
            ("break-glass", f"{one.number}, of measurement {one.measurement}"),
            ("by", f"{one.person}, login {one.login}, {moment(one.at)}"),
            ("reason", one.reason),
            ("why it could not wait", one.why_not_wait),
            ("acknowledged", f"by {one.acknowledged_by}, {moment(one.acknowledged_at)}: {one.note}"
             if one.acknowledged_by else NOT_RECORDED),
        )
    )  # fmt: skip
    facts = _facts((("state, now", f"{gate.state}: {gate.wants}"), ("roles", ", ".join(gate.roles)),
                    ("needed", str(gate.needed))))  # fmt: skip
    return (facts, *_or_none("No sign-off is recorded.", signed, broken))


def _answers(document: Document) -> Table:
    return _table("decision, version, field, answer, answered by, at, digest", (
        (one.decision, str(one.version), field, answer, one.by, moment(one.at), (one.digest or NOT_RECORDED)[:LETTERS])
        for one in document.answers for field, answer in one.answers or [(NONE, NONE)]
    ))  # fmt: skip


def _gauges(document: Document) -> Table:
    return _table("trigger, armed, value, limit, samples over it, said, at", (
        (one.trigger, _yes(one.armed), NOT_RECORDED if one.value is None else f"{one.value:g}", f"{one.at_most:g}",
         str(one.over), one.said or NONE, moment(one.at))
        for one in document.gauges
    ))  # fmt: skip


def _tried(document: Document) -> Table:
    return _table("step, times, longest pause, last reason, in the way", (
        (one.step, str(one.times), took(one.longest), one.last_error, "; ".join(one.blockers) or NOT_RECORDED)
        for one in document.tried
    ))  # fmt: skip


def _warnings(document: Document) -> Table:
    return _table("warning", ((line,) for line in document.preflight))


def _rollback(back: Rollback) -> Iterator[Table]:
    nothing = ((NOT_RECORDED, NONE, NONE),)
    yield _table("no, began, by, kept: what others wrote since, rows, rule", (
        (str(one.number), moment(one.at), one.by, *kept)
        for one in back.began for kept in [(k.title, number(k.rows), k.rule) for k in one.kept] or nothing
    ))  # fmt: skip
    yield _table("no, undone, at, by, took, said", (
        (str(one.number), one.step, moment(one.at), one.by, _lasted(one.seconds), one.said or NONE)
        for one in back.undone
    ))  # fmt: skip
    yield _facts(
        fact for one in back.ended for fact in (
            ("rolled back", f"{moment(one.at)}, by {one.by}"),
            ("the schema is", "as before the run" if one.schema == "as before" else one.schema),
            *(("differs", name) for name in one.differs),
            *((f"rows of {table}", f"{number(before)} before the run, {number(then)} after it was rolled back")
              for table, before, then in one.content),
        )
    )  # fmt: skip
    yield _table("set aside, in handrail.set_aside; rows", ((name, number(rows)) for name, rows in back.aside))


def _backups(document: Document) -> Table:
    return _table("step, file or command, bytes, sha256 or exit code, at", (
        (one.step, one.file or one.command or NOT_RECORDED, number(one.size) if one.size is not None else NONE,
         one.sha256 or (str(one.exit_code) if one.exit_code is not None else NOT_RECORDED), moment(one.at))
        for one in document.backups
    ))  # fmt: skip


def _audit(audit: Audited) -> Iterator[tuple[str, str]]:
    yield "events of the run", number(audit.events)
    yield "first and last number", f"{audit.first} to {audit.last}" if audit.events else NOT_RECORDED
    yield "head of the chain, now", f"event {audit.count}, {audit.head}" if audit.count else NOT_RECORDED
    if audit.whole is None:
        yield "verified", f"not here: {VERIFY}"
    elif audit.whole:
        yield "verified", "the chain is whole; whether all of it was made anew, only anchors tell"
    else:
        yield "verified", f"not what was written: {counted(audit.faults, 'fault')}; {VERIFY} names them"


def _events(events: Iterable[Happened]) -> Table:
    return _table("no, at, by, what, said", (
        (str(one.number), moment(one.at), one.by, _event(one), one.said or NONE) for one in events
    ))  # fmt: skip


def _event(event: Happened) -> str:
    return f"{event.kind} {event.step or ''}".strip()


def _table(columns: str, rows: Iterable[tuple[str, ...]]) -> Table:
    return Table(tuple(columns.split("; " if "; " in columns else ", ")), tuple(rows))


def _facts(rows: Iterable[tuple[str, ...]]) -> Table:
    return Table((), tuple(rows))


def _or_none(none: str, *tables: Table) -> Parts:
    return tuple(table for table in tables if table.rows) or (none,)


def _lasted(seconds: float | None, *, begun: bool = True) -> str:
    return took(seconds) or (NOT_RECORDED if begun else NONE)


def _yes(value: bool | None) -> str:
    return NOT_RECORDED if value is None else "yes" if value else "no"
