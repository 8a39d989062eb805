"""The run screen's questions: what is asked, the effect, and what `y` does. Pure functions of a Sight."""

from __future__ import annotations

from collections.abc import Sequence

from console.engine.finishing import Final
from console.engine.plan import Item
from console.engine.steps import Manual
from console.widgets.sight import Sight
from db import wording

Question = tuple[str, str, str]
SHOWN = 8


def one(sight: Sight, item: Item, where: str) -> Question:
    """Before one item."""
    if isinstance(item.what, Manual):
        effect = f"{where}\nA person does this outside handrail:\n\n{item.what.instructions}"
        return f"Is {sight.name(item)} done?", effect, "it is done"
    if item.kind == "checkpoint":
        return f"Measure {sight.name(item)} now?", f"{where}\nIt asks, and changes nothing.", "measure it"
    about = f", about {wording.lasting(item.estimate)}" if item.estimate is not None else ""
    return f"Do {sight.name(item)} now?", f"{where}\nA step of kind {item.kind}{about}.", "do it"


def several(sight: Sight, first: Item, last: Item, where: str) -> Question:
    """Before all items from the first to the last."""
    items = sight.plan.items[first.position - 1 : last.position]
    estimate = sum(item.estimate or 0 for item in items)
    about = f"About {wording.lasting(estimate)} in all. " if estimate else ""
    effect = "\n".join([where, f"{about}It stops before a step done by hand.", "",
                        *(f"  {sight.label(item)}" for item in items)])  # fmt: skip
    return f"Go on up to {sight.name(last)}?", effect, "go on"


def drifted(sight: Sight, first: Item, last: Item, differs: Sequence[str], where: str) -> Question:
    """Before going on with a schema that is not as the step before left it."""
    onward = sight.name(first) if first is last else f"{sight.name(first)}, and up to {sight.name(last)}"
    more = f" and {len(differs) - SHOWN} more" if len(differs) > SHOWN else ""
    effect = (
        f"{where}\nSince the step before, and not by this run: {', '.join(differs[:SHOWN])}{more}.\n\n"
        f"The plan was written for the schema as it was. Yes goes on all the same, with {onward}; the journal keeps "
        "who accepted it."
    )
    return "Somebody else changed the schema", effect, "go on all the same"


def finish(sight: Sight, final: Final, where: str) -> Question:
    """Before the point of no return."""
    kept = [f"  {one.rows} {one.title}: not kept for a rollback any more" for one in final.kept]
    effect = "\n".join([where, "After this nothing of the run can be taken back.", "",
                        *(f"  {words}" for words in final.removed), *kept])  # fmt: skip
    return f"Finish run {sight.run.id}: {final.title}?", effect, "finish"


def stop(sight: Sight, where: str, *, here: bool) -> Question:
    """Before the statement that runs now is cancelled; `here` says that this console drives."""
    item, driver = sight.under_way, sight.driver
    what = sight.name(item) if item else f"run {sight.run.id}"
    whose = "" if here or driver is None else f"\n{driver.login} runs it in another session, pid {driver.pid}."
    effect = (
        f"{where}{whose}\nThe statement that runs now is cancelled. A transaction is undone whole; a backfill keeps "
        "its finished batches; a half-built index is cleared away when it is built again."
    )
    return f"Stop {what} now?", effect, "stop it"


def take_over(sight: Sight, where: str) -> Question:
    """Before the session that drives is terminated, and this console goes on in its place."""
    driver, item = sight.driver, sight.under_way
    assert driver is not None
    since = f"{driver.since:%Y-%m-%d %H:%M:%S} UTC"
    under = "It is between two steps."
    if item is not None:
        step = sight.steps[item.position]
        lasts = f" for {wording.lasting((sight.at - step.began_at).total_seconds())}" if step.began_at else ""
        under = f"Under way: {sight.name(item)}, {step.state}{lasts}."
    if sight.run.state == "rolling back":
        then = "Then this console goes on rolling back."
    else:
        then = "Then this console does that step again, and pauses after it."
    effect = (
        f"{where}\n{driver.login} runs it: pid {driver.pid}, {driver.application}, since {since}.\n{under}\n\n"
        "That session is terminated, and its console is told. A transaction of it is undone whole; a backfill keeps "
        f"its finished batches; an index build is looked at and built again. {then}"
    )
    return f"Take run {sight.run.id} over from {driver.login}?", effect, "take over"
