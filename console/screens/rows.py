"""Rows in full, as a check found them: one below the other, a line a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from console.widgets.place import Place
from console.widgets.safe_text import QUIET, STRONG, Part
from console.widgets.told import Told


class RowsScreen(Place):
    def __init__(self, title: str, rows: Sequence[Mapping[str, object]]) -> None:
        super().__init__()
        self._title, self._rows = title, rows

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="whole"):
            yield Told(*self._lines(), id="rows")

    def on_mount(self) -> None:
        self.head(self._title, f"first {len(self._rows)}")
        self.query_one("#whole").focus()

    def _lines(self) -> list[Part]:
        parts: list[Part] = []
        for place, row in enumerate(self._rows, 1):
            parts.append((f"row {place}\n", STRONG))
            longest = max((len(name) for name in row), default=0)
            for name, value in row.items():
                parts += [(f"  {name:<{longest}}  ", QUIET), f"{'(null)' if value is None else value}\n"]
        return parts
