"""Home: the target, its runs, and the plans for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import DataTable

from console.widgets import words
from console.widgets.ledger import Ledger
from console.widgets.place import Place
from console.widgets.safe_text import BAD, GOOD, QUIET, STRONG, Part, line
from console.widgets.told import Told
from db import wording


@dataclass(frozen=True)
class Overview:
    name: str | None
    runs: list[Any]
    driven: bool
    inbox: Any
    stopped: tuple[int, Any] | None
    """The run that a trigger stopped, and its incident."""


@dataclass(frozen=True)
class Listed:
    """A plan file: its plan, or what is wrong with it."""

    name: str
    plan: Any = None
    wrong: str = ""


class HomeScreen(Place):
    EVERY = 2.0
    BINDINGS = [
        Binding("r", "again", "Look again", tooltip="Asks the target and reads the plans again", id="place.again"),
        Binding("escape", "leave", "Back", show=False, tooltip="There is nothing behind home", id="home.leave"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._version = ""
        self._plans: dict[str, Listed] = {}
        self._wrong = False
        self._welcomed = False
        self._groups: tuple[str, ...] = ()

    def compose_body(self) -> ComposeResult:
        yield Told("Connecting to the target ...", id="target")
        yield Told(id="progress")
        yield Told(id="broken")
        yield Told(id="waits-for")
        yield Ledger("run", "plan", "state", "done", "by", "since (UTC)", stretch="plan", id="runs")
        yield Ledger("plan", "title", "steps", "estimate", stretch="title", id="plans")

    def on_mount(self) -> None:
        for id, title in (("#runs", "Runs"), ("#plans", "Plans")):
            ledger = self.query_one(id)
            ledger.border_title, ledger.border_subtitle = title, "enter opens   tab to the other list"
        self.head("home")

    async def look(self) -> None:
        if self._wrong:
            return
        await self.console.ready(self._progress)
        self._version = self._version or await self.asking.ask(_version)
        self._show(await self.asking.ask(_overview))
        await self.console.listen()
        self._welcome()
        if not self._plans:
            listed = await self.asking.think(_listed, self.console.plans)
            self._plans = {one.name: one for one in listed}
            self._show_plans()

    def _welcome(self) -> None:
        """Who only looks clients up begins where that is done."""
        if not self._welcomed and self._groups == ("support",) and self.is_current:
            self.console.visit("clients")
        self._welcomed = True

    def unseen(self, message: str, hint: str) -> None:
        """Stands still: asking again by itself could lock an account whose password is wrong."""
        self._wrong = True
        where = f"{self.asking.label}  " if self.asking.label else ""
        version = f"   PostgreSQL {self._version}" if self._version else ""
        self.query_one("#target", Told).say(
            where, (f"✗ {message}", BAD), version, f"\n{hint}\n" if hint else "\n", f"{self.key('again')} tries again"
        )

    def action_again(self) -> None:
        self._wrong, self._plans, self._welcomed = False, {}, False
        self.nudge()

    def action_leave(self) -> None:
        """Home has nothing behind it."""

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        key = event.row_key.value or ""
        if event.data_table.id == "runs" and key.isdigit():
            self.console.visit("run", int(key))
        elif event.data_table.id == "plans" and (listed := self._plans.get(key)):
            if listed.plan is not None:
                self.console.visit("plan", listed.plan)
            else:
                self.app.notify(line(listed.wrong), severity="error", markup=False)

    def _progress(self, news: str) -> None:
        """Called from the thread that prepares the target."""
        told = self.query_one("#progress", Told)
        self.app.call_later(lambda: told.say(f"{told.words}{news}\n"))

    def _show(self, seen: Overview) -> None:
        name = seen.name or "not prepared"
        self.query_one("#target", Told).say(
            (name, GOOD), f"   {self.asking.label}   PostgreSQL {self._version}",
            ("   prepared", QUIET) if seen.name else "",
        )  # fmt: skip
        self.query_one("#progress", Told).say()
        self._show_inbox(seen.inbox, seen.stopped)
        me = seen.inbox.me
        self._groups = me.groups
        self.head(f"{name} · {self.asking.label}", me.told)
        ledger = self.query_one("#runs", Ledger)
        ledger.fill({str(run.id): _run_row(run, seen.driven) for run in seen.runs} or {"": _empty("no run yet", 6)})
        if not seen.runs and ledger.has_focus:
            self.query_one("#plans").focus()

    def _show_inbox(self, inbox: Any, stopped: tuple[int, Any] | None) -> None:
        """Loud where a gate was broken open, or a trigger stopped a run; a line where something waits."""
        first = inbox.broken[0] if inbox.broken else None
        more = f" and {len(inbox.broken) - 1} more" if len(inbox.broken) > 1 else ""
        loud: list[Part] = []
        if first:
            why = f"  {first.gate} of run {first.run_id}, by {first.person}: {first.reason}"
            loud = [(f"! BREAK-GLASS{more}", BAD), why]
        if stopped:
            run, incident = stopped
            loud += [("\n" if loud else "", ""), (f"! run {run} {incident.line(inbox.now)}", BAD)]
        self.query_one("#broken", Told).say(*loud)
        mine, others = inbox.mine, len(inbox.waiting) - len(inbox.mine)
        overdue = sum(one.overdue(inbox.now) for one in inbox.waiting)
        parts: list[Part] = []
        if inbox.waiting:
            parts = [("● ", STRONG), (f"{len(mine)} for you" if mine else "nothing for you", STRONG if mine else QUIET),
                     f"   {others} for others" if others else ""]  # fmt: skip
            parts += [(f"   {overdue} overdue", BAD)] if overdue else []
            parts.append((f"   {self.key('inbox')} opens the inbox", QUIET))
        self.query_one("#waits-for", Told).say(*parts)

    def _show_plans(self) -> None:
        rows = {name: _plan_row(listed) for name, listed in self._plans.items()}
        self.query_one("#plans", Ledger).fill(rows or {"": _empty("no plan here", 4)})


def _version(session: Any) -> str:
    from db.queries import activity

    return activity.server_version(session)


def _overview(session: Any) -> Overview:
    from console.engine import inbox
    from console.engine.triggers import incident
    from db import own
    from db.queries import activity, runs

    name = runs.target_name(session)
    driven = activity.driver(session) is not None
    found = runs.all_runs(session)
    # support reads no events
    reads = own.readable(session, "handrail", "event")
    open_run = next((run for run in found if reads and run.state not in runs.OVER), None)
    stopped = incident.open_of(session, open_run.id) if open_run else None
    return Overview(name, found, driven, inbox.look(session), (open_run.id, stopped) if open_run and stopped else None)


def _listed(folder: Path | None) -> list[Listed]:
    """Every plan of the folder; a broken one stands in the list with what is wrong, and hides no other."""
    from console.engine import reading
    from db.errors import HandrailError

    listed = []
    for path in reading.catalogue(folder or reading.PLANS):
        try:
            listed.append(Listed(path.stem, reading.load(str(path))))
        except HandrailError as error:
            listed.append(Listed(path.stem, wrong=str(error)))
    return listed


def _run_row(run: Any, driven: bool) -> tuple[Part, ...]:
    done = sum(step.state in ("done", "skipped") for step in run.steps)
    return (
        str(run.id), run.plan, words.state(words.of_run(run, driven=driven)),
        f"{done} of {len(run.steps)}", run.started_by, f"{run.started_at:%Y-%m-%d %H:%M}",
    )  # fmt: skip


def _plan_row(listed: Listed) -> tuple[Part, ...]:
    if listed.plan is None:
        return listed.name, (f"✗ {listed.wrong}", BAD), "", ""
    items = listed.plan.items
    estimate = sum(item.estimate or 0 for item in items)
    return (
        listed.name,
        listed.plan.title,
        str(sum(item.kind != "checkpoint" for item in items)),
        wording.lasting(estimate),
    )


def _empty(what: str, columns: int) -> tuple[Part, ...]:
    return ("", (what, QUIET), *[""] * (columns - 2))
