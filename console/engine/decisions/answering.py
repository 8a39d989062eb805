"""Answering a decision: each set of answers is a version of its own, sealed as evidence, and signed like a gate."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from console.engine.decisions.declared import Decision
from console.engine.errors import AnswersRefused, UnknownGate
from console.engine.plan import Plan
from db import journal
from db.errors import StatementFailed
from db.models import Answer, Evidence, Run
from db.queries import gates


def decision_of(plan: Plan, id: str) -> Decision:
    for decision in plan.written.decision:
        if decision.id == id:
            return decision
    known = ", ".join(decision.id for decision in plan.written.decision) or "none"
    raise UnknownGate(f"Plan {plan.id} has no decision {id!r}.", f"It has: {known}")


def answer(session: Session, run: int, plan: Plan, id: str, given: Mapping[str, Any]) -> Evidence:
    """Keeps the answers as the next version and seals it; what is not `given` is as before, or the default.

    Older sign-offs of the decision, and of every checkpoint, are void from here on. Raises AnswersRefused with the
    first field that is wrong, or where steps that use the answers have begun.
    """
    decision = decision_of(plan, id)
    _require_turn(session, run, decision)
    before = gates.answers(session, run).get(id)
    whole = {**decision.defaults(), **(before.answers if before else {}), **given}
    for field, wrong in decision.problems(whole).items():
        raise AnswersRefused(f"{id}: {field}: {wrong}.", f"handrail decisions show {run} {id} says what is asked.")
    version = before.version + 1 if before else 1
    try:
        session.add(Answer(run_id=run, decision=id, version=version, answers=whole))
        session.flush()
    except Exception as error:
        raise _refusal(error, id, run) from error
    return journal.seal(session, run, id, version)


def _require_turn(session: Session, run: int, decision: Decision) -> None:
    """A consultation is answered once the one before it is approved."""
    first = gates.one(session, run, decision.follows) if decision.follows else None
    if first is not None and not first.open:
        raise AnswersRefused(f"{decision.id} comes after {first.gate}, which is not approved.", "See: handrail inbox")


def parameters_of(session: Session, run: Run, plan: Plan) -> dict[str, str]:
    """What {{name}} stands for in the plan's SQL: the run's own, and the answers as literals."""
    given = gates.answers(session, run.id) if plan.written.decision else {}
    found: dict[str, str] = {**run.parameters, "run_id": str(run.id)}
    for decision in plan.written.decision:
        if decision.id in given:
            answers = given[decision.id].answers
            for field, wrong in decision.problems(answers).items():
                # not from us: it was written past the form, and becomes no SQL
                raise AnswersRefused(f"{decision.id}: {field}: {wrong}.", "Answer it anew: handrail decisions answer")
            found |= decision.parameters(answers)
    return found


def from_file(path: Path) -> dict[str, Any]:
    """Answers by field, from a TOML or JSON file."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:  # both parsers' errors are ValueErrors
        raise AnswersRefused(f"{path.name} cannot be read: {error}.", "It is TOML or JSON: a value a field.") from None
    if not isinstance(found, dict):
        raise AnswersRefused(f"{path.name} holds no table.", "It is TOML or JSON: a value a field.")
    return found


def typed(decision: Decision, written: Mapping[str, str]) -> dict[str, Any]:
    """Answers as a person types them, FIELD=VALUE."""
    fields = {field.id: field for field in decision.field}
    answers: dict[str, Any] = {}
    for key, value in written.items():
        if key not in fields:
            raise AnswersRefused(f"{decision.id}: there is no field {key!r}.", f"There are: {', '.join(fields)}")
        try:
            answers[key] = fields[key].read(value)
        except ValueError as error:
            raise AnswersRefused(f"{decision.id}: {key}: {error}.", fields[key].help or fields[key].wants) from None
    return answers


def _refusal(error: Exception, id: str, run: int) -> Exception:
    from console.engine.retrying import known_error

    known = known_error(error)
    if isinstance(known, StatementFailed) and known.sqlstate == "HR002":
        return AnswersRefused(
            f"Steps that use the answers to {id} have begun.",
            f"Take them back first: handrail rollback {run} --to STEP",
        )
    return error
