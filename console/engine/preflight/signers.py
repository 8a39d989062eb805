"""Whether there is anybody to sign what the plan asks for."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from console.engine.doctor import Finding
from console.engine.gates import Gate
from console.engine.plan import Checkpoint, Plan
from console.engine.steps import Observe
from db.queries import people


def of_signers(connection: Connection, plan: Plan) -> Iterator[Finding]:
    """A gate that nobody can open is known before the first step, and not at three in the morning."""
    roles = sorted({role for gate in _gates(plan) for role in gate.roles})
    if not roles:
        return
    with Session(connection) as session:
        held = people.holders(session, roles)
    for role in roles:
        if not held[role]:
            hint = f'handrail operator add LOGIN --person ID --name NAME --role "{role}" --group approver'
            yield Finding("warning", f"sign-off as {role}", "nobody here holds this role", hint)


def _gates(plan: Plan) -> Iterator[Gate]:
    yield from plan.written.decision
    for item in plan.items:
        if isinstance(item.what, Checkpoint | Observe) and item.what.gate:
            yield item.what.gate
