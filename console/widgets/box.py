"""The box that a search is typed into."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class Box(Input):
    """ctrl+u empties it, and down leaves it, each in its turn: as bindings they would run after keys that came later.

    On a slow link a person's keys arrive together.
    """

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True, id="box")
        self.cursor_blink = False

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "ctrl+u":
            event.stop()
            event.prevent_default()
            self.action_delete_left_all()
        elif event.key == "down":
            event.stop()
            event.prevent_default()
            await self.run_action("screen.list")
        else:
            await super()._on_key(event)
