"""Before a rollback: what is undone, what is kept, what differs afterwards. The plan's name, typed, begins it."""

from __future__ import annotations

from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Input

from console.engine import journey, rollback
from console.engine.rollback import Preview
from console.engine.steps import Manual
from console.widgets.place import Place
from console.widgets.safe_text import BAD, QUIET, STRONG, Part
from console.widgets.sight import Sight, see
from console.widgets.told import Told
from db import wording


class RollbackScreen(Place):
    BINDINGS = [
        Binding("escape", "leave", "Do nothing", tooltip="Back; nothing is undone", id="rollback.leave"),
        Binding("pageup", "page(-1)", "Page up", show=False, tooltip="What stands above", id="rollback.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, tooltip="What stands below", id="rollback.page_down"),
    ]

    def __init__(self, run: int) -> None:
        super().__init__()
        self._run = run
        self._preview: Preview | None = None
        self._asked = False

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="preview", can_focus=False):
            yield Told("Counting what was written since ...", id="undone")
        with Horizontal(id="confirm"):
            yield Told(id="ask")
            yield Input(id="name", compact=True, select_on_focus=False, placeholder="_" * 40)
        yield Told(id="answer")

    def on_mount(self) -> None:
        self.head(f"Roll back run {self._run}?", "nothing is undone yet")
        name = self.query_one("#name", Input)
        name.cursor_blink = False
        name.focus()

    async def look(self) -> None:
        """Once: counting may be slow, and is not repeated behind a person who reads."""
        if not self._asked:
            self._asked = True
            await self._count()

    def unseen(self, message: str, hint: str) -> None:
        self.query_one("#answer", Told).say((f"✗ {message} {hint}", BAD))

    def action_page(self, pages: int) -> None:
        preview = self.query_one("#preview")
        preview.scroll_relative(y=pages * preview.size.height, animate=False)

    @work(group="conversation", exclusive=True)
    async def on_input_submitted(self, event: Input.Submitted) -> None:
        shown, unseen = self._preview, self.has_class("-tiny") or self.has_class("-low")
        if shown is None or unseen or not shown.undone:
            return
        answer = self.query_one("#answer", Told)
        if event.value.strip() != shown.plan:
            answer.say(("That is not the plan's name. Nothing is undone.", BAD))
            return
        with self.told():
            if (await self._count()).undone != shown.undone:
                answer.say(("The run has moved on meanwhile. Look again; nothing is undone.", BAD))
                return
            self.console.drive(journey.back, self._run)
            self.app.pop_screen()

    async def _count(self) -> Preview:
        sight, preview = await self.asking.ask(_preview, self._run)
        self._preview = preview
        self.query_one("#undone", Told).say(*_lines(sight, preview))
        self.query_one("#ask", Told).say("Type ", (preview.plan, STRONG), " to roll back:")
        self.head(f"Roll back run {self._run} of {preview.plan}, {self.asking.label}?", "nothing is undone yet")
        return preview


def _preview(session: Any, run: int) -> tuple[Sight, Preview]:
    sight = see(session, run)
    return sight, rollback.preview(session, sight.run)


def _lines(sight: Sight, preview: Preview) -> list[Part]:
    steps = [item for item in preview.undone if item.kind != "checkpoint"]
    if not steps:
        return ["There is nothing to undo."]
    count = (
        f"{wording.counted(len(steps), 'step')}, {wording.took(preview.seconds)} forwards; the last is undone first\n"
    )
    parts: list[Part] = [("Undone  ", STRONG), count, ("Kept    ", STRONG)]
    parts.append("what others wrote since\n" if preview.kept else "the plan names nothing that others wrote since\n")
    parts += [f"        {wording.number(kept.rows)} {kept.title}: {kept.rule}\n" for kept in preview.kept]
    parts += [("Differs ", STRONG), "sequences stay ahead of where they were (harmless)\n"]
    for item in steps:
        if isinstance(item.what, Manual):
            parts += [("By hand ", STRONG), f"{item.what.title}: {item.what.undo}\n"]
    parts.append(("Afterwards the schema is compared with its fingerprint from before the run.\n\n", QUIET))
    for item in steps:
        took = wording.took(sight.steps[item.position].seconds)
        parts += [f"  {sight.label(item)}", (f"   {item.kind}, {took}\n", QUIET)]
    return parts
