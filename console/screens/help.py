"""What every key does here; a key that cannot act now says so."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.widgets.safe_text import QUIET, STRONG, TONES, Part
from console.widgets.told import Told


class HelpScreen(ModalScreen[None]):
    COMPONENT_CLASSES = TONES
    BINDINGS = [
        Binding("escape,question_mark,q", "dismiss", "Close", tooltip="Closes this list", id="help.close"),
    ]

    def __init__(self, bindings: Mapping[str, ActiveBinding]) -> None:
        super().__init__()
        self._keys = bindings

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            for bound, keys in self._by_action():
                yield Told(*self._line(bound, keys), classes="key")
            yield Told(("↑ ↓ page up, page down", STRONG), ("  move   ", QUIET), ("tab", STRONG),
                       ("  next list   ", QUIET), ("ctrl+p", STRONG), ("  every action by name", QUIET))  # fmt: skip
        yield Static("handrail needs 60x18 cells", classes="too-small")

    def on_mount(self) -> None:
        self.query_one("#help").border_title = "Keys"
        self.query_one("#help").border_subtitle = "esc closes"
        self.query_one("#help").focus()

    def _by_action(self) -> list[tuple[ActiveBinding, str]]:
        """Handrail's own keys, one line an action."""
        keys: dict[str, tuple[ActiveBinding, list[str]]] = {}
        for bound in self._keys.values():
            if bound.binding.id:
                keys.setdefault(bound.binding.id, (bound, []))[1].append(self.app.get_key_display(bound.binding))
        return [(bound, " or ".join(dict.fromkeys(names))) for bound, names in keys.values()]

    def _line(self, bound: ActiveBinding, keys: str) -> tuple[Part, ...]:
        what = f"  {bound.binding.description}: {bound.binding.tooltip}"
        return (keys, STRONG), what if bound.enabled else (f"{what} (not now)", QUIET)
