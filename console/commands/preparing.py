"""init: give a database handrail's own tables."""

from __future__ import annotations

import argparse

from console.commands import targeting
from console.commands.telling import line, tell
from console.engine.preparation import prepare


def init(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    prepare(target, options.name)
    if options.json:
        tell({"target": options.name, "prepared": True})
    else:
        line(f"{target.label} is prepared as target {options.name}.")
    return 0
