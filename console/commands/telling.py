"""How commands speak: JSON objects or aligned lines on standard output, narration and errors on standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from db.errors import HandrailError
from db.models import Event, Run, Verdict
from db.queries.activity import Driver
from db.text import clean, one_line
from db.wording import plain, took

VERSION = 1
MARKS = {
    "done": "✓", "passed": "✓", "running": "▶", "failed": "✗", "stopped": "■", "undoing": "↺", "undone": "↺",
    "waiting": "·", "skipped": "»",
}  # fmt: skip
HIDDEN = ("pid", "digest", "sha256", "fingerprint", "attempt", "id", "login", "sealer", "starter", "asked_by", "at",
          "watches", "samples", "value", "at_most", "over", "within", "scope")  # fmt: skip


def tell(document: dict[str, Any]) -> None:
    """One JSON object a line, with the version of its shape, in plain ASCII: no terminal obeys what it holds."""
    print(json.dumps({"version": VERSION, **document}, default=str), flush=True)


def line(words: str = "") -> None:
    """A line of data for people. A pipe that knows no Unicode gets question marks, not an error."""
    _write(sys.stdout, words)


def say(words: str) -> None:
    """A line about what is going on. A terminal that was closed hears nothing, and nothing breaks."""
    try:
        _write(sys.stderr, words)
    except OSError:
        _into_nothing(2)


def say_over(words: str) -> None:
    """A line that the next one is written over; for terminals."""
    try:
        sys.stderr.write(f"\r{words}\x1b[K\r")
        sys.stderr.flush()
    except OSError:
        _into_nothing(2)


def unheard(error: OSError) -> None:
    """Nobody reads standard output any more: what is left to say goes nowhere, and what is under way goes on."""
    _into_nothing(1)
    say(f"handrail: standard output is gone ({error.strerror}); going on without it.")


def run_word(run: Run, driver: Driver | None) -> str:
    """The state of a run for people: the journal cannot know that its executor died, nor that a rollback rests."""
    if driver is not None or run.state not in ("running", "rolling back"):
        return run.state
    states = {step.state for step in run.steps}
    if run.state == "rolling back" and not states & {"running", "undoing"}:
        if "failed" in states:
            return "failed"
        if run.pause_requested or "stopped" in states:
            return "paused"
    return "interrupted"


def tell_error(error: HandrailError, *, as_json: bool) -> None:
    """One line that says what is wrong and what to do."""
    if as_json:
        tell({"error": error.message, "hint": error.hint, "exit": error.exit_code})
    say(one_line(f"handrail: {error}"))


def event_document(event: Event) -> dict[str, Any]:
    return {"event": event.kind, "at": event.at.isoformat(), "by": event.by, "run": event.run_id, "step": event.step,
            **event.detail}  # fmt: skip


def event_line(event: Event) -> str:
    shown = {key: value for key, value in event.detail.items() if key not in HIDDEN and value not in ({}, [])}
    words = ", ".join(
        took(value)
        if key == "seconds" and isinstance(value, int | float)
        else f"{key.replace('_', ' ')} {plain(value)}"
        for key, value in shown.items()
    )
    kind, step = one_line(event.kind), one_line(event.step or "")
    return f"{event.at:%H:%M:%S}  {kind:<18} {step:<18} {one_line(words)}".rstrip()


def run_document(run: Run, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "run": run.id,
        "plan": run.plan,
        "state": run.state,
        "started_by": run.started_by,
        "started_at": run.started_at.isoformat(),
        "steps": [
            {"step": step.step, "kind": step.kind, "phase": step.phase, "title": step.title, "state": step.state,
             "seconds": step.seconds, "estimate": step.estimate, "error": step.error, "progress": step.progress}
            for step in run.steps
        ],
        "verdicts": [verdict_document(verdict) for verdict in verdicts],
    }  # fmt: skip


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    return {"checkpoint": verdict.checkpoint, "check": verdict.check, "title": verdict.title, "passed": verdict.passed,
            "expected": verdict.expected, "found": verdict.found, "seconds": verdict.seconds,
            "rows": verdict.rows}  # fmt: skip


def verdict_lines(verdicts: list[Verdict]) -> list[str]:
    """A line for each verdict under its checkpoint; the rows at fault below it."""
    lines, checkpoint = [], ""
    for verdict in verdicts:
        if verdict.checkpoint != checkpoint:
            checkpoint = verdict.checkpoint
            lines.append(f"● {checkpoint}")
        mark = "✓ passed" if verdict.passed else "✗ failed"
        lines.append(
            f"  {mark}  {one_line(verdict.title):<34} expected {one_line(verdict.expected)}, "
            f"found {one_line(verdict.found)}"
        )
        lines += [f"             {one_line(plain(row))}" for row in verdict.rows[:5]]
    return lines


def _into_nothing(stream: int) -> None:
    """What the stream still holds, and what is written to it from now on, goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def _write(stream: Any, words: str) -> None:
    if stream is None:  # closed by the shell: >&-
        return
    encoding = stream.encoding or "utf-8"
    print(clean(words).encode(encoding, "replace").decode(encoding), file=stream, flush=True)
