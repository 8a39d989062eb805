"""Whether this machine lets the plan start its commands."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from console.engine import outside
from console.engine.doctor import REFUSED, Finding
from console.engine.plan import Plan
from console.engine.steps import Backup
from console.engine.triggers import Probe


def of_commands(plan: Plan) -> Iterator[Finding]:
    hint = "Read it with: handrail plan show PLAN. Then allow it: HANDRAIL_COMMANDS=yes"
    for found in _started(plan):
        yield (
            Finding("ok", "command", found)
            if outside.allowed()
            else Finding("wrong", "command", f"{found}, and commands are not allowed on this machine", hint, REFUSED)
        )


def _started(plan: Plan) -> Iterator[str]:
    for item in plan.items:
        if isinstance(item.what, Backup) and item.what.command:
            yield f"{item.id} starts {item.what.told}"
    for trigger in plan.written.trigger:
        if isinstance(trigger, Probe) and trigger.command:
            yield f"trigger {trigger.id} starts {shlex.join(trigger.command)}"
