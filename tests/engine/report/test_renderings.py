"""Markdown and HTML hold every name as it is, and obey none (I-10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from console.engine import journey, operators, report
from console.engine.report.document import Document
from console.engine.report.html import html
from console.engine.report.incident import LINES, LONGEST, incident
from console.engine.report.markdown import escaped, markdown
from console.engine.report.sections import Table, sections
from db import journal
from db.session import Target
from db.text import one_line
from tests.driving import ask, drive
from tests.engine.report import scenes
from tests.hostile import ALL, BIDI, CORPUS, UNSEEN, raw
from tests.screens import planted

pytestmark = pytest.mark.newest
PLAIN = {"inline", "text", "text_special", "paragraph_open", "paragraph_close"}
TABLES = {
    f"{part}_{end}" for part in ("table", "thead", "tbody", "tr", "th", "td", "heading") for end in ("open", "close")
}
TAG = "<b><script>alert(1)</script><img src=x onerror=alert(1)> \" &amp; <!-- '"
VOID = ("meta", "br")
NAMES = [
    *CORPUS.values(), ALL, "a|b", "\\|", "\\\\|", "`x`", "``|``", "<script>alert(1)</script>", "<!-- x", "&lt;b&gt; &#60;",
    "*a* __b__ _c_ ~~d~~", "[x](https://planted.example)", "![x](//planted.example/a.png)", "<https://planted.example>",
    "https://planted.example", "www.planted.example", "WWW.planted.example/a", "a@planted.example", "mailto:a@planted.example",
    "@somebody #12 $x$", "[x]: https://planted.example", "# head", "---", "1. one", "> quote", "- [ ] task", "a\n\n# b",
    "clients_unified", "planted.com", "public.name", "//planted.example", "end\\",
]  # fmt: skip


def tokens(text: str) -> Iterator[Token]:
    """As GitHub would read it: tables, strikethrough, tags, bare addresses that become links."""
    reader = MarkdownIt("gfm-like", {"html": True})
    for token in reader.parse(text):
        yield token
        yield from token.children or []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["| {} | z |\n|---|---|\n| {} | z |", "{}"], ids=["cell", "line"])
def test_a_name_is_read_as_it_stands_and_as_nothing_else(name: str, place: str) -> None:
    written = escaped(name)
    text = place.replace("{}", written) if "|" in place else f"Happened: {written}"
    found = list(tokens(text))
    assert {token.type for token in found} <= PLAIN | TABLES
    shown = ["".join(t.content for t in token.children or []) for token in found if token.type == "inline"]
    wanted = one_line(name)
    assert shown == ([wanted, "z", wanted, "z"] if "|" in place else [f"Happened: {wanted}".strip()])


@pytest.fixture
def hostile(sample: Target, tmp_path: Path) -> Document:
    """A run whose every name, reason and answer is hostile: rejected, broken open, answered, tried again."""
    planted.plans(tmp_path)
    planted.plant(sample)
    planted.fails(sample, tmp_path)
    harm = planted.besieger(sample)
    drive(harm, lambda here: journey.back(here, 1))
    ask(sample, "INSERT INTO peace VALUES (1)")
    from console.engine import reading

    drive(harm, lambda here: journey.begin(here, reading.load("siege", tmp_path)))
    with pytest.raises(Exception, match="waits for security"):
        drive(harm, lambda here: journey.resume(here, 2, said=True))
    planted.gated(sample, 2)
    with harm.session() as session:
        operators.add(session, "admin1", "amir", name=ALL, groups=["admin"])
        journal.record(session, "tried again", 2, ALL, error=ALL, tried=1, tries=9, wait=1.5,
                       blockers=[{"pid": 7, "login": ALL, "application": ALL}])  # fmt: skip
        for kind in ("trigger fired", "taken over", "preflight", "step undone"):
            journal.record(session, kind, 2, ALL, warnings=[ALL], **{ALL: ALL, "sha256": ALL})
    ask(
        sample,
        "INSERT INTO handrail.gauge (run_id, trigger, armed, at_most, said) VALUES (2, %s, true, 1, %s)",
        ALL,
        ALL,
    )
    ask(sample, "INSERT INTO handrail.set_aside (run_id, step, source, row) VALUES (2, 'one', %s, '{}')", ALL)
    return scenes.told(sample, 2)


def test_markdown_of_hostile_names_has_tables_and_nothing_else(hostile: Document) -> None:
    written = markdown(hostile)
    assert raw(written.encode()) == []
    assert {token.type for token in tokens(written)} <= PLAIN | TABLES
    cells = [token for token in tokens(written) if token.type == "td_open"]
    wanted = sum(len(row) for section in sections(hostile) for part in section.parts if isinstance(part, Table)
                 for row in part.rows)  # fmt: skip
    assert len(cells) == wanted


class Reader(HTMLParser):
    """What a browser would see: tags, attributes, words; whether every tag is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_html_of_hostile_names_has_our_own_tags_alone(hostile: Document) -> None:
    written = html(hostile)
    assert raw(written.encode()) == []
    read = Reader(written)
    assert read.opened == []
    assert read.tags == {"html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "div", "table", "thead",
                         "tbody", "tr", "th", "td"}  # fmt: skip
    assert read.attributes == {"lang", "charset", "http-equiv", "content", "name", "class", "scope"}
    assert any("[@click=app.quit]" in words for words in read.words)


