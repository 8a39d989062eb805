"""Words about sessions that are in a run's way, and about those that wait for it. Pure functions of a Sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from console.widgets import words
from console.widgets.safe_text import BAD, QUIET, STRONG, Part, line
from console.widgets.sight import Sight
from db import wording
from db.models import Event
from db.queries.blocking import Blocker

Key = Callable[[str], str]
SHOWN = 3
INDENT = " " * 13


def now(sight: Sight, at: datetime, key: Key) -> tuple[Part, ...]:
    """Lines of the panel Now, each to be cut and not wrapped; none where nobody is in the way and nobody waits."""
    lines: list[tuple[Part, ...]] = [*_tried(sight, at), *_blockers(sight.blockers[:SHOWN], at)]
    more = len(sight.blockers) - SHOWN
    last = [f"and {more} more"] if more > 0 else []
    if waited := made_to_wait(sight):
        last.append(waited)
    if sight.blockers:
        last.append(f"{key('blockers')} looks at them")
    if last:
        lines.append((f"  {'   '.join(last)}",))
    return tuple(part for place, one in enumerate(lines) for part in (("\n", *one) if place else one))


def tried(sight: Sight, at: datetime) -> str:
    """lock not granted: try 4 of 10, next in about 3 s; empty while no try is waited for."""
    event = _newest_try(sight)
    if event is None:
        return ""
    said = event.detail
    left = said["wait"] - (at - event.at).total_seconds()
    why = "lock not granted" if said["blockers"] else line(said["error"]).removesuffix(".")
    if left > 0:
        return f"{why}: try {said['tried']} of {said['tries']}, next in about {wording.lasting(max(left, 1))}"
    return f"{why}: try {said['tried']} of {said['tries']}, now the next" if sight.blockers else ""


def made_to_wait(sight: Sight) -> str:
    """makes 3 sessions wait, the longest 1.2 s"""
    if not sight.waiting.sessions:
        return ""
    longest = wording.took(sight.waiting.seconds)
    return f"makes {wording.counted(sight.waiting.sessions, 'session')} wait, the longest {longest}"


def who(blocker: Blocker) -> str:
    """pid 4711 reporting (metabase)"""
    if not blocker.pid:
        return f"prepared transaction {line(blocker.application)} of {line(blocker.login)}"
    return _session(blocker.pid, blocker.login, blocker.application)


def standing(blocker: Blocker, at: datetime) -> str:
    """idle in transaction for 18 min"""
    lasts = f"for {age(blocker, at)}" if blocker.since else ""
    return f"{blocker.state if blocker.pid else ''} {lasts}".strip()


def age(blocker: Blocker, at: datetime) -> str:
    return words.age((at - blocker.since).total_seconds()) if blocker.since else ""


def statement(blocker: Blocker) -> bool:
    """Whether it has a statement that could be cancelled."""
    return bool(blocker.pid) and not blocker.state.startswith("idle")


def remedy(blocker: Blocker, key: Key) -> str:
    """What can be done about it."""
    if not blocker.pid:
        name = "'" + blocker.application.replace("'", "''") + "'"
        return (
            f"A prepared transaction has no session that could be ended. In psql, as {blocker.login}:\n"
            f"ROLLBACK PREPARED {name};   or   COMMIT PREPARED {name};"
        )
    if not statement(blocker):
        return f"It is idle: there is no statement to cancel.   {key('terminate')} terminates the session"
    return f"{key('stop')} cancels its statement   {key('terminate')} terminates the session"


def journalled(event: Event) -> str | None:
    """An event of this subject in words; None for any other."""
    said = event.detail
    if event.kind == "tried again":
        whom = ", ".join(_session(met["pid"], met["login"], met["application"]) for met in said["blockers"])
        why = f"blocked by {whom}" if whom else said["error"]
        return f"try {said['tried']} of {said['tries']}   {line(why)}"
    if event.kind in ("blocker cancelled", "blocker terminated"):
        return _session(said["pid"], said["login"], said["application"])
    if event.kind == "taken over":
        return f"from {line(said['login_before'])}, pid {said['pid']}"
    return None


def question(how: str, blocker: Blocker, at: datetime, where: str) -> tuple[str, str, str]:
    """The question before its statement is cancelled or its session terminated, the effect, and what `y` does."""
    held = f"\nIt holds {line(blocker.holds)}." if blocker.holds else ""
    about = f"{where}\n{who(blocker)}: {standing(blocker, at)}.{held}\n\n"
    if how == "cancel":
        effect = (
            "Its statement ends with an error. A transaction that it is in stays open, and keeps its locks until its "
            f"client ends it.\n\n{line(blocker.query[:300])}"
        )
        return f"Cancel the statement of pid {blocker.pid}?", f"{about}{effect}", "cancel it"
    effect = "Its transaction is undone whole and its connection closed; its client gets an error."
    return f"Terminate the session with pid {blocker.pid}?", f"{about}{effect}", "terminate it"


def rows(sight: Sight, at: datetime) -> dict[str, tuple[Part, ...]]:
    """pid, login, application, state, age, what it holds, its query; by `row`."""
    return {
        row(one): (
            str(one.pid) if one.pid else "-", one.login, one.application, (one.state, STRONG), age(one, at),
            one.holds, (one.query[:500], QUIET),
        )
        for one in sight.blockers
    }  # fmt: skip


def row(blocker: Blocker) -> str:
    return str(blocker.pid) if blocker.pid else f"prepared {blocker.application}"


def _tried(sight: Sight, at: datetime) -> list[tuple[Part, ...]]:
    told = tried(sight, at)
    return [((f"  {told}", BAD),)] if told else []


def _blockers(shown: Sequence[Blocker], at: datetime) -> list[tuple[Part, ...]]:
    """One alone has a second line for what it holds and does."""
    apart = f"\n{INDENT}" if len(shown) == 1 else "   "
    found: list[tuple[Part, ...]] = []
    for blocker in shown:
        holds = f"{line(blocker.holds)}   " if blocker.holds else ""
        rest = f"{holds}{line(blocker.query[:500])}"
        found.append((f"  blocked by {who(blocker)} ", (standing(blocker, at), STRONG),
                      (f"{apart if rest else ''}{rest}", QUIET)))  # fmt: skip
    return found


def _newest_try(sight: Sight) -> Event | None:
    """Of the item under way, in this attempt."""
    item = sight.under_way
    for event in reversed(sight.events):
        if item is None or (event.step == item.id and event.kind in ("step began", "undo began")):
            return None
        if event.step == item.id and event.kind == "tried again":
            return event
    return None


def _session(pid: int, login: str | None, application: str | None) -> str:
    named = f" ({line(application)})" if application else ""
    return f"pid {pid} {line(login or 'somebody')}{named}"
