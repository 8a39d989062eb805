"""inbox, sign, break-glass, acknowledge: what waits for people, and what they say."""

from __future__ import annotations

import argparse
from datetime import datetime

from console.commands import anchoring, confirming, targeting
from console.commands.telling import line, say, tell, verdict_lines
from console.engine import gates as words
from console.engine import inbox as waiting
from console.engine import journey, signing
from console.engine.inbox import Waiting
from db.errors import EvidenceStale
from db.models import GateStatus
from db.queries import gates, runs
from db.text import one_line
from db.wording import period

WAITS = 3
DIGITS = 8


def inbox(options: argparse.Namespace) -> int:
    """Exit code 3 where something waits for the one who asks."""
    with targeting.target(options).session() as session:
        found = waiting.look(session)
    for broken in found.broken:
        if options.json:
            tell({"what": "acknowledge", "number": broken.id, "run": broken.run_id, "gate": broken.gate,
                  "by": broken.person, "at": broken.at.isoformat(), "reason": broken.reason,
                  "why_not_wait": broken.why_not_wait})  # fmt: skip
        else:
            line(f"! break-glass {broken.id}: run {broken.run_id} {broken.gate}, by {broken.person}: "
                 f"{one_line(broken.reason)}; {one_line(broken.why_not_wait)}")  # fmt: skip
    shown = found.waiting if options.all or options.json else found.mine
    for one in shown:
        if options.json:
            tell(_document(one, found.now))
        else:
            line(_line(one, found.now))
    if not shown and not options.json:
        others = len(found.waiting)
        line(f"Nothing waits for {found.me.name}." + (f" For others: {others}; see --all." if others else ""))
    return WAITS if found.mine else 0


def sign(options: argparse.Namespace) -> int:
    """Shows the evidence, asks, and signs what was shown: a newer measurement meanwhile is not signed."""
    target = targeting.target(options)
    with target.session() as session:
        status = signing.found(session, options.run, options.gate)
        verdicts = runs.verdicts(session, options.run, options.gate, status.measurement)
        answers = gates.answers(session, options.run).get(options.gate)
    word: signing.Word = "approve" if options.approve else "reject"
    if options.digest and not (status.digest or "").startswith(options.digest):
        raise EvidenceStale(
            f"The evidence of {options.gate} is {(status.digest or 'none')[:DIGITS]}, not {options.digest[:DIGITS]}.",
            "Look at it again before you decide.",
        )
    if not options.yes:
        for shown in verdict_lines(verdicts):
            say(shown)
        for field, value in (answers.answers if answers else {}).items():
            say(f"  {field}: {one_line(str(value))}")
        say(one_line(f"{status.title}: evidence {(status.digest or 'none')[:DIGITS]}, {words.told(status)}"))
    if not confirming.agreed(options, f"{word.capitalize()} {options.gate} of run {options.run}?"):
        say("Nothing was signed.")
        return 0
    with target.session() as session:
        intent = signing.intend(session, options.run, options.gate, word, options.role, status.digest)
    with target.session() as session:
        said = signing.sign(session, intent, options.reason)
        now = signing.found(session, options.run, options.gate)
    anchoring.keep(target)
    if options.json:
        tell({"run": options.run, "gate": options.gate, "decision": said.decision, "role": said.role,
              "person": said.person, "digest": said.digest, "at": said.at.isoformat(), "state": now.state})  # fmt: skip
    else:
        line(f"{options.gate} is {said.decision}{'d' if word == 'approve' else 'ed'} by {said.person} as {said.role}; "
             f"{words.told(now)}.")  # fmt: skip
    return 0


def break_glass(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        plan = journey.found(session, options.run).plan
    confirming.require_name(options, plan, "Breaking a gate open")
    with target.session() as session:
        signing.announce_break(session, options.run, options.gate)
    with target.session() as session:
        said = signing.break_glass(session, options.run, options.gate, options.reason, options.why_not_wait)
    anchoring.keep(target)
    if options.json:
        tell({"number": said.id, "run": said.run_id, "gate": said.gate, "by": said.person, "at": said.at.isoformat()})
    else:
        line(f"{said.gate} of run {said.run_id} is broken open, as break-glass {said.id}. "
             f"Home shows it until an administrator says: handrail acknowledge {said.id} --note TEXT")  # fmt: skip
    return 0


def acknowledge(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        said = signing.acknowledge(session, options.number, options.note)
    anchoring.keep(target)
    if options.json:
        tell({"number": said.break_glass_id, "by": said.person, "at": said.at.isoformat()})
    else:
        line(f"Break-glass {said.break_glass_id} is acknowledged by {said.person}.")
    return 0


def status_lines(statuses: list[GateStatus], now: datetime) -> list[str]:
    """The gates of a run, for `status`."""
    return [f"  ◆ {status.gate:<26} {words.told(status)}{_due(status, now)}" for status in statuses]


def gate_document(status: GateStatus) -> dict[str, object]:
    return {
        "gate": status.gate, "kind": status.kind, "state": status.state, "open": status.open, "roles": status.roles,
        "signed": status.signed, "needed": status.needed, "digest": status.digest, "measurement": status.measurement,
        "measured_at": status.sealed_at.isoformat() if status.sealed_at else None,
        "due_at": status.due_at.isoformat() if status.due_at else None,
    }  # fmt: skip


def _line(one: Waiting, now: datetime) -> str:
    mark = "●" if one.mine else "·"
    return (
        f"{mark} run {one.run.id} {one.status.gate:<24} {one.what:<8} {words.told(one.status)}{_due(one.status, now)}"
    )


def _due(status: GateStatus, now: datetime) -> str:
    if status.due_at is None or status.open:
        return ""
    left = (status.due_at - now).total_seconds()
    return f"  OVERDUE {period(-left)}" if left < 0 else f"  due in {period(left)}"


def _document(one: Waiting, now: datetime) -> dict[str, object]:
    return {
        "what": one.what, "run": one.run.id, "plan": one.run.plan, "mine": one.mine, "overdue": one.overdue(now),
        "asked_by": one.run.asked_by, "started_by": one.run.started_by, **gate_document(one.status),
    }  # fmt: skip
