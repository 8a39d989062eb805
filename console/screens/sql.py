"""SQL of one item in full: forward, and the way back."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding

from console.widgets.place import Place
from console.widgets.scripts import ScriptPanel


class SqlScreen(Place):
    BINDINGS = [Binding("s", "sql", "Forward / back", tooltip="The way back, or forward again", id="place.sql")]

    def __init__(self, title: str, forward: str, back: str = "") -> None:
        super().__init__()
        self._title, self._scripts, self._back = title, (forward, back), False

    def compose_body(self) -> ComposeResult:
        yield ScriptPanel(id="script")

    def on_mount(self) -> None:
        self._show()
        self.query_one("#script").focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "sql" and not self._scripts[1] else True

    def action_sql(self) -> None:
        self._back = not self._back
        self._show()

    def _show(self) -> None:
        self.head(self._title)
        way = ("forward", "the way back")[self._back]
        self.query_one("#script", ScriptPanel).show(self._scripts[self._back], way)
