"""Drift: what somebody else changed in the schema between two steps of a run (I-5, FM-C11).

After each item the objects of the database are kept in the run, names and digests alone. Before an item that has never
been begun they are compared. One that failed is left out: mending it by hand is what a person was asked to do.
"""

from __future__ import annotations

from sqlalchemy.orm import Session

from console.engine.errors import Drifted
from console.engine.plan import Item
from console.engine.steps import Step
from db import catalog, fingerprint, journal
from db.fingerprint import Fingerprint
from db.models import Event, Run

FRESH = ("waiting", "undone")


def keep(session: Session, run: Run, position: int) -> None:
    """Says how the objects stand after the item at `position`; in the transaction that says how the item ended."""
    journal.stand(session, run, catalog.objects(session.connection()), position)


def since(session: Session, run: Run, item: Item) -> list[str]:
    """What was changed since the item before; empty where nothing was, or where nobody can tell."""
    state = next(step.state for step in run.steps if step.position == item.position)
    by_hand = isinstance(item.what, Step) and item.what.waits_for_person
    if state not in FRESH or by_hand or run.objects is None or run.objects_after != item.position - 1:
        return []
    now = catalog.objects(session.connection())
    return fingerprint.differences(Fingerprint(run.objects, {}), Fingerprint(now, {}))


def require_none(session: Session, run: Run, item: Item, *, accepted: bool) -> Event | None:
    """Raises Drifted, or journals that a person `accepted` it."""
    differs = since(session, run, item)
    if not differs:
        return None
    if not accepted:
        more = f" and {len(differs) - 5} more" if len(differs) > 5 else ""
        raise Drifted(
            f"Somebody else changed the schema since the last step: {', '.join(differs[:5])}{more}.",
            f"Put it back; or, if it does no harm, go on with: handrail resume {run.id} --accept-drift",
        )
    return journal.record(session, "drift accepted", run.id, item.id, differs=differs[:50])
