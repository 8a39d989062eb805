"""What must hold between a plan's decisions and its steps, before anybody is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from console.engine.errors import PlanError
from console.engine.plan import Plan
from console.engine.statements import PARAMETER, STAND_INS
from console.engine.steps import Step

Loc = tuple[str | int, ...]


def require_decided(plan: Plan, at: Callable[[Loc], AbstractContextManager[None]]) -> None:
    """Raises PlanError where SQL names a parameter that nobody gives, or that is decided only after it is used.

    `at` puts the place in the file in front of what is wrong there.
    """
    positions = dict.fromkeys(STAND_INS, 0)
    ids = [item.id for item in plan.items]
    met: list[str] = []
    for place, decision in enumerate(plan.written.decision):
        with at(("decision", place)):
            if decision.before is not None and decision.before not in ids:
                raise PlanError(f"before: there is no step {decision.before!r}.", f"There are: {', '.join(ids)}")
            for key, named in (("follows", decision.follows), ("returns_to", decision.returns_to)):
                if named is not None and named not in (*met, *([decision.id] if key == "returns_to" else [])):
                    raise PlanError(
                        f"{key}: there is no decision {named!r} before this one.",
                        f"Before it are: {', '.join(met) or 'none'}",
                    )
            for field in decision.field:
                if field.id in positions:
                    raise PlanError(f"field {field.id}: the name is taken.", "Call it otherwise.")
                positions[field.id] = plan.decided_before(decision)
        met.append(decision.id)
    for position, loc, name in _named(plan):
        with at(loc):
            if name not in positions:
                raise PlanError(
                    f"SQL names the parameter {name!r}, which there is not.",
                    f"There are: {', '.join(sorted(positions))}",
                )
            if positions[name] >= position:
                raise PlanError(
                    f"SQL names {name!r}, which is decided later.", "Let its decision say an earlier step: before."
                )


def _named(plan: Plan) -> Iterator[tuple[int, Loc, str]]:
    """Each parameter that an item names, in the plan or in a file of its own."""
    position = 0
    for p, phase in enumerate(plan.written.phase):
        parts: list[tuple[Loc, object]] = [(("phase", p, "step", s), step) for s, step in enumerate(phase.step)]
        parts += [(("phase", p, "checkpoint"), phase.checkpoint)] if phase.checkpoint else []
        for loc, what in parts:
            position += 1
            files = what.files() if isinstance(what, Step) else []
            written = what.model_dump_json() if hasattr(what, "model_dump_json") else ""
            for text in [written, *(plan.sources[name] for name in files)]:
                for found in PARAMETER.finditer(text):
                    yield position, loc, found[1]
    for k, kept in enumerate(plan.written.kept):
        for found in PARAMETER.finditer(kept.count):
            yield plan.item(kept.since).position + 1, ("kept", k), found[1]
