"""A place that a user can be: heading, body, keys; it looks at the journal again and again, and holds no truth."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer, Static

from console.asking import Asking
from console.widgets.questions import QuestionDialog, TypedDialog
from console.widgets.safe_text import BAD, QUIET, STRONG, TONES
from console.widgets.told import Told

if TYPE_CHECKING:
    from db.queries.activity import Driver

TOO_SMALL = "handrail needs 60x18 cells"


class Console(Protocol):
    """What a place may ask of the app."""

    asking: Asking
    plans: Path | None
    trouble: str
    """What went wrong with the last thing that was driven here, in words; empty when nothing did."""

    private: bool
    """Whether no history is kept of what is looked up here."""

    async def ready(self, tell: Callable[[str], None]) -> None:
        """Brings the target up where that is asked for; `tell` hears lines, in another thread."""
        ...

    async def listen(self) -> None:
        """Hears from now on what the target tells everybody."""
        ...

    @property
    def driving(self) -> bool: ...

    def drive(
        self, fn: Callable[..., object], *args: object, then: str = "", over: Driver | None = None, **kwargs: object
    ) -> None:
        """Hands `fn` to the executor, which belongs to the app and may take the target `over` from another session.

        `then` is a place to open with the answer.
        """
        ...

    def stop(self) -> None: ...

    def visit(self, place: str, *about: object) -> None: ...

    def tell(self, error: Exception) -> bool: ...


class Place(Screen[None]):
    COMPONENT_CLASSES = TONES
    EVERY: ClassVar[float] = 0.5
    BINDINGS = [Binding("escape", "leave", "Back", tooltip="One step back; changes nothing", id="place.leave")]

    def __init__(self) -> None:
        super().__init__()
        self._nudged = asyncio.Event()
        self._can: list[tuple[str, bool]] = []

    def compose(self) -> ComposeResult:
        with Horizontal(id="heading"):
            yield Told(id="where")
            yield Told(id="how")
        yield from self.compose_body()
        yield Static(TOO_SMALL, classes="too-small")
        yield Footer(compact=True, show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        yield from ()

    def on_mount(self) -> None:
        self.call_after_refresh(self._watch)  # a question imports the engine, and the first paint comes first

    async def look(self) -> None:
        """Asks how things are and shows what changed; called every EVERY seconds while the place is seen."""

    def nudge(self) -> None:
        """Look now; something has just happened."""
        self._nudged.set()

    @property
    def console(self) -> Console:
        return cast(Console, self.app)

    @property
    def asking(self) -> Asking:
        return self.console.asking

    def head(self, where: str, how: str = "", tone: str = QUIET) -> None:
        self.query_one("#where", Told).say((" handrail", STRONG), f"  {where}")
        self.query_one("#how", Told).say((f"  {how} " if how else "", tone))

    def key(self, action: str) -> str:
        """The key that the user presses for an action of this screen, or of a widget on it."""
        for found in self.active_bindings.values():
            if found.binding.action == action.removeprefix("list."):
                return self.app.get_key_display(found.binding)
        return ""

    async def agreed(self, question: str, effect: str, yes: str) -> bool:
        """A question of level 2. No transaction is open while the person thinks (I-11)."""
        answer: bool = await self.app.push_screen_wait(QuestionDialog(question, effect, yes))
        return answer

    async def typed(self, question: str, effect: str, yes: str, word: str) -> bool:
        """A question of level 3: `word`, typed, says yes."""
        answer: bool = await self.app.push_screen_wait(TypedDialog(question, effect, yes, word))
        return answer

    @contextmanager
    def told(self) -> Iterator[None]:
        """An error of the engine becomes one notice; a bug goes through and ends the console loudly."""
        try:
            yield
        except Exception as error:
            if not self.console.tell(error):
                raise

    def action_leave(self) -> None:
        self.app.pop_screen()

    def on_screen_resume(self) -> None:
        self.nudge()

    @work(group="watch", exclusive=True)
    async def _watch(self) -> None:
        while True:
            self._nudged.clear()
            if self.is_current:
                await self._look()
            try:
                await asyncio.wait_for(self._nudged.wait(), self.EVERY)
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            await self.look()
        except Exception as error:
            if (known := self.asking.known(error)) is None:
                raise
            self.unseen(known.message, known.hint)
        self._refresh_keys()

    def _refresh_keys(self) -> None:
        """The footer is made anew only when a key can do what it could not, or the other way round."""
        can = [(key, bound.enabled) for key, bound in self.active_bindings.items()]
        if can != self._can:
            self._can = can
            self.refresh_bindings()

    def unseen(self, message: str, hint: str) -> None:
        """The target could not be asked; what is shown stays, and says that it is old."""
        self.query_one("#how", Told).say((f"  {message} {hint} Trying again. ", BAD))
