"""Who one is: the demo's people, to be chosen from."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from console.engine import demo
from console.engine.sample.people import STAFF
from console.widgets.ledger import Ledger
from console.widgets.safe_text import STRONG, TONES
from console.widgets.told import Told


def url_as(url: str, login: str) -> str:
    """The same target, reached as another."""
    return demo.url_of(login) or url


class OperatorDialog(ModalScreen[str]):
    """The login that was chosen; empty where none was."""

    COMPONENT_CLASSES = TONES
    BINDINGS = [Binding("escape", "dismiss('')", "Cancel", tooltip="Changes nothing", id="question.cancel")]

    def __init__(self, now: str) -> None:
        super().__init__()
        self._now = now

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Told(("Who are you?", STRONG), "   The demo's people; elsewhere your login says it.", id="asked")
            yield Ledger("login", "name", "what they do", stretch="what they do", id="people")
        yield Static("handrail needs 60x18 cells", classes="too-small")

    def on_mount(self) -> None:
        ledger = self.query_one(Ledger)
        ledger.fill({one.login: (one.login, one.name, one.work) for one in STAFF})
        ledger.choose(self._now)
        ledger.focus()

    def on_data_table_row_selected(self) -> None:
        self.dismiss(self.query_one(Ledger).chosen or "")
