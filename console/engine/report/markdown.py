"""The report as Markdown. Nothing that a name or a reason holds becomes markup, a link or a tag.

`~`, `*`, `_`, brackets and backslashes are escaped by a backslash, and so is a point that could be an address's;
what would begin a tag, a cell or a mention is a character reference, which begins nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from console.engine.report.document import Document
from console.engine.report.sections import Section, Table, sections, title
from db.text import one_line

LONGEST = 2000
ESCAPED = str.maketrans({
    **{char: f"\\{char}" for char in "\\`*[]~$#!"},
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "&#64;",
})  # fmt: skip
AT_AN_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
ADDRESS = re.compile(r"//|(?<=\w)\.(?=[^\W\d])")


def markdown(document: Document) -> str:
    return "\n".join(_lines(document)) + "\n"


def escaped(words: str) -> str:
    """The words in one line, with no meaning of their own; what is cut off is said."""
    told = one_line(words)
    if len(told) > LONGEST:
        told = f"{told[:LONGEST]}... ({len(told)} characters)"
    told = AT_AN_EDGE.sub(r"\\_", told.translate(ESCAPED))
    return ADDRESS.sub(lambda found: "&#47;&#47;" if found[0] == "//" else "\\.", told)


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(title(document))}"
    for section in sections(document):
        yield from ("", f"{'#' * section.level} {escaped(section.title)}")
        yield from _parts(section)


def _parts(section: Section) -> Iterator[str]:
    for part in section.parts:
        if isinstance(part, Table):
            yield from ("", *_table(part))
        else:
            yield from ("", escaped(part))


def _table(table: Table) -> Iterator[str]:
    columns = table.columns or ("", "")
    yield _row(columns)
    yield "|" + "---|" * len(columns)
    for row in table.rows:
        yield _row(row)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"
