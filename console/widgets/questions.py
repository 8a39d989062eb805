"""A question before something changes (UX levels 2 and 3): it names the effect, and Enter alone never says yes."""

from __future__ import annotations

import time

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from console.widgets.safe_text import BAD, STRONG, TONES
from console.widgets.told import Told

DEAF_SECONDS = 0.5
TALLEST = 0.9  # of the terminal, as in screens.tcss


class Dialog(ModalScreen[bool]):
    """Deaf for half a second after it opens: a key that is held down or typed ahead answers nothing."""

    COMPONENT_CLASSES = TONES
    BINDINGS = [Binding("escape", "answer(False)", "Cancel", tooltip="Changes nothing", id="question.cancel")]

    def __init__(self, question: str, effect: str, yes: str) -> None:
        super().__init__()
        self._question, self._effect, self._yes = question, effect, yes
        self._opened = time.monotonic()

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Told((self._question, STRONG), id="asked")
            with VerticalScroll(can_focus=False):
                yield Told(self._effect, id="effect")
            yield from self.compose_answers()
        yield Static("handrail needs 60x18 cells", classes="too-small")

    def compose_answers(self) -> ComposeResult:
        yield from ()

    def on_mount(self) -> None:
        self._opened = time.monotonic()

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """The effect scrolls in what the question and its answers leave free: they are never pushed out."""
        box, scroll = self.query_one("#question"), self.query_one("#question VerticalScroll")
        taken = sum(part.outer_size.height for part in box.children if part is not scroll)
        room = int(self.size.height * TALLEST) - box.gutter.height - scroll.styles.margin.height
        scroll.styles.max_height = max(room - taken, 1)

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


class QuestionDialog(Dialog):
    """Level 2: `y` says yes."""

    BINDINGS = [Binding("y", "answer(True)", "Yes", tooltip="Does what the question says", id="question.yes")]

    def compose_answers(self) -> ComposeResult:
        with Horizontal(id="answers"):
            yield Button("esc  Cancel", id="cancel", compact=True)
            yield Told(("y", STRONG), f"  {self._yes}", id="yes")

    def on_mount(self) -> None:
        self.query_one("#cancel").focus()

    def on_click(self, event) -> None:  # type: ignore[no-untyped-def]
        if event.widget is self.query_one("#yes"):
            self.action_answer(True)


class TypedDialog(Dialog):
    """Level 3: a word, typed, says yes; anything else says so and does nothing."""

    def __init__(self, question: str, effect: str, yes: str, word: str) -> None:
        super().__init__(question, effect, yes)
        self._word = word

    def compose_answers(self) -> ComposeResult:
        with Horizontal(id="confirm"):
            yield Told("Type ", (self._word, STRONG), f" to {self._yes}:", id="ask")
            yield Input(id="name", compact=True, select_on_focus=False, placeholder="_" * 40)
        yield Told(id="answer")
        with Horizontal(id="answers"):
            yield Button("esc  Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        name = self.query_one("#name", Input)
        name.cursor_blink = False
        name.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if not self.listening:
            event.input.value = ""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip() == self._word:
            self.action_answer(True)
        elif self.listening:
            self.query_one("#answer", Told).say((f"That is not {self._word}. Nothing is done.", BAD))
