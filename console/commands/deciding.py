"""decisions: what a run asks people, and what they answered."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from console.commands import confirming, targeting
from console.commands.telling import line, say, tell
from console.engine import gates as words
from console.engine import journey, signing
from console.engine.decisions import Decision, answering
from console.engine.plan import Plan
from db.models import Answer, GateStatus, Run
from db.queries import gates
from db.session import Target
from db.text import one_line


def show_all(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        row = targeting.open_run(session, options)
        statuses = [status for status in gates.of_run(session, row.id) if status.kind == "decision"]
        answers = gates.answers(session, row.id)
    for status in statuses:
        given = answers.get(status.gate)
        if options.json:
            tell(_document(status, given))
        else:
            version = f"answers {given.version}" if given else ""
            line(f"{status.gate:<20} {one_line(status.title):<34} {version:<10} {words.told(status)}")
    if not statuses and not options.json:
        line(f"Run {row.id} asks nobody for a decision.")
    return 0


def show(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    _, decision, status, given = _asked(target, options)
    if options.json:
        fields = [field.model_dump() | {"wants": field.wants} for field in decision.field]
        tell({**_document(status, given), "about": decision.about, "inputs": decision.inputs, "fields": fields})
        return 0
    line(f"{decision.title}: {words.told(status)}")
    for text in [decision.about.strip(), *(f"  input: {one}" for one in decision.inputs)]:
        if text:
            line(text)
    for field in decision.field:
        value = (given.answers if given else decision.defaults()).get(field.id)
        shown = "" if value is None else field.shown(value)
        line(f"  {field.id} = {one_line(shown)}{'' if given else '   (proposed)' if shown else ''}")
        line(f"      {field.title}. {field.help} {field.wants}".rstrip())
    return 0


def answer(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    plan, decision, _, _ = _asked(target, options)
    given: dict[str, Any] = answering.from_file(Path(options.file)) if options.file else {}
    pairs = dict(pair.partition("=")[::2] for pair in options.answers)
    given |= answering.typed(decision, pairs)
    if not options.yes:
        for key, value in {**decision.defaults(), **given}.items():
            say(f"  {key} = {one_line(str(value))}")
    question = f"Answer {decision.id} of run {options.run} so? Sign-offs that stand are void then."
    if not confirming.agreed(options, question):
        say("Nothing was answered.")
        return 0
    with target.session() as session:
        evidence = answering.answer(session, options.run, plan, decision.id, given)
        status = signing.found(session, options.run, decision.id)
    if options.json:
        tell({"run": options.run, "decision": decision.id, "answers": evidence.measurement, "digest": evidence.digest})
    else:
        line(f"{decision.id} is answered, version {evidence.measurement}; {words.told(status)}.")
    return 0


def _asked(target: Target, options: argparse.Namespace) -> tuple[Plan, Decision, GateStatus, Answer | None]:
    with target.session() as session:
        row: Run = journey.found(session, options.run)
        plan = journey.plan_of(row)
        decision = answering.decision_of(plan, options.decision)
        status = signing.found(session, row.id, decision.id)
        return plan, decision, status, gates.answers(session, row.id).get(decision.id)


def _document(status: GateStatus, given: Answer | None) -> dict[str, Any]:
    return {"run": status.run_id, "decision": status.gate, "title": status.title, "state": status.state,
            "roles": status.roles, "signed": status.signed, "answers": given.answers if given else None,
            "version_of_answers": given.version if given else None,
            "due_at": status.due_at.isoformat() if status.due_at else None}  # fmt: skip
