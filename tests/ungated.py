"""Plans without their gates, for tests of what they do rather than of who agrees: decisions as the plan proposes them."""

from __future__ import annotations

import re

from console.engine import reading
from console.engine.plan import Plan

GATE = re.compile(r"\n\[phase\.checkpoint\.gate\]\n(?:[^\n\[][^\n]*\n)*")
DECISION = re.compile(r"\n\[\[decision\]\]\n.*?\n(?=# -)", re.S)


def load(name: str) -> Plan:
    return ungated(reading.load(name))


def ungated(plan: Plan) -> Plan:
    """The plan with each answer in its place, and nobody to wait for."""
    answers = {key: sql for one in plan.written.decision for key, sql in one.parameters(one.defaults()).items()}
    text = DECISION.sub("\n", GATE.sub("\n", plan.text))
    for key, sql in answers.items():
        text = text.replace("{{" + key + "}}", sql)
    assert "gate]" not in text
    assert "decision]" not in text
    return reading.frozen(text, plan.sources)
