"""A person before the console: presses keys, reads what stands there, waits until it does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from console.app import HandrailApp, Start
from console.widgets.questions import Dialog
from tests.screens.sample import PLANS


class Person:
    def __init__(self, app: HandrailApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def reading(self) -> str:
        """The screen as text, line by line."""
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def place(self) -> str:
        return type(self.app.screen).__name__

    async def until(self, happened: Callable[[], object], limit: float = 30) -> None:
        deadline = time.monotonic() + limit
        while not happened():
            assert time.monotonic() < deadline, f"not within {limit} s; on the screen:\n{self.reading}"
            await self.pilot.pause()

    async def sees(self, *words: str) -> None:
        """Waits for each; how many spaces stand between columns does not matter."""
        for word in words:
            wanted = " ".join(word.split())
            await self.until(lambda wanted=wanted: wanted in " ".join(self.reading.split()))  # type: ignore[misc]

    async def is_told(self, words: str) -> None:
        """Waits for a notice; they lie over the screen, and not in what is read here."""
        await self.until(lambda: any(words in notice.message for notice in self.app._notifications))

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def is_asked(self, question: str) -> Dialog:
        await self.until(lambda: isinstance(self.app.screen, Dialog))
        await self.sees(question)
        dialog = self.app.screen
        assert isinstance(dialog, Dialog)
        await self.until(lambda: dialog.listening)
        return dialog

    async def agrees(self, question: str) -> None:
        dialog = await self.is_asked(question)
        await self.presses("y")
        await self.until(lambda: self.app.screen is not dialog)

    async def opens_run(self) -> None:
        """From home, the newest run."""
        await self.sees("walk")
        self.app.visit("run", 1)
        await self.sees("Log (UTC)", "run 1 walk")

    async def starts_run(self) -> None:
        """From home: the plan, a run of it."""
        await self.sees("People get")
        await self.until(lambda: self.app.focused and self.app.focused.id == "plans")
        await self.presses("enter")
        await self.sees("what is sent")
        await self.until(lambda: self.can("start"))
        await self.presses("S")
        await self.agrees("Start a run of walk on sample?")
        await self.sees("run began")

    async def goes_on(self, question: str, key: str = "n") -> None:
        await self.until(lambda: self.can({"n": "next", "c": "to_checkpoint"}[key]))
        await self.presses(key)
        await self.agrees(question)

    async def opens_blockers(self) -> None:
        await self.presses("b")
        await self.until(lambda: self.place == "BlockersScreen")

    def can(self, action: str) -> bool:
        """Whether the key of an action is live; asked as this app, for there may be two."""
        with self.app._context():
            return any(b.enabled for b in self.app.screen.active_bindings.values() if b.binding.action == action)


@asynccontextmanager
async def console(
    url: str, size: tuple[int, int] = (80, 24), start: Start | None = None, plans: Path = PLANS
) -> AsyncIterator[Person]:
    app = HandrailApp(url, start, plans)
    async with app.run_test(size=size) as pilot:
        yield Person(app, pilot)
