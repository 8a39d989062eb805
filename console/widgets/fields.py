"""One field of a decision's form: what may be answered stands below it, what is wrong is said as soon as it is."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Input

from console.engine.decisions.fields import FormField
from console.widgets.questions import Dialog
from console.widgets.safe_text import BAD, STRONG
from console.widgets.told import Told
from db.text import clean


class FieldDialog(Dialog):
    """`value` is the answer once it is taken."""

    def __init__(self, field: FormField, value: Any) -> None:
        super().__init__(field.title, "\n".join(part for part in (field.help, field.wants) if part), "take it")
        self._field = field
        self._before = "" if value is None else clean(field.shown(value))
        self.value: Any = value

    def compose_answers(self) -> ComposeResult:
        with Horizontal(id="confirm"):
            yield Input(self._before, id="value", compact=True, select_on_focus=False)
        yield Told(id="answer")
        with Horizontal(id="answers"):
            yield Button("esc  Cancel", id="cancel", compact=True)
            yield Told(("enter", STRONG), f"  {self._yes}", id="yes")

    @property
    def listening(self) -> bool:
        """At once: taking a field changes nothing outside the form."""
        return True

    def on_mount(self) -> None:
        super().on_mount()
        field = self.query_one("#value", Input)
        field.cursor_blink = False
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        wrong = self._wrong(event.value)
        self.query_one("#answer", Told).say(*[(wrong, BAD)] if wrong and event.value != self._before else [])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if wrong := self._wrong(event.value):
            self.query_one("#answer", Told).say((f"Not taken: {wrong}.", BAD))
            return
        self.value = self._field.read(event.value)
        self.action_answer(True)

    def _wrong(self, written: str) -> str:
        try:
            return self._field.problem(self._field.read(written))
        except ValueError as error:
            return str(error)