def tagged(value: Any) -> Any:
    """The same document, every text of which ends in a tag."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: tagged(getattr(value, field.name)) for field in fields(value)})
    if isinstance(value, tuple):
        return tuple(tagged(one) for one in value)
    return f"{value}{TAG}" if isinstance(value, str) else value


@pytest.mark.parametrize("scene", [scenes.gate_passed, scenes.glass_broken])
def test_a_tag_in_any_text_stays_text(gated: Target, scene: Callable[[Target], int]) -> None:
    document: Document = tagged(scenes.told(gated, scene(gated)))
    read = Reader(html(document))
    assert (read.opened, {"script", "img", "b"} & read.tags, "onerror" in read.attributes) == ([], set(), False)
    assert sum(TAG in words for words in read.words) > 20
    assert {token.type for token in tokens(markdown(document))} <= PLAIN | TABLES


def test_incident_of_hostile_names_is_short_and_plain(hostile: Document) -> None:
    written = incident(hostile)
    assert raw(written.encode()) == []
    assert len(written.splitlines()) <= LINES
    assert max(map(len, written.splitlines())) <= LONGEST
    assert not set(written) & set(BIDI + UNSEEN)


def test_html_fetches_nothing_and_runs_nothing(gated: Target) -> None:
    scenes.gate_passed(gated)
    written = html(scenes.told(gated))
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    assert policy in written
    for word in ("http:", "https:", "//", "<script", "<link", "url(", "@import", "javascript", " src=", " href="):
        assert word not in written
    assert "prefers-color-scheme: dark" in written
    assert "@media print" in written


def test_a_very_long_value_is_cut_and_says_so() -> None:
    assert escaped("x" * 3000) == f"{'x' * 2000}... (3000 characters)"


def test_an_incident_says_what_stopped_what_stands_and_how_to_go_on(sample: Target) -> None:
    scenes.check_failed(sample)
    with sample.session() as session:
        lines = report.incident_text(session, 1).splitlines()
    assert lines[0] == "handrail: run 1 of tiny on sample is failed"
    assert "What: checkpoint 2 faulty (Nobody without a name) failed" in lines
    assert "Failed: faulty no row: expected no rows, found 3 rows" in lines
    assert "Stands (1): one" in lines
    assert any(line.startswith("Since: 20") for line in lines)
    assert any("handrail resume 1" in line for line in lines)
    assert any("handrail rollback 1" in line for line in lines)


def test_an_incident_is_told_from_inside_another_transaction(sample: Target) -> None:
    """A trigger that fires says so, and what goes out says it too, before it is committed."""
    number = scenes.check_failed(sample)
    with sample.session() as session:
        journal.record(session, "trigger fired", number, "one", told="12 s, at most 5 s")
        assert "told 12 s, at most 5 s" in report.incident_text(session, number)


def test_an_incident_that_waits_for_people_says_for_whom(gated: Target) -> None:
    with gated.session() as session:
        assert "It waits: fine: waits for database administrator, security" in report.incident_text(session, 1)
