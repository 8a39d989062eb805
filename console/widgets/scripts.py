"""SQL beside a list: what an item sends to the server, and what takes it back."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.highlight import highlight
from textual.widgets import Static

from console.engine.plan import Item, Plan
from db.errors import HandrailError
from db.text import clean

LONGEST = 200_000


class ScriptPanel(VerticalScroll):
    """Coloured SQL. It is text of a plan or of a row, so it is cleaned, and never markup."""

    def compose(self) -> ComposeResult:
        yield Static(markup=False, classes="script")

    def show(self, script: str, title: str = "") -> None:
        told = (script, title)
        if told == getattr(self, "_shown", None):
            return
        self._shown = told
        self.border_title = Content(clean(title))
        self.query_one(".script", Static).update(highlight(clean(script[:LONGEST]), language="postgres"))
        self.scroll_home(animate=False)


def script(plan: Plan, item: Item, *, back: bool = False) -> str:
    """Slow for a revision, which is rendered; what cannot be rendered says so in its place."""
    try:
        text = plan.script(item, back=back).strip()
    except HandrailError as error:
        return f"-- {error}"
    return text or "-- nothing is sent"


def way_back(item: Item, back: str) -> str:
    """How an item is undone, in two words; `back` is what that sends."""
    if item.kind == "checkpoint":
        return ""
    if all(not line.strip() or line.startswith("--") for line in back.splitlines()):
        return "nothing to undo"
    return {"revision": "downgrade", "manual": "by hand", "concurrently": "SQL, online"}.get(item.kind, "SQL")
