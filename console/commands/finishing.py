"""finish: the point of no return, shown before it is agreed to by the plan's name."""

from __future__ import annotations

import argparse

from console.commands import confirming, targeting
from console.commands.running import finished
from console.commands.telling import line, say, tell
from console.engine import finishing, journey
from console.engine.finishing import Final
from db.text import one_line


def finish(options: argparse.Namespace) -> int:
    target = targeting.target(options)
    with target.session() as session:
        shown = finishing.preview(session, journey.found(session, options.run))
    if options.show:
        _tell(shown, as_json=options.json)
        return 0
    for words in _lines(shown):
        say(one_line(words))
    confirming.require_name(options, shown.plan, "Finishing")
    return finished(
        options, target, options.run, lambda e: journey.forward(e, options.run, "one", until=shown.step, finish=True)
    )


def _tell(shown: Final, *, as_json: bool) -> None:
    if as_json:
        kept = [one.told() for one in shown.kept]
        tell({"run": shown.run, "plan": shown.plan, "finish": shown.step, "kept": kept, "removed": shown.removed})
        return
    for words in [*_lines(shown), *shown.script.splitlines()]:
        line(words)


def _lines(shown: Final) -> list[str]:
    lost = [f"  no longer kept for a rollback: {one.rows} {one.title}" for one in shown.kept]
    removed = [f"  removed: {words}" for words in shown.removed]
    return [f"Finish run {shown.run}, {shown.plan}: {shown.title}. After it nothing is taken back.", *lost, *removed]
