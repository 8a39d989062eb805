"""The run screen's words: rows of the step list, what is under way or wrong, the log. Pure functions of a Sight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.engine import gates, observed
from console.engine.plan import Item
from console.engine.steps import Manual
from console.widgets import run_blocking, run_observing, words
from console.widgets.pace import Pace
from console.widgets.safe_text import BAD, BUSY, GOOD, QUIET, STRONG, Part
from console.widgets.sight import Sight
from db import wording
from db.models import Event, GateStatus, StepRun

Key = Callable[[str], str]
UNTOLD = ("pid", "digest", "plan", "attempt", "differs", "content", "fingerprint", "sha256", "file", "kept", "id",
          "login", "sealer", "starter", "asked_by", "at", "do", "next", "watches", "samples", "value", "at_most",
          "over", "within", "scope")  # fmt: skip


@dataclass(frozen=True)
class Now:
    """What the panel shows: lines, and a bar between them where something can be counted."""

    head: tuple[Part, ...]
    fraction: float | None = None
    rest: tuple[Part, ...] = ()


def rows(sight: Sight, at: datetime) -> dict[str, tuple[Part, ...]]:
    """Phase, state, item, time, estimate, note; by the item's id."""
    told: dict[str, tuple[Part, ...]] = {}
    phase = ""
    for item in sight.plan.items:
        step, word = sight.steps[item.position], sight.word(item)
        title: Part = (sight.label(item), STRONG) if word in ("next", "running", "undoing") else sight.label(item)
        told[item.id] = (
            (item.phase if item.phase != phase else "", QUIET),
            words.state(word),
            title,
            _time(sight, step, at),
            (f"~{wording.lasting(item.estimate)}" if item.estimate is not None else "", QUIET),
            (_note(sight, item, step), QUIET),
        )
        phase = item.phase
    return told


def now(sight: Sight, at: datetime, pace: Pace, key: Key, *, driving: bool) -> Now:
    if sight.interrupted:
        return _interrupted(sight, key)
    if sight.going:
        return _going(sight, at, pace, key, driving=driving)
    if sight.run_word == "failed":
        return _failed(sight, key)
    if sight.run.state == "done":
        return _done(sight, key)
    if sight.run.state == "rolled back":
        return _rolled_back(sight)
    if sight.run.state == "rolling back":
        return _rollback_paused(sight, key)
    return _paused(sight, key)


def log(sight: Sight) -> tuple[Part, ...]:
    """Newest first, so that a low panel shows the newest."""
    return tuple(part for event in reversed(sight.events) for part in _event(event))


def _time(sight: Sight, step: StepRun, at: datetime) -> str:
    if step.state in ("running", "undoing") and step.began_at and sight.going:
        return wording.lasting((at - step.began_at).total_seconds())
    return wording.took(step.seconds) if step.state in ("done", "failed", "stopped", "undone") else ""


def _note(sight: Sight, item: Item, step: StepRun) -> str:
    if item.kind == "checkpoint":
        found = sight.verdicts.get(item.id, ())
        passed = f"{sum(v.passed for v in found)} of {len(found)}"
        measured = found and step.state in ("done", "failed")
        told = passed if measured else wording.counted(len(item.what.check), "check")  # type: ignore[union-attr]
        gate = sight.gate(item.id)
        return told if gate is None or step.state != "done" or gate.open else f"{len(gate.signed)}/{gate.needed} signed"
    fraction = _fraction(step.progress)
    return f"{fraction:.0%} {item.kind}" if fraction is not None and step.state != "done" else item.kind


def _fraction(progress: dict[str, Any]) -> float | None:
    """Of a backfill, whose total is the planner's estimate, so that the rows may pass it; of an observation."""
    if "observed" in progress:
        return observed.share(progress)
    total, done = progress.get("total"), progress.get("rows")
    return min(done / total, 1.0) if total and done is not None and "batches" in progress else None


def _going(sight: Sight, at: datetime, pace: Pace, key: Key, *, driving: bool) -> Now:
    item = sight.under_way
    tail = _tail(sight, key, driving=driving)
    if item is None:
        return Now((("▶ between two steps", BUSY),), rest=tail)
    step = sight.steps[item.position]
    lasts = wording.lasting((at - step.began_at).total_seconds()) if step.began_at else ""
    about = f" of about {wording.lasting(item.estimate)}" if item.estimate and step.state == "running" else ""
    sign, _ = words.STATES[step.state]
    head: tuple[Part, ...] = (
        (f"{sign} {sight.name(item)}", BUSY), f"   {step.state} for {lasts}{about}",
    )  # fmt: skip
    if step.state == "running" and "batches" in step.progress:
        return _backfill(step, pace, head, tail)
    if step.state == "running" and item.kind == "observe":
        return Now(head, observed.share(step.progress), (*run_observing.now(sight, step), *tail))
    if sight.build:
        phase = f"\n  index {sight.build.index}: {sight.build.phase}"
        return Now((*head, phase), sight.build.fraction, tail)
    return Now(head, rest=tail)


