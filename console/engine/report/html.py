"""The report as one HTML file: no script, nothing that is fetched, light or dark as the reader's system is."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from console.engine.report.document import Document
from console.engine.report.sections import Section, Table, sections, title
from db.text import one_line

LONGEST, SHORT = 2000, 12  # characters of a value
TONES = {
    "done": "good", "passed": "good", "signed": "good", "approve": "good", "as before": "good",
    "failed": "bad", "stopped": "bad", "reject": "bad", "differs": "bad", "no": "bad",
}  # fmt: skip
STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --line: #d0d7de; --quiet: #57606a; --good: #116329;
  --bad: #a40e26; --band: #f6f8fa }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --line: #30363d; --quiet: #9198a1;
  --good: #56d364; --bad: #ff7b72; --band: #161b22 } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; color: var(--ink); background: var(--paper);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 1rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem } h3 { font-size: 1rem;
  margin: 1.25rem 0 .5rem }
.wide { overflow-x: auto; margin: .5rem 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { border: 1px solid var(--line); padding: .25rem .5rem; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; min-width: 3rem }
th { background: var(--band); font-weight: 600; color: var(--quiet); overflow-wrap: normal }
table.facts { width: auto } table.facts th { white-space: nowrap }
.short { white-space: nowrap } .good { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
@page { size: A4 landscape; margin: 12mm }
@media print { :root { --ink: #000; --paper: #fff; --line: #999; --quiet: #333; --good: #000; --bad: #000;
  --band: #eee }
  body { margin: 0; max-width: none; padding: 0; font-size: 9pt } th, td { min-width: 0; padding: .1rem .3rem }
  .wide { overflow: visible } tr, h2, h3 { break-inside: avoid } h2, h3 { break-after: avoid } }
"""
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html(document: Document) -> str:
    return "\n".join(_lines(document)) + "\n"


def escaped(words: str) -> str:
    """The words in one line, with no meaning of their own; what is cut off is said."""
    told = one_line(words)
    return escape(told if len(told) <= LONGEST else f"{told[:LONGEST]}... ({len(told)} characters)")


def _lines(document: Document) -> Iterator[str]:
    named = escaped(title(document))
    yield "<!DOCTYPE html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{named}</title><style>{STYLE}</style></head><body>"
    yield f"<h1>{named}</h1>"
    for section in sections(document):
        yield f"<h{section.level}>{escaped(section.title)}</h{section.level}>"
        yield from _parts(section)
    yield "</body></html>"


def _parts(section: Section) -> Iterator[str]:
    for part in section.parts:
        if isinstance(part, Table):
            yield from _table(part)
        else:
            yield f"<p>{escaped(part)}</p>"


def _table(table: Table) -> Iterator[str]:
    yield f'<div class="wide"><table class="{"rows" if table.columns else "facts"}">'
    if table.columns:
        yield f"<thead><tr>{''.join(_name(name, 'col') for name in table.columns)}</tr></thead>"
    yield "<tbody>"
    for first, *rest in table.rows:
        head = _cell(first) if table.columns else _name(first, "row")
        yield f"<tr>{head}{''.join(map(_cell, rest))}</tr>"
    yield "</tbody></table></div>"


def _name(words: str, scope: str) -> str:
    return f'<th scope="{scope}">{escaped(words)}</th>'


def _cell(words: str) -> str:
    """Colour repeats what the word says; a short word is not broken."""
    classes = (TONES.get(words.split(":")[0]), "short" if len(words) <= SHORT else None)
    named = " ".join(name for name in classes if name)
    return f'<td class="{named}">{escaped(words)}</td>' if named else f"<td>{escaped(words)}</td>"
