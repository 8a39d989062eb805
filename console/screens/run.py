"""A run: the steps, what is under way or wrong, what is next; step, pause, stop, go back."""

from __future__ import annotations

import time

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.widgets import DataTable

from console.engine import journey, report, wishes
from console.engine.plan import Item
from console.engine.steps import Manual
from console.engine.triggers import incident
from console.widgets import gauges, run_blocking, run_questions, run_words, words
from console.widgets.ledger import Ledger
from console.widgets.pace import Pace
from console.widgets.place import Place
from console.widgets.safe_text import STRONG, line
from console.widgets.scripts import ScriptPanel, script
from console.widgets.sight import Sight, at_finish, changed_since, see
from console.widgets.told import Bar, Told


class RunScreen(Place):
    BINDINGS = [
        Binding("escape", "leave", "Back", show=False, tooltip="One step back; changes nothing", id="place.leave"),
        Binding("n", "next", "Next", tooltip="Does the next step, or goes on after a failure; asks first",
                id="run.next"),
        Binding("c", "to_checkpoint", "Checkpoint", tooltip="Does all steps up to the next checkpoint; asks first",
                id="run.to_checkpoint"),
        Binding("space", "pause", "Pause", tooltip="Pauses after the step or batch under way", id="run.pause"),
        Binding("x", "stop", "Stop", tooltip="Cancels the statement that runs now; asks first", id="run.stop"),
        Binding("k", "back", "Undo", tooltip="Undoes the last step; asks first", id="run.back"),
        Binding("R", "roll_back", "Roll back", tooltip="Says what a rollback would undo and keep, then asks",
                id="run.roll_back"),
        Binding("T", "take_over", "Take over", show=False,
                tooltip="Goes on in place of the session that runs it, which is terminated; asks first",
                id="run.take_over"),
        Binding("b", "blockers", "Blockers", show=False, id="run.blockers",
                tooltip="Who is in the way of the step, and what can be done about it"),
        Binding("d", "decisions", "Decisions", show=False, tooltip="What the run asks people; opens the one that waits",
                id="run.decisions"),
        Binding("p", "report", "Report", show=False, id="run.report",
                tooltip="Writes the run's report to files, and says where they are"),
        Binding("s", "sql", "SQL", tooltip="The SQL of the step in full, and its way back", id="place.sql"),
    ]  # fmt: skip

    def __init__(self, run: int) -> None:
        super().__init__()
        self._run = run
        self._sight: Sight | None = None
        self._pace = Pace()
        self._followed: str | None = None
        self._scripts: dict[str, str] = {}

    def compose_body(self) -> ComposeResult:
        with Container(classes="beside"):
            with Vertical(classes="left"):
                yield Ledger("phase", "state", "step", "time", "estimate", "what", stretch="step",
                             yielding=("phase", "what"), header=False, id="steps")  # fmt: skip
                with Vertical(id="now"):
                    yield Told(id="incident")
                    yield Told(id="now-head")
                    yield Bar(id="now-bar")
                    yield Told(id="blocked")
                    yield Told(id="trouble")
                    yield Told(id="now-rest")
                    yield Told(id="gauges")
            yield ScriptPanel(classes="script-panel")
        yield Told(id="log")

    def on_mount(self) -> None:
        self.head(f"run {self._run}")
        self.query_one("#now").border_title = "Now"
        self.query_one("#log").border_title = "Log (UTC)"
        self.query_one("#steps").focus()

    async def look(self) -> None:
        self._sight = sight = await self.asking.ask(see, self._run, self._sight)
        if (item := sight.under_way) and "batches" in (kept := sight.steps[item.position].progress):
            self._pace.see(time.monotonic(), kept["rows"])
        self._show(sight)
        self._follow(sight)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "decisions":
            return True if self._sight and any(gate.kind == "decision" for gate in self._sight.gates) else None
        if action not in ("next", "to_checkpoint", "pause", "stop", "back", "roll_back", "take_over"):
            return True
        may = self._sight is not None and self._sight.may(action, driving=self.console.driving)
        return True if may else None

    @work(group="conversation", exclusive=True)
    async def action_next(self) -> None:
        sight = self._seen()
        if sight.run.state == "rolling back":
            if await self.agreed(f"Go on rolling back run {self._run}?", self._on_target(sight), "go on"):
                self.console.drive(journey.resume, self._run)
            return
        item = sight.upcoming
        if item is None:
            self.console.drive(journey.forward, self._run, "one")
        elif item.kind == "finish":
            await self._finish(sight, item)
        else:
            await self._forward(sight, item, item, "one")

    @work(group="conversation", exclusive=True)
    async def action_to_checkpoint(self) -> None:
        sight = self._seen()
        first, last = sight.upcoming, sight.stop_at
        if first is None or last is None:
            return
        await self._forward(sight, first, last, "checkpoint")

    @work(group="conversation", exclusive=True)
    async def action_back(self) -> None:
        sight = self._seen()
        item = sight.begun[0]
        effect = self._on_target(sight) + "\n\n" + await self.asking.think(script, sight.plan, item, back=True)
        if not await self.agreed(f"Undo {sight.name(item)}?", effect, "undo it"):
            return
        with self.told():
            await self.look()
            if self._seen().begun[:1] == [item]:
                self.console.drive(journey.back, self._run, one=True)
            else:
                self._moved()

    @work(group="conversation", exclusive=True)
    async def action_stop(self) -> None:
        """Here, or in whatever session it runs: the question says where."""
        sight, here = self._seen(), self.console.driving
        if not await self.agreed(*run_questions.stop(sight, self._on_target(sight), here=here)):
            return
        if here:
            self.console.stop()
            return
        with self.told():
            await self.asking.ask(wishes.ask_stop, self._run)
        self.nudge()

    @work(group="conversation", exclusive=True)
    async def action_take_over(self) -> None:
        """No further than the item that was shown, and from no other session than the one that was named."""
        sight = self._seen()
        driver, last = sight.driver, sight.under_way or sight.upcoming
        if not await self.typed(*run_questions.take_over(sight, self._on_target(sight)), sight.plan.id):
            return
        with self.told():
            await self.look()
            if driver is None or self._seen().driver != driver:
                self._moved()
                return
            self.console.drive(journey.resume, self._run, until=last.id if last else None, over=driver)

    @work(group="conversation")
    async def action_pause(self) -> None:
        with self.told():
            await self.asking.ask(wishes.ask_pause, self._run)
        self.nudge()

    def action_decisions(self) -> None:
        """The one that the run waits for, or the first."""
        asked = [gate for gate in self._seen().gates if gate.kind == "decision"]
        waits = next((gate for gate in asked if not gate.open), None)
        if gate := waits or next(iter(asked), None):
            self.console.visit("decision", self._run, gate.gate)

    def action_blockers(self) -> None:
        self.console.visit("blockers", self._run)

    def action_roll_back(self) -> None:
        self.console.visit("rollback", self._run)

    @work(group="report", exclusive=True)
    async def action_report(self) -> None:
        with self.told():
            kept, _ = await self.asking.think(report.keep, await self.asking.ask(report.gathered, self._run))
            self.app.notify(line(f"The report is in {kept} and, as HTML, beside it."), markup=False)

    @work(group="sql", exclusive=True)
    async def action_sql(self) -> None:
        if (item := self._chosen()) is None:
            return
        sight = self._seen()
        forward = await self._script(sight, item)
        checks = item.kind == "checkpoint"
        back = "" if checks else await self.asking.think(script, sight.plan, item, back=True)
        self.console.visit("sql", f"run {self._run} · {sight.label(item)}", forward, back)

    def on_data_table_row_selected(self) -> None:
        """A checkpoint opens; a step shows its SQL. Nothing is begun (UX-O3)."""
        item = self._chosen()
        if item is not None and item.kind in ("checkpoint", "observe"):
            self.console.visit("checkpoint", self._run, item.id)
        elif item is not None:
            self.action_sql()

    @work(group="sql", exclusive=True)
    async def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        if (item := self._chosen()) and (sight := self._sight):
            text = await self._script(sight, item)
            self.query_one(ScriptPanel).show(text, sight.label(item))

    async def _forward(self, sight: Sight, first: Item, last: Item, reach: journey.Reach) -> None:
        """Asks, of the schema where somebody else changed it; then goes forward, no further than was agreed to."""
        where = self._on_target(sight)
        with self.told():
            still = await self._still_over(sight)
            if still and not await self.agreed(*gauges.despite(still, where)):
                return
            differs = await self.asking.ask(changed_since, self._run, first)
            if differs:
                question = run_questions.drifted(sight, first, last, differs, where)
            elif reach == "one":
                question = run_questions.one(sight, first, where)
            else:
                question = run_questions.several(sight, first, last, where)
            if await self.agreed(*question):
                self.console.drive(
                    journey.forward, self._run, reach, until=last.id, accepted=bool(differs),
                    said=reach == "one" and isinstance(first.what, Manual), despite=list(still),
                )  # fmt: skip

    async def _still_over(self, sight: Sight) -> dict[str, str]:
        """After a trigger stopped the run: what is over now, by trigger."""
        if sight.triggers.incident is None:
            return {}
        return await self.asking.think(incident.words_of, self.asking.target(), sight.plan, self._run)

    async def _finish(self, sight: Sight, item: Item) -> None:
        """The point of no return, shown and typed."""
        with self.told():
            final = await self.asking.ask(at_finish, self._run)
            if await self.typed(*run_questions.finish(sight, final, self._on_target(sight)), sight.plan.id):
                self.console.drive(journey.forward, self._run, "one", until=item.id, finish=True)

    def _moved(self) -> None:
        self.app.notify("The run has moved on meanwhile. Look again.", severity="warning", markup=False)

    def _on_target(self, sight: Sight) -> str:
        return f"Run {self._run} of {sight.plan.id} on {sight.plan.target}, {self.asking.label}."

    def _seen(self) -> Sight:
        """What this screen shows; a key that needs it cannot act before."""
        assert self._sight is not None
        return self._sight

    def _here(self, sight: Sight) -> bool:
        """Whether this console runs it: one that was taken over from may not have noticed yet."""
        return self.console.driving and (sight.driver is None or sight.driver.pid == self.asking.pid)

    def _chosen(self) -> Item | None:
        key = self.query_one("#steps", Ledger).chosen
        return self._sight.plan.item(key) if key and self._sight else None

    async def _script(self, sight: Sight, item: Item) -> str:
        """Slow for a revision, so each is rendered once."""
        if item.id not in self._scripts:
            self._scripts[item.id] = await self.asking.think(script, sight.plan, item)
        return self._scripts[item.id]

    def _follow(self, sight: Sight) -> None:
        """The cursor goes with the run, unless a person has moved it elsewhere."""
        ledger, item = self.query_one("#steps", Ledger), sight.under_way or sight.upcoming
        if item is not None and item.id != self._followed:
            if self._followed is None or ledger.chosen == self._followed:
                ledger.choose(item.id)
            self._followed = item.id

    def _show(self, sight: Sight) -> None:
        at, word, driving = sight.at, sight.run_word, self._here(sight)
        sign, tone = words.STATES[word]
        who = "here" if driving else f"by {sight.driver.login}" if sight.driver else ""
        self.head(f"{sight.plan.target} · {self.asking.label} · run {self._run} {sight.plan.id}",
                  " ".join(f"{sign} {word} {who} {gauges.heading(sight.triggers.incident, sight.at)}".split()),
                  tone)  # fmt: skip
        self.query_one("#steps", Ledger).fill(run_words.rows(sight, at))
        now = run_words.now(sight, at, self._pace, self.key, driving=driving)
        self.query_one("#incident", Told).say(*gauges.loud(sight.triggers.incident, at, self.key))
        wide = self.has_class("-wide")
        self.query_one("#gauges", Told).say(*gauges.lines(sight.triggers, going=sight.going, wide=wide))
        self.query_one("#now-head", Told).say(*now.head)
        self.query_one("#now-bar", Bar).fraction = now.fraction
        self.query_one("#blocked", Told).say(*run_blocking.now(sight, at, self.key))
        self.query_one("#now-rest", Told).say(*now.rest)
        if sight.driver and sight.driver.pid != self.asking.pid:
            self.console.trouble = ""  # another session went on since
        trouble = self.console.trouble
        self.query_one("#trouble", Told).say(*[("  ", ""), (trouble, STRONG)] if trouble else [])
        self.query_one("#log", Told).say(*run_words.log(sight))
