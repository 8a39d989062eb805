"""From a file to a Plan. Whatever is wrong is one PlanError: file, line, key, and what was meant."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from console.engine.captures.declared import Capture
from console.engine.captures.planned import require_captured
from console.engine.checks import KINDS as CHECKS
from console.engine.decisions import Decision
from console.engine.decisions.checking import require_decided
from console.engine.decisions.fields import KINDS as FIELDS
from console.engine.errors import PlanError, UnknownPlan
from console.engine.gates import Gate
from console.engine.plan import Checkpoint, Kept, Phase, Plan, Written
from console.engine.statements import statements_of
from console.engine.steps import KINDS as STEPS
from console.engine.steps import Observe, Revision, Step
from console.engine.steps.common import Strict
from console.engine.toml_lines import line_of
from console.engine.triggers import KINDS as TRIGGERS
from db import revisions
from db.errors import HandrailError
from db.revisions import MIGRATIONS

PLANS = MIGRATIONS / "plans"
LARGEST = 1_000_000


def _by_kind(models: Iterable[type[Strict]]) -> dict[str, type[Strict]]:
    return {str(get_args(model.model_fields["kind"].annotation)[0]): model for model in models}


TABLES: dict[str, type[Strict]] = {
    "phase": Phase, "checkpoint": Checkpoint, "gate": Gate, "decision": Decision, "kept": Kept, "capture": Capture,
}  # fmt: skip
KINDS = {
    "step": _by_kind(STEPS), "check": _by_kind(CHECKS), "field": _by_kind(FIELDS), "trigger": _by_kind(TRIGGERS),
}  # fmt: skip

Read = Callable[[str], str]
Loc = tuple[str | int, ...]


def catalogue(folder: Path = PLANS) -> list[Path]:
    """The plan files of a folder, by name."""
    return sorted(folder.glob("*.toml"))


def load(name: str, folder: Path = PLANS) -> Plan:
    """A plan by its id or by the path of its file."""
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    if not path.is_file():
        known = [file.stem for file in catalogue(folder)]
        near = difflib.get_close_matches(name, known, 1)
        raise UnknownPlan(
            f"There is no plan {name!r}.",
            f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}",
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise PlanError(f"{path.name}: it cannot be read: {error}.") from None
    plan = parse(text, path.name, _beside(path.parent / path.stem))
    if plan.id != path.stem:
        raise PlanError(
            f"{path.name} line {line_of(text, ('id',))}: id: the plan is called {plan.id!r}, and its file is not.",
            f"Call the file {plan.id}.toml, or the plan {path.stem!r}.",
        )
    return plan


def frozen(text: str, sources: Mapping[str, str]) -> Plan:
    """The plan as a run froze it; nothing is read from disk."""
    return Plan(Written.model_validate(tomllib.loads(text)), text, sources)


def parse(text: str, file: str, read: Read) -> Plan:
    """A checked plan from its text; `read` gives the text of a file that it names."""
    if len(text) > LARGEST:
        raise PlanError(f"{file}: the plan has over {LARGEST:,} characters.")
    try:
        written = Written.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{file}: {error}.", "Mend the TOML there.") from None
    except ValidationError as error:
        raise _explained(error, text, file) from None
    sources: dict[str, str] = {}
    for loc, what in _items(written):
        with _at(file, text, loc):
            if isinstance(what, Step):
                _freeze(what, written.target, sources, read)
                what.require(written.target, sources)
            else:
                _require_checks(what)
        if isinstance(what, Step):
            with _at(file, text, (*loc, "done_when")):
                what.require_question()
    _require_unique(written, text, file)
    plan = Plan(written, text, sources)
    require_decided(plan, lambda loc: _at(file, text, loc))
    require_captured(plan, lambda loc: _at(file, text, loc))
    return plan


def _items(written: Written) -> Iterator[tuple[Loc, Step | Checkpoint]]:
    for p, phase in enumerate(written.phase):
        for s, step in enumerate(phase.step):
            yield ("phase", p, "step", s), step
        if phase.checkpoint:
            yield ("phase", p, "checkpoint"), phase.checkpoint


def _freeze(step: Step, target: str, sources: dict[str, str], read: Read) -> None:
    """Adds the texts that a step names."""
    for name in step.files():
        sources[name] = read(name)
    if isinstance(step, Revision):
        sources[step.source_name()] = revisions.source(target, step.revision)


def _require_checks(checkpoint: Checkpoint) -> None:
    for check in checkpoint.check:
        try:
            check.require()
        except PlanError as error:
            raise PlanError(f"check {check.id}: {error.message}", error.hint) from None


def _require_unique(written: Written, text: str, file: str) -> None:
    """Ids name one thing each; what is kept names a step that there is."""
    seen: set[str] = set()
    for loc, what in _items(written):
        ids = [check.id for check in what.check] if isinstance(what, Checkpoint | Observe) else []
        doubled = {id for id in ids if ids.count(id) > 1} | ({what.id} & seen)
        if doubled:
            raise PlanError(
                f"{file} line {line_of(text, (*loc, 'id'))}: the id {min(doubled)!r} stands twice.",
                "Rename one.",
            )
        seen.add(what.id)
    for place, decision in enumerate(written.decision):
        if decision.id in seen:
            line = line_of(text, ("decision", place, "id"))
            raise PlanError(f"{file} line {line}: the id {decision.id!r} stands twice.", "Rename one.")
        seen.add(decision.id)
    for place, kept in enumerate(written.kept):
        with _at(file, text, ("kept", place)):
            if kept.since not in seen:
                raise PlanError(f"since: there is no step {kept.since!r}.", f"There are: {', '.join(sorted(seen))}")
            statements_of(kept.count)
    checks = {check.id for _, what in _items(written) if isinstance(what, Checkpoint) for check in what.check}
    for place, trigger in enumerate(written.trigger):
        with _at(file, text, ("trigger", place, "id")):
            if trigger.id in seen:
                raise PlanError(f"the id {trigger.id!r} stands twice.", "Rename one.")
        seen.add(trigger.id)
        with _at(file, text, ("trigger", place)):
            trigger.require(checks)


@contextmanager
def _at(file: str, text: str, loc: Loc) -> Iterator[None]:
    """Puts file, line and key in front of what is wrong there."""
    try:
        yield
    except HandrailError as error:
        raise PlanError(f"{file} line {line_of(text, loc)}: {error.message}", error.hint) from None


def _beside(folder: Path) -> Read:
    """Reads files of the plan's own folder and no other (FM-D9)."""

    def read(name: str) -> str:
        path = (folder / name).resolve()
        if folder.resolve() not in path.parents:
            raise PlanError(f"the file {name!r} is outside the plan's folder {folder.name}/.")
        if not path.is_file():
            raise PlanError(f"there is no file {name!r}.", f"It belongs in {folder.name}/ beside the plan.")
        return path.read_text(encoding="utf-8")

    return read


