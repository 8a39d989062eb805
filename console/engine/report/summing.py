"""Three lines for whoever reads no further: what was planned, what happened, what is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from console.engine.report.document import About, Done, Gated, Rollback
from console.engine.report.wording import NOT_RECORDED, moment
from db.text import one_line
from db.wording import counted, took

UNDER_WAY = ("running", "undoing")
ORDER = ("done", "skipped", "running", "failed", "stopped", "undoing", "undone", "waiting")


def summary(about: About, items: Sequence[Done], gates: Iterable[Gated], rollback: Rollback) -> tuple[str, str, str]:
    return _planned(items), _happened(about, items), _left(about, items, gates, rollback)


def named(item: Done) -> str:
    """step 3 fill (Fill the column)"""
    what = "checkpoint" if item.kind == "checkpoint" else "step"
    return one_line(f"{what} {item.position} {item.step} ({item.title})")


def trouble(items: Iterable[Done]) -> Done | None:
    """What failed, was stopped, or is under way as far as the journal knows."""
    return next((item for item in items if item.state in ("failed", "stopped", *UNDER_WAY)), None)


def upcoming(items: Iterable[Done]) -> Done | None:
    return next((item for item in items if item.state not in ("done", "skipped")), None)


def closed(items: Sequence[Done], gates: Iterable[Gated]) -> Gated | None:
    """The first gate before the next item that is not open."""
    ahead = upcoming(items)
    shut = (gate for gate in gates if gate.state not in ("signed", "glass broken"))
    return next((gate for gate in shut if ahead is not None and gate.position < ahead.position), None)


def how(item: Done) -> str:
    """How it stands, and since when, as far as that is recorded."""
    if item.state in UNDER_WAY:
        since = f" since {moment(item.since)}" if item.since else ""
        return f"{named(item)} is {item.state}{since}, and no end of it is recorded"
    error = f": {one_line(item.error)}" if item.error else ""
    return f"{named(item)} {'was stopped' if item.state == 'stopped' else item.state}{error}"


def _planned(items: Sequence[Done]) -> str:
    checkpoints = sum(item.kind == "checkpoint" for item in items)
    phases = len({item.phase for item in items})
    estimate = sum(item.estimate or 0.0 for item in items)
    return (
        f"Planned: {counted(len(items) - checkpoints, 'step')} and {counted(checkpoints, 'checkpoint')} in "
        f"{counted(phases, 'phase')}, estimated {took(estimate)} in all."
    )


def _happened(about: About, items: Sequence[Done]) -> str:
    states = Counter(item.state for item in items)
    told = ", ".join(
        f"{states[state]} {'not begun' if state == 'waiting' else state}" for state in ORDER if states[state]
    )
    spent = took(sum(item.seconds or 0.0 for item in items))
    wrong = trouble(items)
    return f"Happened: {told}; {spent} recorded. The run is {about.state}." + (
        f" {_sentence(how(wrong))}" if wrong else ""
    )


def _left(about: About, items: Sequence[Done], gates: Iterable[Gated], rollback: Rollback) -> str:
    if about.state == "rolled back":
        schema = rollback.ended[-1].schema if rollback.ended else NOT_RECORDED
        as_before = {
            "as before": "the schema is as before the run",
            "differs": "the schema differs from before the run",
        }
        unknown = f"whether the schema is as before is {NOT_RECORDED}"
        return f"Left: nothing to do; {as_before.get(schema, unknown)}."
    standing = [item for item in items if item.state not in ("waiting", "undone", "skipped")]
    if about.state == "rolling back":
        return f"Left: {counted(len(standing), 'item')} to take back."
    open_items = [item for item in items if item.state not in ("done", "skipped")]
    if not open_items:
        return "Left: nothing; every item is done." if about.state == "done" else "Left: to say that the run is done."
    gate = closed(items, gates)
    waits = f" Before it: {gate.gate}: {gate.wants}." if gate and about.state != "failed" else ""
    return f"Left: {counted(len(open_items), 'item')}, the next one {_sentence(named(open_items[0]))}{waits}"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?")) else f"{words}."
