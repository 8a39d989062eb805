"""Text that is repainted only when it has changed: an idle screen sends nothing (UX-C11)."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from console.widgets.safe_text import Part, content


class Told(Static):
    """Its screen has the tones as component classes: once, and not on every line of it."""

    def __init__(self, *parts: Part, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._parts: tuple[Part, ...] = parts

    def on_mount(self) -> None:
        self._show()
        # tones are colours of the theme that was
        self.app.theme_changed_signal.subscribe(self, lambda _: self._show())

    @property
    def words(self) -> str:
        return "".join(part if isinstance(part, str) else part[0] for part in self._parts)

    def say(self, *parts: Part) -> None:
        if parts != self._parts:
            self._parts = parts
            self._show()

    def _show(self) -> None:
        self.set_class(not self._parts, "-silent")
        self.update(content(self._parts, lambda tone: self.screen.get_visual_style(tone, partial=True)))


class Bar(Widget):
    """How much is done, readable without colour; away while there is no fraction to show."""

    fraction: reactive[float | None] = reactive(None)

    def watch_fraction(self, fraction: float | None) -> None:
        self.set_class(fraction is None, "-silent")

    def render(self) -> Content:
        width = self.size.width
        full = round(width * min(max(self.fraction or 0.0, 0.0), 1.0))
        return Content("█" * full + "░" * (width - full))
