"""report: one run, from the journal, as Markdown, HTML or JSON."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from console.commands import targeting
from console.commands.telling import VERSION, line, say, tell
from console.engine import report as reports
from console.engine.report.document import Document
from console.engine.report.html import html
from console.engine.report.markdown import markdown

FORMS = {"md": markdown, "html": html}


def report(options: argparse.Namespace) -> int:
    """On standard output; with --out into a file of its own, which only its owner reads."""
    with targeting.target(options).session() as session:
        document = reports.gathered(session, options.run)
    if options.out is None:
        if options.json:
            tell(as_json(document))
        else:
            line(FORMS[options.format](document).removesuffix("\n"))
        return 0
    path = Path(options.out)
    said = (
        json.dumps({"version": VERSION, **as_json(document)}) + "\n"
        if options.json
        else FORMS[options.format](document)
    )
    reports.put(path, said, force=options.force)
    say(f"The report of run {options.run} is in {path}.")
    return 0


def as_json(document: Document) -> dict[str, object]:
    """Names as in the document; times in ISO, in UTC."""
    return {name: _plain(value) for name, value in asdict(document).items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value
