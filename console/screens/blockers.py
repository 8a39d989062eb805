"""Who is in the way of a run's step; to cancel a statement and to end its session are two keys (UX-O10)."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical
from textual.widgets import DataTable

from console.engine import blocking
from console.widgets import run_blocking
from console.widgets.ledger import Ledger
from console.widgets.place import Place
from console.widgets.safe_text import BAD, GOOD, STRONG
from console.widgets.scripts import ScriptPanel
from console.widgets.sight import Sight, see
from console.widgets.told import Told
from db.queries.blocking import Blocker


class BlockersScreen(Place):
    BINDINGS = [
        Binding("x", "stop", "Cancel statement", tooltip="Cancels the statement of the session; asks first",
                id="blockers.cancel"),
        Binding("t", "terminate", "Terminate session", tooltip="Undoes its transaction and ends it; asks first",
                id="blockers.terminate"),
    ]  # fmt: skip

    def __init__(self, run: int) -> None:
        super().__init__()
        self._run = run
        self._sight: Sight | None = None

    def compose_body(self) -> ComposeResult:
        yield Told(id="waits")
        with Container(classes="beside"):
            with Vertical(classes="left"):
                yield Ledger("pid", "login", "application", "state", "for", "holds", "query", stretch="query",
                             yielding=("query", "holds", "application", "login"), id="blockers")  # fmt: skip
                yield Told(id="about")
            yield ScriptPanel(classes="script-panel")

    def on_mount(self) -> None:
        self.head(f"run {self._run} · who is in the way")
        self.query_one("#blockers").focus()

    async def look(self) -> None:
        self._sight = sight = await self.asking.ask(see, self._run, self._sight)
        self._show(sight)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action not in ("stop", "terminate"):
            return True
        blocker = self._chosen()
        can = blocker is not None and (run_blocking.statement(blocker) if action == "stop" else bool(blocker.pid))
        return True if can else None

    @work(group="conversation", exclusive=True)
    async def action_stop(self) -> None:
        await self._end("cancel")

    @work(group="conversation", exclusive=True)
    async def action_terminate(self) -> None:
        await self._end("terminate")

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_chosen()
        self._refresh_keys()

    async def _end(self, how: blocking.How) -> None:
        """Of the session that the question named, whatever stands under the cursor by then."""
        blocker, sight = self._chosen(), self._sight
        if blocker is None or sight is None:
            return
        where = f"In the way of run {self._run} on {sight.plan.target}, {self.asking.label}."
        if await self.agreed(*run_blocking.question(how, blocker, sight.at, where)):
            with self.told():
                await self.asking.ask(blocking.end, self._run, how, blocker)
            self.nudge()

    def _chosen(self) -> Blocker | None:
        key = self.query_one("#blockers", Ledger).chosen
        found = self._sight.blockers if self._sight else ()
        return next((one for one in found if run_blocking.row(one) == key), None)

    def _show(self, sight: Sight) -> None:
        self.head(f"{sight.plan.target} · {self.asking.label} · run {self._run} · who is in the way")
        item = sight.under_way
        what = sight.name(item) if item and sight.going else "nothing is under way"
        lines = [run_blocking.tried(sight, sight.at), run_blocking.made_to_wait(sight)]
        self.query_one("#waits", Told).say((what, STRONG), *((f"\n{one}", BAD) for one in lines if one))
        self.query_one("#blockers", Ledger).fill(run_blocking.rows(sight, sight.at))
        self._show_chosen()

    def _show_chosen(self) -> None:
        if (sight := self._sight) is None:
            return
        about, panel, blocker = self.query_one("#about", Told), self.query_one(ScriptPanel), self._chosen()
        if blocker is None:
            if not sight.blockers:
                about.say(("Nobody is in the way.", GOOD))
                panel.show("")
            return
        holds = f"\nIt holds {blocker.holds}." if blocker.holds else ""
        about.say((run_blocking.who(blocker), STRONG), f" {run_blocking.standing(blocker, sight.at)}{holds}\n",
                  run_blocking.remedy(blocker, self.key))  # fmt: skip
        panel.show(blocker.query, "its statement" if run_blocking.statement(blocker) else "its last statement")
