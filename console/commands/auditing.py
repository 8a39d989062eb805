"""audit verify, export, anchor: whether the journal is what was written, and how it gets out."""

from __future__ import annotations

import argparse

from console.commands import targeting
from console.commands.telling import line, say, tell
from console.engine.audit import anchors, exporting, marks, verifying
from console.engine.audit.verifying import Verified
from console.engine.errors import ChainBroken
from console.settings import Settings
from db.text import one_line

LETTERS = 16
LINES = {"jsonl": exporting.json_lines, "csv": exporting.csv_lines}


def verify(options: argparse.Namespace) -> int:
    """Each fault is a line, and the exit code says that there is one."""
    file = getattr(options, "anchor", None)  # the bare `audit` has no such option
    given = anchors.read(file) if file else []
    with targeting.target(options).session() as session:
        found = verifying.verify(session, given)
        kept = anchors.file_of(anchors.head(session))
    say(f"{found.events:,} events in {found.seconds:.2f} s, {found.events / max(found.seconds, 0.001):,.0f} a second.")
    if not given and kept.exists():
        say(f"Whether all was made anew, only anchors tell; these are kept here: --anchor {kept}")
    if options.json:
        tell(_document(found, len(given)))
        return 0 if found.whole else ChainBroken.exit_code
    for fault in found.faults:
        where = "" if fault.event is None else f" event {fault.event}:"
        line(one_line(f"{fault.kind}:{where} {fault.text}"))
    if not found.whole:
        faults = len(found.faults) + found.more
        raise ChainBroken(
            f"The journal is not what was written: {faults} fault{'s' if faults > 1 else ''}"
            + (f", of which {len(found.faults)} are listed." if found.more else "."),
            "Keep the database as it is, and find out who could write to it.",
        )
    with_anchors = f", {len(given)} anchor{'s fit' if len(given) > 1 else ' fits'}" if given else ""
    line(f"{found.events} events, chain whole, head {found.head[:LETTERS] or 'none'}{with_anchors}")
    return 0


def export(options: argparse.Namespace) -> int:
    with targeting.target(options).session() as session:
        found = exporting.rows(
            session, run=options.run, person=options.person, kind=options.kind, since=options.since, until=options.until
        )
        for words in LINES[options.format](found):
            line(words)
    return 0


def anchor(options: argparse.Namespace) -> int:
    """On standard output for whoever keeps it elsewhere; here it is kept too."""
    with targeting.target(options).session() as session:
        accepted = marks.accept(session) if options.accept_restore else None
        head = anchors.head(session)
    if accepted:
        say(one_line(f"The older journal is accepted: {accepted.detail['found']}."))
    line(head.line())
    settings = Settings()
    for warning in anchors.keep(head, syslog=settings.anchor_syslog, command=settings.anchor_command):
        say(f"handrail: {warning}")
    return 0


def _document(found: Verified, given: int) -> dict[str, object]:
    return {"target": found.target, "events": found.events, "head": found.head, "whole": found.whole, "anchors": given,
            "seconds": round(found.seconds, 3), "faults": [fault._asdict() for fault in found.faults],
            "more": found.more}  # fmt: skip
