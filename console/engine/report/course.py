"""What happened on the way, from the run's events: tries, warnings, what fired, what was taken back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from console.engine.report.document import Began, Ended, Happened, Kept, Rollback, Tried, Undone
from console.engine.report.wording import detail, happened, listed, seconds, table, whole
from db.models import Event
from db.queries.reporting import Names
from db.text import clean, one_line

NOTIFIED = ("notified", "notify failed")
ON_THE_WAY = (
    "drift found", "drift accepted", "taken over", "connection back", "server changed", "step resolved",
    "blocker cancelled", "blocker terminated", "settings put back", "stop asked",
)  # fmt: skip


def of_kind(events: Iterable[Event], names: Names, *kinds: str) -> tuple[Happened, ...]:
    return tuple(happened(event, names) for event in events if event.kind in kinds)


def preflight(events: Iterable[Event]) -> tuple[str, ...]:
    return tuple(
        clean(line) for event in events if event.kind == "preflight" for line in listed(event.detail.get("warnings"))
    )


def tried(events: Iterable[Event]) -> tuple[Tried, ...]:
    """By step, in the order in which they were first tried again."""
    by_step: dict[str, list[Event]] = {}
    for event in events:
        if event.kind == "tried again":
            by_step.setdefault(event.step or "", []).append(event)
    return tuple(
        Tried(
            clean(step), len(again), max(seconds(one.detail.get("wait")) or 0.0 for one in again),
            clean(again[-1].detail.get("error", "")), tuple(dict.fromkeys(_blockers(again))),
        )
        for step, again in by_step.items()
    )  # fmt: skip


def rollback(events: Sequence[Event], names: Names, aside: Mapping[str, int]) -> Rollback:
    return Rollback(
        tuple(_began(event, names) for event in events if event.kind == "rollback began"),
        tuple(_undone(event, names) for event in events if _took_back(event)),
        tuple(_ended(event, names) for event in events if event.kind == "run rolled back"),
        tuple((clean(source), rows) for source, rows in sorted(aside.items())),
    )


def _blockers(tries: Iterable[Event]) -> Iterator[str]:
    """pid 4711 reporting (metabase)"""
    for event in tries:
        for met in map(table, listed(event.detail.get("blockers"))):
            application = f" ({met['application']})" if met.get("application") else ""
            yield one_line(f"pid {met.get('pid', 'not recorded')} {met.get('login') or 'somebody'}{application}")


def _began(event: Event, names: Names) -> Began:
    kept = [
        Kept(clean(one.get("title")), whole(one.get("rows")) or 0, clean(one.get("rule")))
        for one in map(table, listed(event.detail.get("kept")))
    ]
    return Began(event.id, event.at, clean(names.of_login(event.by)), tuple(kept))


def _took_back(event: Event) -> bool:
    by_hand = event.kind == "step resolved" and event.detail.get("resolved") == "undone"
    return event.kind == "step undone" or by_hand


def _undone(event: Event, names: Names) -> Undone:
    said = Event(kind=event.kind, detail={key: value for key, value in event.detail.items() if key != "seconds"})
    return Undone(event.id, clean(event.step), event.at, clean(names.of_login(event.by)),
                  seconds(event.detail.get("seconds")), detail(said))  # fmt: skip


def _ended(event: Event, names: Names) -> Ended:
    said: dict[str, Any] = event.detail
    content: list[tuple[str, int, int]] = []
    for name, both in table(said.get("content")).items():
        match both:
            case [int(before), int(then)]:
                content.append((clean(name), before, then))
    return Ended(
        event.id, event.at, clean(names.of_login(event.by)), clean(said.get("schema", "not recorded")),
        tuple(clean(name) for name in listed(said.get("differs"))), tuple(content),
    )  # fmt: skip
