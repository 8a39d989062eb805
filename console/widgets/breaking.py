"""The question before a gate is broken open: two reasons and the plan's name, each typed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from console.widgets.questions import Dialog
from console.widgets.safe_text import BAD, STRONG
from console.widgets.told import Told

ENOUGH = 10  # letters of each reason


class GlassDialog(Dialog):
    """`reason` and `why_not_wait` are what was typed."""

    def __init__(self, question: str, effect: str, plan: str) -> None:
        super().__init__(question, effect, "break it open")
        self._plan = plan
        self.reason = self.why_not_wait = ""

    def compose_answers(self) -> ComposeResult:
        for id, asked in (("reason", "What happens if the run waits"), ("why", "Why nobody can be waited for"),
                          ("name", f"Type {self._plan}")):  # fmt: skip
            yield Told((asked, STRONG))
            yield Input(id=id, compact=True, select_on_focus=False, placeholder="_" * 40)
        yield Told(id="answer")
        with Horizontal(id="answers"):
            yield Button("esc  Cancel", id="cancel", compact=True)
            yield Told(("enter", STRONG), f"  {self._yes}", id="yes")

    def on_mount(self) -> None:
        super().on_mount()
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#reason", Input).focus()

    def on_input_submitted(self) -> None:
        """Enter goes to the next field, and from the last one breaks the gate open where all is said."""
        values = [field.value.strip() for field in self.query(Input)]
        self.reason, self.why_not_wait, name = values
        if (left := next((f for f in self.query(Input) if not f.value.strip()), None)) is not None:
            left.focus()
        elif min(len(self.reason), len(self.why_not_wait)) < ENOUGH or self.reason.lower() == self.why_not_wait.lower():
            self._wrong(f"Two reasons, of {ENOUGH} letters at least, and not the same one twice.")
        elif name != self._plan:
            self._wrong(f"That is not {self._plan}. Nothing is done.")
        else:
            self.action_answer(True)

    def _wrong(self, words: str) -> None:
        self.query_one("#answer", Told).say((words, BAD))
