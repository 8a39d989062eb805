"""Whether the journal is still what was written (I-7): an edit, a cut, an insertion, a reorder, each by its event.

What a superuser could write anew, hashes and head and all, only an anchor that was kept elsewhere tells (FM-G7).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy.orm import Session

from console.engine import journey, opening
from console.engine.audit.anchors import Anchor
from console.engine.audit.walking import Fault, Walk
from console.engine.errors import AnchorRefused, RunRefused
from db.queries import chain, runs

LISTED = 20


@dataclass(frozen=True)
class Verified:
    """`head` is the last event's hash in hex; `faults` are the first in the order of events, `more` the rest."""

    target: str
    events: int
    head: str
    seconds: float
    faults: list[Fault]
    more: int

    @property
    def whole(self) -> bool:
        return not self.faults


def verify(session: Session, anchors: Sequence[Anchor] = ()) -> Verified:
    """In a session that has asked nothing yet: all is read as of one moment. Nobody waits for it.

    Raises AnchorRefused where an anchor is of another target.
    """
    began = time.monotonic()
    chain.snapshot(session)
    target = runs.target_identity(session)
    _require_own(anchors, target)
    heads = chain.heads(session)
    walk = Walk()
    # closed whatever happens: the connection waits for the rest of a stream that is left open, and Ctrl-C with it
    with closing(chain.events(session)) as links:
        walk.along(links, {anchor.count for anchor in anchors} - {0})
    counted = _compare_head(walk, heads)
    _compare_anchors(walk, anchors, counted)
    _compare_rows(session, walk)
    _compare_runs(session, walk)
    faults = sorted(walk.faults, key=lambda fault: (fault.event is None, fault.event or 0))
    more = walk.more + max(0, len(faults) - LISTED)
    return Verified(target, walk.count, walk.head.hex(), time.monotonic() - began, faults[:LISTED], more)


def _require_own(anchors: Sequence[Anchor], target: str) -> None:
    for anchor in anchors:
        if anchor.target != target:
            raise AnchorRefused(
                f"An anchor is of the target {anchor.target}, and this one is {target}.",
                "Give the anchors that were kept of this database.",
            )


def _compare_head(walk: Walk, heads: list[tuple[int, bytes]]) -> int:
    """How many events the head counts."""
    if len(heads) != 1:
        walk.add("head", None, f"the head has {len(heads)} rows, and should have one")
        return walk.number
    ((counted, head),) = heads
    if walk.number < counted:
        walk.add("cut", walk.number + 1, f"the head counts {counted} events, and the last one is {walk.number}")
    elif walk.number > counted:
        walk.add("inserted", counted + 1, f"the head counts {counted} events, and the last one is {walk.number}")
    elif head != walk.head:
        walk.add("head", walk.number, "the head holds another hash than the last event")
    return counted


def _compare_anchors(walk: Walk, anchors: Sequence[Anchor], counted: int) -> None:
    """One cut, or one point from which all was made anew, is one fault, however many anchors tell it."""
    end = max(walk.number, counted)
    above = [anchor for anchor in anchors if anchor.count > end]
    if above:
        last = max(above, key=lambda anchor: anchor.count)
        walk.add("cut", end + 1, f"there were {last.count} events when the anchor of {last.at} was kept, now {end}")
    other = [anchor for anchor in anchors if walk.seen.get(anchor.count, anchor.digest) != anchor.digest]
    if other:
        first = min(other, key=lambda anchor: anchor.count)
        walk.add("remade", first.count, f"its hash was another when the anchor of {first.at} was kept: "
                 f"the chain up to here was made anew ({len(other)} of {len(anchors)} anchors differ)")  # fmt: skip


def _compare_rows(session: Session, walk: Walk) -> None:
    """What people signed, and what they saw, beside the events that say so."""
    for row in chain.sign_offs_at_fault(session):
        which = "sign-off" if row.sign_off is None else f"sign-off {row.sign_off}"
        walk.add("sign-off", row.event, f"{which}: {row.fault}")
    for row in chain.told_at_fault(session):
        walk.add("row", row.event, f"{row.what} {row.key}: the row is not what the journal says of it, or one is gone")
    for row in chain.evidence_at_fault(session):
        walk.add("evidence", None, f"run {row.run_id} {row.gate}, measurement {row.measurement}: "
                 "the verdicts or answers are not those that were digested")  # fmt: skip
    for row in chain.measured_at_fault(session):
        walk.add("evidence", row.event, f"run {row.run_id} {row.step}: no evidence has the digest of this measurement")


def _compare_runs(session: Session, walk: Walk) -> None:
    """Each run's plan beside the event that began it; its steps and gates beside its plan (FM-C10)."""
    for row in chain.begun_at_fault(session):
        walk.add("run", row.event, f"run {row.run_id} is not the one that was begun, or is gone")
    for run in runs.all_runs(session):
        try:
            opening.require_as_planned(session, run, journey.plan_of(run))
        except (RunRefused, ValueError):  # a plan that is none is a ValueError
            walk.add("run", None, f"run {run.id}: its plan, steps or gates are not those that it began with")
