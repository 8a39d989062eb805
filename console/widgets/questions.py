"""A question before something changes (level 2 of UX): it names the effect, and Enter alone never says yes."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from console.widgets.safe_text import STRONG, TONES
from console.widgets.told import Told

DEAF_SECONDS = 0.5


class QuestionDialog(ModalScreen[bool]):
    """Deaf for half a second after it opens: a key that is held down or typed ahead answers nothing."""

    COMPONENT_CLASSES = TONES
    BINDINGS = [
        Binding("y", "answer(True)", "Yes", tooltip="Does what the question says", id="question.yes"),
        Binding("escape", "answer(False)", "Cancel", tooltip="Changes nothing", id="question.cancel"),
    ]

    def __init__(self, question: str, effect: str, yes: str) -> None:
        super().__init__()
        self._question, self._effect, self._yes = question, effect, yes
        self._opened = time.monotonic()

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Told((self._question, STRONG), id="asked")
            with VerticalScroll(can_focus=False):
                yield Told(self._effect, id="effect")
            with Horizontal(id="answers"):
                yield Button("esc  Cancel", id="cancel", compact=True)
                yield Told(("y", STRONG), f"  {self._yes}", id="yes")
        yield Static("handrail needs 60x18 cells", classes="too-small")

    def on_mount(self) -> None:
        self._opened = time.monotonic()
        self.query_one("#cancel").focus()

    @property
    def listening(self) -> bool:
        return time.monotonic() - self._opened >= DEAF_SECONDS

    def action_answer(self, yes: bool) -> None:
        # what cannot be read must not be agreed to
        unseen = self.has_class("-tiny") or self.has_class("-low")
        if self.listening and not (yes and unseen):
            self.dismiss(yes)

    def on_button_pressed(self) -> None:
        self.action_answer(False)

    def on_click(self, event) -> None:  # type: ignore[no-untyped-def]
        if event.widget is self.query_one("#yes"):
            self.action_answer(True)
