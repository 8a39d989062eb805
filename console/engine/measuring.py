"""Measuring a checkpoint: every check asked, every verdict kept, the outcome journalled with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from console.engine import drift
from console.engine.checks import Asking, measured
from console.engine.errors import CheckFailed
from console.engine.hold import Hold
from console.engine.plan import Checkpoint, Item
from db import journal
from db.models import Event, Run, StepRun
from db.queries import runs


def measure(
    hold: Hold,
    run: int,
    item: Item,
    checkpoint: Checkpoint,
    parameters: Mapping[str, str],
    between: Callable[[], None],
    tell: Callable[[Event], None],
) -> None:
    """Calls `between` before each check. Raises CheckFailed, after the verdicts are journalled, where one failed."""
    with hold.transaction() as session:
        kept = {step.step: step.progress for step in (runs.one(session, run) or Run()).steps}
    verdicts = []
    for position, check in enumerate(checkpoint.check, 1):
        between()
        verdicts.append(measured(check, position, Asking(hold.connection, parameters, kept)))
    failed = [verdict.check for verdict in verdicts if not verdict.passed]
    with hold.transaction() as session:
        number = journal.measurement(session, run, item.id)
        for verdict in verdicts:
            verdict.run_id, verdict.checkpoint, verdict.measurement = run, item.id, number
        journal.keep(session, verdicts)
        digest = journal.seal(session, run, item.id, number).digest
        step, row = session.get_one(StepRun, (run, item.position)), session.get_one(Run, run)
        passed = f"{len(verdicts) - len(failed)} of {len(verdicts)}"
        if failed:
            journal.turn(session, row, "failed")
            said = journal.end(
                session, step, "failed", "checkpoint failed", passed=passed, failed=failed, digest=digest
            )
        else:
            drift.keep(session, row, item.position)
            said = journal.end(session, step, "done", "checkpoint passed", passed=passed, digest=digest)
    tell(said)
    if failed:
        raise CheckFailed(
            f"Checkpoint {item.id}: {len(failed)} of {len(verdicts)} checks failed: {', '.join(failed)}.",
            "Look at the rows, mend them and resume; or roll back.",
        )
