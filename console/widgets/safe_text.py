"""Words for widgets: whatever they hold, it is shown and never obeyed (I-10, UX-C10).

A part is words, or words and a tone. Tones are component classes of every screen, so their colours are in screens.tcss.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.style import Style as CellStyle
from rich.text import Text
from textual.content import Content
from textual.style import Style

from db.text import clean, one_line

Part = str | tuple[str, str]

GOOD, BAD, BUSY, QUIET, STRONG = "good", "bad", "busy", "quiet", "strong"
TONES = {f"tone--{tone}" for tone in (GOOD, BAD, BUSY, QUIET, STRONG)}
LONGEST = 20_000


def line(words: str) -> str:
    """One line for a notice, which is told markup=False."""
    return one_line(words[:LONGEST])


def content(parts: tuple[Part, ...], style: Callable[[str], Style]) -> Content:
    """Parts as they stand, line ends kept."""
    told = [(words, "") if isinstance(words, str) else words for words in parts]
    return Content.assemble(
        *[(clean(words[:LONGEST]), style(f"tone--{tone}")) if tone else clean(words[:LONGEST]) for words, tone in told]
    )


def cell(part: Part, style: Callable[[str], CellStyle]) -> Text:
    """One line of a table; what does not fit ends in an ellipsis."""
    words, tone = (part, "") if isinstance(part, str) else part
    return Text(line(words), style(f"tone--{tone}") if tone else "", no_wrap=True, overflow="ellipsis", end="")
