"""What a question is answered with is on the screen, however much it says and however low the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import App

import console.app
from console.widgets.breaking import GlassDialog
from console.widgets.questions import Dialog, QuestionDialog, TypedDialog
from console.widgets.signing import ReasonDialog

LONG = "\n".join(f"what happens {line}" for line in range(1, 40))
DIALOGS: dict[str, Callable[[str], Dialog]] = {
    "question": lambda says: QuestionDialog("Go on?", says, "go on"),
    "typed": lambda says: TypedDialog("Roll back?", says, "roll back", "walk"),
    "reason": lambda says: ReasonDialog("Approve?", says, "approve it"),
    "glass": lambda says: GlassDialog("Break it open?", says, "walk"),
}


class Bare(App[None]):
    CSS_PATH = Path(console.app.__file__).parent.parent / "screens.tcss"


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (160, 50)])
@pytest.mark.parametrize("kind", DIALOGS)
async def test_the_answers_are_seen(kind: str, size: tuple[int, int]) -> None:
    app = Bare()
    async with app.run_test(size=size) as pilot:
        dialog = DIALOGS[kind](LONG)
        await app.push_screen(dialog)
        await pilot.pause()
        await pilot.pause()
        seen = "\n".join(strip.text for strip in dialog._compositor.render_strips())
        assert "esc  Cancel" in seen
        assert "what happens 1" in seen
        assert "what happens 39" not in seen or size[1] == 50


async def test_what_is_short_takes_no_room() -> None:
    app = Bare()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(QuestionDialog("Go on?", "It goes on.", "go on"))
        await pilot.pause()
        await pilot.pause()
        assert app.screen.query_one("#question").outer_size.height < 12