def _backfill(step: StepRun, pace: Pace, head: tuple[Part, ...], tail: tuple[Part, ...]) -> Now:
    kept = step.progress
    done, total = kept["rows"], kept.get("total") or 0
    fraction = _fraction(kept)
    share = f"   {fraction:.0%}" if fraction is not None else ""
    told = [f"{wording.number(done)} of about {wording.number(total)} rows{share}"]
    rate, ends = pace.rate(), pace.ends_in(max(total - done, 0))
    if kept.get("sweep"):
        told.append("final sweep: what was written behind the cursor")
    pieces = [f"{wording.number(rate)} rows/s" if rate else ""]
    if "batch_ms" in kept:
        pieces.append(f"batch {wording.number(kept['batch'])} rows in {kept['batch_ms']:.0f} ms")
    if ends and total > done:
        pieces.append(f"ends in {wording.between(*ends)}")
    below = "   ".join(piece for piece in pieces if piece)
    return Now((*head, "\n  ", *told), fraction, (f"  {below}\n" if below else "", *tail))


def _tail(sight: Sight, key: Key, *, driving: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    if sight.run.pause_requested:
        parts.append(("  pause asked: it pauses after this batch or step", STRONG))
    if (who := sight.driver) and not driving:
        apart = "\n" if parts else ""
        parts.append((f"{apart}  {who.login} runs it elsewhere (pid {who.pid}); you are watching", STRONG))
        parts.append(f"   {key('take_over')} takes over")
    return tuple(parts)


def _interrupted(sight: Sight, key: Key) -> Now:
    item = sight.under_way
    what = f" during {sight.name(item)}" if item else ""
    onward = "goes on rolling back" if sight.run.state == "rolling back" else "goes on from there"
    return Now(
        ((f"! interrupted{what}", BAD), "\n  The session that ran it is gone. The journal is right: what is not done "
         "there, has not happened,\n  or is looked at before it is done again."),
        rest=(f"  {key('next')} {onward}   {key('roll_back')} rolls back",),
    )  # fmt: skip


def _failed(sight: Sight, key: Key) -> Now:
    item = next((i for i in sight.plan.items if sight.word(i) == "failed"), None)
    if item is None:
        return Now((("✗ failed", BAD),), rest=(f"  {key('next')} tries again   {key('roll_back')} rolls back",))
    step = sight.steps[item.position]
    wrong = [v for v in sight.verdicts.get(item.id, ()) if not v.passed]
    lines = [f"\n  {v.title}: expected {v.expected}, found {v.found}" for v in wrong] or [f"\n  {step.error or ''}"]
    more = f"   {key('list.select_cursor')} opens the checkpoint" if wrong else f"   {key('sql')} its SQL"
    again = "measures again" if wrong else "tries again"
    return Now(
        ((f"✗ {sight.name(item)} failed", BAD), *lines),
        rest=(f"  {key('next')} {again}   {key('roll_back')} rolls back{more}",),
    )


def _rollback_paused(sight: Sight, key: Key) -> Now:
    item = sight.begun[0] if sight.begun else None
    word = "stopped" if item and sight.word(item) == "stopped" else "paused"
    upcoming = f"   next to be undone: {sight.name(item)}" if item else ""
    return Now(
        ((f"· the rollback is {word}", STRONG), upcoming),
        rest=(f"  {key('next')} goes on rolling back   {key('roll_back')} says what is undone and kept",),
    )


def _paused(sight: Sight, key: Key) -> Now:
    item = sight.upcoming
    if item is None:
        return Now((("· every step is done", STRONG),), rest=(f"  {key('next')} ends the run",))
    step = sight.steps[item.position]
    estimate = f", about {wording.lasting(item.estimate)}" if item.estimate is not None else ""
    kind = "" if item.kind == "checkpoint" else f"   {item.kind}{estimate}"
    head: tuple[Part, ...] = ((f"· next: {sight.name(item)}", STRONG), kind)
    if step.state in ("stopped", "failed"):
        head = (
            (f"■ {sight.label(item)}: {step.state}", BAD),
            f"\n  {step.error or 'Nothing of it remains half done.'}",
            f"\n  {told}" if (told := observed.told(step.progress)) else "",
        )
    if (gate := sight.closed) is not None:
        return _waits(sight, gate, key)
    if isinstance(item.what, Manual):
        return Now((*head, f"\n  by hand: {item.what.instructions}"), rest=(f"  {key('next')} says that it is done",))
    verb = "goes on" if step.state == "stopped" else "measures it" if item.kind == "checkpoint" else "starts it"
    return Now(head, rest=(f"  {key('next')} {verb}   {key('to_checkpoint')} goes to the next checkpoint",))


def _waits(sight: Sight, gate: GateStatus, key: Key) -> Now:
    """At a closed gate: who has to do what."""
    due = deadline(gate, sight.at)
    where = f"  {key('decisions')} opens the decisions" if gate.kind == "decision" else (
        f"  {key('list.select_cursor')} on ● {gate.title} opens it"
    )  # fmt: skip
    return Now(
        ((f"◆ {gate.title}: {gates.told(gate)}", STRONG), *due),
        rest=(f"{where}   {key('inbox')} what waits for whom",),
    )


def deadline(gate: GateStatus, at: datetime) -> tuple[Part, ...]:
    """due in 40 min; OVERDUE 2 h"""
    if gate.due_at is None or gate.open:
        return ()
    left = (gate.due_at - at).total_seconds()
    return ((f"   overdue {wording.period(-left)}", BAD),) if left < 0 else (f"   due in {wording.period(left)}",)


def _done(sight: Sight, key: Key) -> Now:
    steps = sum(item.kind != "checkpoint" for item in sight.plan.items)
    seconds = sum(step.seconds or 0 for step in sight.run.steps)
    left_out = sum(step.state == "skipped" for step in sight.run.steps)
    skipped = f", {left_out} of them skipped," if left_out else ""
    checkpoints = wording.counted(len(sight.plan.items) - steps, "checkpoint")
    what = f"   {wording.counted(steps, 'step')}{skipped} and {checkpoints}"
    return Now((("✓ done", GOOD), f"{what} in {wording.took(seconds)}"), rest=(f"  {key('roll_back')} rolls back",))


def _rolled_back(sight: Sight) -> Now:
    """The result, as the executor measured it against the fingerprint from before the run."""
    event = next((event for event in reversed(sight.events) if event.kind == "run rolled back"), None)
    began = next((event for event in reversed(sight.events) if event.kind == "rollback began"), None)
    kept = began.detail.get("kept", []) if began else []
    detail = event.detail if event else {}
    same = detail.get("schema") == "as before"
    lines: list[Part] = [("↺ rolled back", STRONG), "   the schema is "]
    lines.append(("as before the run", GOOD) if same else ("not as before the run", BAD))
    lines += [f"\n  differs: {name}" for name in detail.get("differs", [])[:5]]
    lines += [f"\n  kept: {wording.number(k['rows'])} {k['title']}, {k['rule']}" for k in kept if k["rows"]]
    if kept and not any(k["rows"] for k in kept):
        lines.append("\n  nothing had been written since, so there was nothing to keep")
    lines += [f"\n  set aside: {wording.counted(n, 'row')} of {source}, in handrail.set_aside"
              for source, n in sight.aside.items()]  # fmt: skip
    lines += [f"\n  {_content(*both)}" for both in list(detail.get("content", {}).items())[:5]]
    return Now(tuple(lines))


def _content(table: str, rows: list[int]) -> str:
    before, now = rows
    if before == now:
        return f"{table} was written to since ({wording.counted(now, 'row')})"
    return f"{table} had {wording.counted(before, 'row')} before the run, has {wording.number(now)} now"


def _event(event: Event) -> tuple[Part, ...]:
    detail = run_blocking.journalled(event)
    if detail is None:
        detail = "   ".join(_told(name, value) for name, value in event.detail.items()
                            if name not in UNTOLD and value not in ({}, [], None, ""))  # fmt: skip
    tone = tone_of(event.kind)
    step = f" {event.step}" if event.step else ""
    return (f"{event.at:%H:%M:%S}  ", (event.kind, tone), f"{step}   {detail}".rstrip(), (f"   {event.by}\n", QUIET))


def tone_of(kind: str) -> str:
    """Of an event's kind."""
    if "failed" in kind or kind in ("rejected", "glass broken"):
        return BAD
    return GOOD if kind.endswith((" done", "passed", "approved")) else STRONG


def _told(name: str, value: Any) -> str:
    if name == "seconds" and isinstance(value, int | float):
        return wording.took(value)
    words = " ".join(wording.plain(value).split())
    return words if name == "error" else f"{name.replace('_', ' ')} {words}"
