"""plan list, show, lint: reading plans, with no database."""

from __future__ import annotations

import argparse

from console.commands import targeting
from console.commands.telling import line, tell, tell_error
from console.engine import reading
from console.engine.plan import Checkpoint, Item, Plan
from db.errors import HandrailError
from db.text import clean, one_line
from db.wording import took


def show_all(options: argparse.Namespace) -> int:
    """Plans that cannot be read are listed with what is wrong; the exit code then is 2."""
    code = 0
    for path in reading.catalogue(targeting.plans(options)):
        try:
            plan = reading.load(str(path))
        except HandrailError as error:
            tell_error(error, as_json=options.json)
            code = error.exit_code
            continue
        steps = sum(not isinstance(item.what, Checkpoint) for item in plan.items)
        checkpoints = len(plan.items) - steps
        if options.json:
            tell({"plan": plan.id, "title": plan.title, "target": plan.target, "steps": steps,
                  "checkpoints": checkpoints})  # fmt: skip
        else:
            line(f"{plan.id:<24} {plan.target:<12} {steps:>3} steps, {checkpoints} checkpoints  {one_line(plan.title)}")
    return code


def show(options: argparse.Namespace) -> int:
    plan = reading.load(options.plan, targeting.plans(options))
    if options.json:
        items = [_item_document(plan, item) for item in plan.items]
        tell({"plan": plan.id, "title": plan.title, "target": plan.target, "digest": plan.digest, "items": items,
              "triggers": [{"trigger": one.id, "told": one.declared} for one in plan.written.trigger]})  # fmt: skip
        return 0
    line(f"{plan.id} for {plan.target}: {one_line(plan.title)}")
    for item in plan.items:
        estimate = f"  est {took(item.estimate)}" if item.estimate else ""
        line(f"\n{item.position:>3} {item.id}  {item.kind}{estimate}  {one_line(item.what.title)}")
        line(_indented(plan.script(item)))
        if not isinstance(item.what, Checkpoint):
            line("    -- back:")
            line(_indented(plan.script(item, back=True)))
    if plan.written.trigger:
        line("\nTriggers, armed while a run goes forward")
    for trigger in plan.written.trigger:
        line(f"    {one_line(trigger.declared)}")
    return 0


def lint(options: argparse.Namespace) -> int:
    """Reads each plan whole: keys, ids, SQL by PostgreSQL's grammar, revisions, the way back of every step."""
    folder = targeting.plans(options)
    code = 0
    for name in options.plan or [str(path) for path in reading.catalogue(folder)]:
        try:
            plan = reading.load(name, folder)
        except HandrailError as error:
            tell_error(error, as_json=options.json)
            code = error.exit_code
            continue
        if options.json:
            tell({"plan": plan.id, "ok": True})
        else:
            line(f"✓ {plan.id}: {len(plan.items)} steps and checkpoints, each with its way back")
    return code


def _item_document(plan: Plan, item: Item) -> dict[str, object]:
    return {"id": item.id, "kind": item.kind, "phase": item.phase, "title": item.what.title,
            "estimate": item.estimate, "sql": plan.script(item), "undo": plan.script(item, back=True)}  # fmt: skip


def _indented(script: str) -> str:
    return "\n".join(f"    {row}" for row in clean(script).strip().splitlines())
