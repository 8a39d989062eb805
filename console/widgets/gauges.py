"""The triggers of a run as gauges, and the incident that one of them opened. Pure functions of what was seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from console.engine.triggers.gauging import Reading, nearest
from console.engine.triggers.incident import Incident
from console.engine.triggers.standing import Triggers
from console.widgets.safe_text import BAD, QUIET, STRONG, Part
from db import wording

Key = Callable[[str], str]
NARROW = 2  # gauges on a narrow screen


def lines(triggers: Triggers, *, going: bool, wide: bool) -> tuple[Part, ...]:
    """A line each: the two nearest to their limit where there is little room, and none there while the run rests."""
    if not (wide or going):
        return ()
    shown = list(triggers.readings) if wide else nearest(triggers.readings, NARROW)
    width = max((len(one.trigger.id) for one in shown), default=0)
    told = [_line(one, width, wide=wide) for one in shown]
    if wide:
        told += [((f"  ~ {one.declared}", QUIET),) for one in triggers.others]
    if triggers.back and (wide or triggers.back != "no"):
        told.append((("  would roll back now: ", QUIET), (triggers.back, QUIET if triggers.back == "no" else BAD)))
    return tuple(part for place, one in enumerate(told) for part in (("\n", *one) if place else one))


def _line(one: Reading, width: int, *, wide: bool) -> tuple[Part, ...]:
    value: Part = (one.value, BAD) if one.hot else one.value
    parts: list[Part] = [
        ("  ~ ", QUIET), one.trigger.id.ljust(width), "  ", value, (f" of at most {one.limit}", QUIET),
        f"  {one.state}  ", (one.spark, BAD if one.hot else QUIET),
    ]  # fmt: skip
    return (*parts, (f"  {one.told}", QUIET)) if wide and one.told else tuple(parts)


def heading(incident: Incident | None, at: datetime) -> str:
    """For the heading of a stopped run: trigger lag, 4 min"""
    if incident is None:
        return ""
    late = " OVERDUE" if incident.overdue(at) else ""
    return f"trigger {incident.trigger}, {wording.period(incident.lasts(at))}{late}"


def loud(incident: Incident | None, at: datetime, key: Key) -> tuple[Part, ...]:
    """The line above everything else of a run that a trigger stopped."""
    if incident is None:
        return ()
    says = f"\n  its plan says to roll back: {key('roll_back')}" if incident.do == "roll back" else ""
    return (f"! {incident.line(at)}", BAD), (says, STRONG)


def despite(still: Mapping[str, str], where: str) -> tuple[str, str, str]:
    """Before a run goes on although a trigger is still over its limit."""
    what = "\n".join(f"  {id}: {told}" for id, told in still.items())
    effect = (
        f"{where}\nA trigger stopped this run, and these are over their limits now:\n\n{what}\n\nYes goes on "
        "to the next question. What is over now is armed again once it has been under its limit; the journal keeps who "
        "went on."
    )
    return "Still over its limit", effect, "go on all the same"
