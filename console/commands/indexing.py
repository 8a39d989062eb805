"""clients index: the search index of a target's clients."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.commands import confirming, targeting
from console.commands.telling import line, say, tell
from console.engine.clients import described, indexing, removing
from db import wording
from db.queries import runs
from db.session import Target


def index(options: argparse.Namespace) -> int:
    """At a terminal it asks first; everything that it puts on the target's tables is named."""
    target = targeting.target(options)
    if options.remove:
        return _remove(options, target)
    with target.session() as session:
        name = runs.target_name(session) or ""
    description = described.load(name, Path(options.description) if options.description else described.FOLDER)
    tables = ", ".join([source.table for source in description.source])
    question = f"Follow {tables} of {target.label} with triggers, and index the clients in a schema of their own?"
    if confirming.terminal(options) and not options.yes and not confirming.says_yes(question):
        say("Nothing was done.")
        return 0
    made = indexing.make(target, description, options.profile or "", say)
    if options.json:
        tell({"target": name, "profile": made.profile, "clients": made.clients, "changed": made.changed,
              "seconds": round(made.seconds, 2), "bytes": made.bytes})  # fmt: skip
        return 0
    size = f"{made.bytes / 1_000_000:,.0f} MB".replace(",", " ")
    line(f"{wording.counted(made.clients, 'client')} indexed ({made.profile}) in {wording.took(made.seconds)}, {size}; "
         f"{wording.number(made.changed)} changed meanwhile")  # fmt: skip
    return 0


def _remove(options: argparse.Namespace, target: Target) -> int:
    question = f"Take the index of clients off {target.label}? Saved searches and tenant access go with it."
    if confirming.terminal(options) and not options.yes and not confirming.says_yes(question):
        say("Nothing was done.")
        return 0
    tables = removing.remove(target)
    if options.json:
        tell({"removed": True, "tables": tables})
    else:
        line(f"The index is gone; it was on {', '.join(tables) or 'no table'}.")
    return 0