def _explained(error: ValidationError, text: str, file: str) -> PlanError:
    # a misspelt key is the cause where its right spelling is missing too
    first = min(error.errors(include_url=False), key=lambda one: one["type"] != "extra_forbidden")
    loc = _without_tags(first["loc"])
    key = ".".join(str(part) for part in loc if isinstance(part, str)) or "the file"
    more = len(error.errors()) - 1
    message = f"{file} line {line_of(text, loc)}: {key}: {_said(first)}"
    return PlanError(f"{message}{f' ({more} more after it)' if more else ''}.", _meant(first, loc))


def _said(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return "there is no such key"
        case "missing":
            return "this key is missing"
        case "union_tag_invalid":
            return f"there is no kind {error['input'].get('kind')!r}"
        case "union_tag_not_found":
            return "this key is missing: kind"
        case "value_error":
            return str(error["ctx"]["error"])
        case _:
            return error["msg"][0].lower() + error["msg"][1:]


def _meant(error: ErrorDetails, loc: Loc) -> str:
    """The nearest word that would have been right."""
    if error["type"] == "union_tag_invalid":
        kinds = error["ctx"]["expected_tags"].replace("'", "")
        near = difflib.get_close_matches(str(error["input"].get("kind")), kinds.split(", "), 1)
        return f"Did you mean {near[0]!r}?" if near else f"Kinds are: {kinds}"
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), _keys(error["loc"]), 1, 0.5)
        return f"Did you mean {near[0]!r}?" if near else f"Keys are: {', '.join(_keys(error['loc']))}"
    return ""


def _keys(loc: Loc) -> list[str]:
    """The keys that the table around `loc` may have."""
    model: type[Strict] = Written
    for place, part in enumerate(loc[:-1]):
        kinds = KINDS.get(str(loc[place - 2]), {}) if place > 1 else {}
        model = kinds.get(str(part)) or TABLES.get(str(part), model)
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _without_tags(loc: Loc) -> Loc:
    """The path as the file has it: pydantic puts the kind of a step or check after its number."""
    path: Loc = ()
    for place, part in enumerate(loc):
        if place and isinstance(loc[place - 1], int) and isinstance(part, str) and loc[place - 2] in KINDS:
            continue
        path = (*path, part)
    return path
