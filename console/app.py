"""The console: every place that a user can be, and the one executor that outlives them all.

Only what the first paint needs is imported here; the engine and the other places are when they are opened.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events, work
from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from console.asking import Asking
from console.screens.home import HomeScreen
from console.widgets.place import Place
from console.widgets.questions import QuestionDialog
from console.widgets.safe_text import line
from db.text import clean

if TYPE_CHECKING:
    from db.queries.activity import Driver

PLACES = {
    "plan": "console.screens.plan:PlanScreen",
    "run": "console.screens.run:RunScreen",
    "blockers": "console.screens.blockers:BlockersScreen",
    "inbox": "console.screens.inbox:InboxScreen",
    "decision": "console.screens.decision:DecisionScreen",
    "audit": "console.screens.audit:AuditScreen",
    "clients": "console.screens.clients:ClientsScreen",
    "client": "console.screens.client:ClientScreen",
    "tenants": "console.screens.tenants:TenantsScreen",
    "checkpoint": "console.screens.checkpoint:CheckpointScreen",
    "rows": "console.screens.rows:RowsScreen",
    "rollback": "console.screens.rollback:RollbackScreen",
    "sql": "console.screens.sql:SqlScreen",
    "help": "console.screens.help:HelpScreen",
}

Start = Callable[[Callable[[str], None]], str]


class HandrailApp(App[None]):
    """`start`, where given, is slow: it makes a target ready, tells its progress in lines, and returns the URL."""

    TITLE = "handrail"
    CSS_PATH = "../screens.tcss"
    MODES = {"home": HomeScreen}
    DEFAULT_MODE = "home"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (60, "-narrow"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (18, "-high"), (36, "-tall")]
    BINDINGS = [
        Binding(
            "question_mark,f1",
            "help",
            "Keys",
            tooltip="What every key does here; f1 while typing",
            id="app.help",
            key_display="?",
        ),
        Binding(
            "slash", "clients", "Clients", show=False, tooltip="Look a client up", id="app.clients", key_display="/"
        ),
        Binding("ctrl+t", "tenants", "Tenants", show=False, tooltip="Whose clients there are", id="app.tenants"),
        Binding("i", "inbox", "Inbox", show=False, tooltip="What waits for you, and for others", id="app.inbox"),
        Binding(
            "A", "audit", "Audit", show=False, tooltip="What happened, by run, person, time and kind", id="app.audit"
        ),
        Binding(
            "o", "operator", "Who", show=False, tooltip="In the demo: become another of its people", id="app.operator"
        ),
        Binding("q,ctrl+c", "quit", "Quit", tooltip="Leaves; asks first where this console is at work", id="app.quit"),
    ]

    def __init__(self, url: str, start: Start | None = None, plans: Path | None = None) -> None:
        super().__init__()
        self.asking = Asking(url)
        self.plans = plans
        self.trouble = ""
        self.private = False
        self._start = start
        self._left = False

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(ValueError, RuntimeError, NotImplementedError):  # not in the main thread, as in a test
                loop.add_signal_handler(number, lambda: self.run_worker(self.leave()))

    async def on_event(self, event: events.Event) -> None:
        """A field sends to the terminal what is pasted into it, as it is."""
        if isinstance(event, events.Paste):
            event.text = clean(event.text)
        await super().on_event(event)

    async def on_unmount(self) -> None:
        """A console that ends by a bug stops what it drives, too."""
        await self._at_rest()

    async def ready(self, tell: Callable[[str], None]) -> None:
        """Brings the target up where that is asked for; at once when it is up. May be tried again."""
        if self._start is not None:
            url = await asyncio.to_thread(self._start, tell)
            self.asking, self._start = Asking(url), None

    async def listen(self) -> None:
        """From the first answer of the target on; safe to call again."""
        await asyncio.to_thread(self.asking.listen, self._told_elsewhere)

    def _told_elsewhere(self) -> None:
        """Called in another thread; the app may be on its way out."""
        with suppress(RuntimeError):
            self.call_from_thread(self.nudge)

    def visit(self, place: str, *about: object) -> None:
        if self._left:
            return  # keys typed ahead of the end; a screen that is begun then has no body
        module, name = PLACES[place].split(":")
        screen: Screen[Any] = getattr(import_module(module), name)(*about)
        self.push_screen(screen)

    @property
    def driving(self) -> bool:
        return self.asking.driving

    @work(group="drive")
    async def drive(
        self, fn: Callable[..., object], *args: object, then: str = "", over: Driver | None = None, **kwargs: object
    ) -> None:
        """Owned by the app: it goes on when the place that asked for it is left."""
        self.trouble, answer = "", None
        try:
            if over is None:
                answer = await self.asking.drive(fn, *args, **kwargs)
            else:
                answer = await self.asking.take_over(over, fn, *args, **kwargs)
        except Exception as error:
            if not self.tell(error):
                raise
            then = ""
        finally:
            self.nudge()
        if then:
            self.visit(then, answer)

    @work(group="stop", exclusive=True)
    async def stop(self) -> None:
        await self._at_rest()

    async def leave(self) -> None:
        """Cancels what runs and ends once the journal says so. A terminal that has gone is not painted any more."""
        with self.batch_update():
            await self._at_rest()
        self.asking.close()
        self.exit()

    def tell(self, error: Exception) -> bool:
        """One notice for an error of the engine; False for a bug."""
        if (known := self.asking.known(error)) is None:
            return False
        from console.engine.errors import CheckFailed, RolledBack, StepFailed, StepStopped, TriggerFired

        stopped = isinstance(known, StepStopped)
        by_trigger = isinstance(known, TriggerFired | RolledBack)  # which stands above everything else of the run
        # how a step ended is in the journal, where every console reads it; the hint is not
        journalled = isinstance(known, StepFailed | CheckFailed | StepStopped)
        self.trouble = known.hint if journalled else f"{known.message} {known.hint}"
        if stopped or by_trigger:
            self.trouble = ""
        severity: Any = "information" if stopped else "error"
        self.notify(line(f"{known.message} {known.hint}"), severity=severity, markup=False)
        return True

    def _fatal_error(self) -> None:
        """Textual would print the local variables too; among them is the URL with its password (UX-C3)."""
        from rich.traceback import Traceback

        traceback = Traceback(show_locals=False, width=None)
        for stack in traceback.trace.stacks:
            stack.exc_value = clean(stack.exc_value)  # it may quote a row
        self.panic(traceback)

    def nudge(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, Place):
                screen.nudge()

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: the keys of the screen, and the theme."""
        for bound in screen.active_bindings.values():
            if bound.enabled and bound.binding.id and bound.binding.action != "command_palette":
                act = partial(self.run_action, bound.binding.action, bound.node)
                key = self.get_key_display(bound.binding)
                yield SystemCommand(f"{bound.binding.description}  ({key})", bound.tooltip, act)
        yield SystemCommand("Theme", "Other colours", self.action_change_theme)

    def action_help(self) -> None:
        self.visit("help", self.screen.active_bindings)

    def action_inbox(self) -> None:
        self._go("inbox")

    def action_audit(self) -> None:
        self._go("audit")

    def action_clients(self) -> None:
        self._go("clients")

    def action_tenants(self) -> None:
        self._go("tenants")

    def _go(self, place: str) -> None:
        """From any place, but not from a question, nor from the place itself."""
        name = PLACES[place].split(":")[1]
        if isinstance(self.screen, Place) and type(self.screen).__name__ != name:
            self.visit(place)

    @work(group="operator", exclusive=True)
    async def action_operator(self) -> None:
        """Another of the demo's people, on the same target; refused while this console runs a step."""
        if not isinstance(self.screen, Place) or self.driving:
            return
        from console.widgets.people import OperatorDialog, url_as

        if not self.asking.login_may_change:
            self.notify("Only the demo has people to be. Elsewhere your login says who you are.", markup=False)
            return
        if login := await self.push_screen_wait(OperatorDialog(self.asking.login)):
            self.asking.close()
            self.asking = Asking(url_as(self.asking.url, login))
            while len(self.screen_stack) > 1:
                self.pop_screen()
            if isinstance(self.screen, HomeScreen):
                self.screen.action_again()  # what the one before was refused, this one may be told

    @work(group="quit", exclusive=True)
    async def _quit(self) -> None:
        asked = QuestionDialog(
            "Stop what runs here, and leave?",
            "This console is running a step. Its statement is cancelled and the journal written; a transaction is "
            "undone whole, a backfill keeps its finished batches. The run can go on from any console.",
            "stop and leave",
        )
        if not self.driving or await self.push_screen_wait(asked):
            await self.leave()

    async def action_quit(self) -> None:
        self._left = not self.driving
        self._quit()

    async def _at_rest(self) -> None:
        while self.driving:
            # again and again: a statement may begin after the request that should have cancelled it
            await asyncio.to_thread(self.asking.cancel)
            await asyncio.sleep(0.1)
