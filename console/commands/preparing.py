"""init: give a database handrail's own tables, and the groups their rights."""

from __future__ import annotations

import argparse

from console.commands import confirming, targeting
from console.commands.telling import line, say, tell
from console.engine import preparation


def init(options: argparse.Namespace) -> int:
    """At a terminal it asks first; --print shows the SQL and sends nothing."""
    target = targeting.target(options)
    roles = not options.no_roles
    if options.print:
        for statement in preparation.script(target, options.name, roles=roles):
            line(f"{statement.rstrip().removesuffix(';')};")
        return 0
    question = f"Make or update the schema handrail in {target.label}? handrail init --print shows the SQL."
    if confirming.terminal(options) and not options.yes and not confirming.says_yes(question):
        say("Nothing was sent.")
        return 0
    left = preparation.arrange(target, options.name, roles=roles)
    if options.json:
        tell({"target": options.name, "prepared": True, "left": left or None})
    else:
        line(f"{target.label} is prepared as target {options.name}.")
    if left:
        say(left)
    return 0
