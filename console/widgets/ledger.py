"""A list with columns, each as wide as it needs, and one that takes the rest.

Where that is too much, those that may yield do so first, down to an eighth; then all, down to a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.widgets import DataTable

from console.widgets.safe_text import Part, cell


class Ledger(DataTable[Text]):
    """Rows are told whole, by key; only what changed is painted, and the cursor stays on its row."""

    BINDINGS = [
        Binding("enter", "select_cursor", "Open", show=False, tooltip="Opens what the cursor is on", id="list.open"),
        Binding("home", "scroll_top", "First", show=False, tooltip="To the first row", id="list.first"),
        Binding("end", "scroll_bottom", "Last", show=False, tooltip="To the last row", id="list.last"),
    ]

    def __init__(
        self, *columns: str, stretch: str, yielding: Sequence[str] = (), header: bool = True, id: str | None = None
    ) -> None:
        super().__init__(id=id, cursor_type="row", show_header=header, zebra_stripes=False)
        self._names = columns
        self._stretch = columns.index(stretch)
        self._yielding = [columns.index(name) for name in yielding]
        self._told: dict[str, tuple[Part, ...]] = {}
        self._texts: dict[str, list[Text]] = {}
        self._widths: list[int] = []

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._make())

    def on_resize(self, event: events.Resize) -> None:
        self._make()

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def choose(self, key: str) -> None:
        if key in self._told:
            self.move_cursor(row=self.get_row_index(key))

    def fill(self, rows: Mapping[str, Sequence[Part]]) -> None:
        told = {key: tuple(parts) for key, parts in rows.items()}
        if told == self._told:
            return
        same, self._told = list(told) == list(self._told), told
        texts = self._made_texts()
        if not same or self._fitted(texts) != self._widths:
            self._make()
            return
        for key, cells in texts.items():
            for name, text, before in zip(self._names, cells, self._texts[key], strict=True):
                if text != before or text.style != before.style:
                    self.update_cell(key, name, text)
        self._texts = texts

    def _make(self) -> None:
        """The whole table anew: rows came or went, or columns need other widths."""
        chosen, top = self.chosen, self.scroll_offset.y
        self._texts = self._made_texts()
        self._widths = self._fitted(self._texts)
        self.clear(columns=True)
        for name, width in zip(self._names, self._widths, strict=True):
            self.add_column(Text(name), width=width, key=name)
        for key, cells in self._texts.items():
            self.add_row(*cells, key=key)
        if chosen in self._told:
            self.move_cursor(row=self.get_row_index(chosen), scroll=False)
            self.scroll_to(y=top, animate=False)

    def _made_texts(self) -> dict[str, list[Text]]:
        return {key: [cell(part, self._tone) for part in parts] for key, parts in self._told.items()}

    def _tone(self, name: str) -> Style:
        """Without the background, which is the row's: it may be under the cursor."""
        style = self.screen.get_component_rich_style(name)
        return Style(color=style.color, bold=style.bold)

    def _fitted(self, texts: Mapping[str, list[Text]]) -> list[int]:
        whole = self.scrollable_content_region.width - 2 * self.cell_padding * len(self._names)
        heads = [Text(name).cell_len if self.show_header else 0 for name in self._names]
        widths = [max([head, *(cells[place].cell_len for cells in texts.values())]) for place, head in enumerate(heads)]
        for place in self._yielding:
            widths[place] = max(widths[place] - max(sum(widths) - whole, 0), min(widths[place], whole // 8))
        if sum(widths) > whole:
            widths = [min(width, max(whole // 4, 1)) for width in widths]
        widths[self._stretch] = max(whole - sum(widths) + widths[self._stretch], 1)
        return widths
