"""Signing a gate. The database is the law (I-6); here its refusals get words, and the try is journalled before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from console.engine import gates as words
from console.engine.errors import SignOffRefused, UnknownGate
from console.engine.retrying import known_error
from db import journal
from db.errors import EvidenceStale, StatementFailed
from db.models import Acknowledgement, BreakGlass, Evidence, GateStatus, Run, SignOff
from db.queries import gates, people, runs

Word = Literal["approve", "reject"]

REFUSALS = {
    "sign_off_of_another": ("You began this run, asked for it or measured this yourself.", "Another person signs it."),
    "sign_off_of_what_passed": ("A check has failed; only what passed can be approved.", "Reject it, with a reason."),
    "sign_off_once": ("You have signed this measurement already.", "One person counts once, whatever their roles."),
    "sign_off_reason": ("A reject needs a reason.", "Say it with --reason TEXT"),
    "break_glass_two_reasons": (
        "Two reasons are needed, of ten letters at least, and not the same one twice.",
        "Say what happens without it, and why nobody can be waited for.",
    ),
    "acknowledgement_of_another": ("You broke this gate open yourself.", "Another administrator acknowledges it."),
}


@dataclass(frozen=True)
class Intent:
    """What is about to be signed: the evidence as it was seen, by whom and as what."""

    evidence: Evidence
    person: str
    role: str
    word: Word


def intend(
    session: Session, run: int, gate: str, word: Word, role: str | None = None, digest: str | None = None
) -> Intent:
    """Journals the try, in a transaction of its own: a refused one leaves its trace too (FM-G11).

    With `digest`, what was seen must still be the newest. Raises SignOffRefused for what can be known beforehand.
    """
    status = found(session, run, gate)
    if status.measurement is None:
        raise SignOffRefused(f"{gate} {words.told(status)}.", "There is nothing to sign yet.")
    if (state := session.get_one(Run, run).state) in runs.OVER:
        raise SignOffRefused(f"Run {run} is {state}; it waits for nobody.", "See: handrail inbox")
    if digest is not None and digest != status.digest:
        raise EvidenceStale(f"{gate} was measured again after you looked.", "Look at it again before you decide.")
    evidence = gates.evidence(session, run, gate, status.measurement)
    assert evidence is not None
    me = people.me(session)
    wanted = role or _role(status, me.roles)
    journal.record(session, "sign-off tried", run, gate, person=me.person, role=wanted, decision=word,
                   measurement=status.measurement, digest=status.digest)  # fmt: skip
    return Intent(evidence, me.person, wanted, word)


def sign(session: Session, intent: Intent, reason: str = "") -> SignOff:
    """Raises SignOffRefused, or EvidenceStale where it was measured again meanwhile; then nothing is signed."""
    seen = intent.evidence
    said = SignOff(
        run_id=seen.run_id, gate=seen.gate, measurement=seen.measurement, digest=seen.digest, passed=seen.passed,
        starter=seen.starter, asked_by=seen.asked_by, sealer=seen.sealer,
        person=intent.person, role=intent.role, decision=intent.word, reason=reason.strip(),
    )  # fmt: skip
    _insert(session, said)
    return said


def announce_break(session: Session, run: int, gate: str) -> None:
    """Journals the try, in a transaction of its own (FM-G11). Raises SignOffRefused where there is nothing to break."""
    status = found(session, run, gate)
    if status.measurement is None:
        raise SignOffRefused(f"{gate} {words.told(status)}.", "Break-glass opens a gate; it does not measure it.")
    if status.open:
        raise SignOffRefused(f"{gate} is open: {words.told(status)}.", f"Go on with: handrail resume {run}")
    journal.record(session, "break-glass tried", run, gate, measurement=status.measurement)


def break_glass(session: Session, run: int, gate: str, reason: str, why_not_wait: str) -> BreakGlass:
    """Opens a gate without its sign-offs. It is told in the journal, and on every home screen until acknowledged."""
    status = found(session, run, gate)
    said = BreakGlass(run_id=run, gate=gate, measurement=status.measurement, reason=reason, why_not_wait=why_not_wait)
    _insert(session, said)
    return said


def acknowledge(session: Session, number: int, note: str) -> Acknowledgement:
    broken = session.get(BreakGlass, number)
    if broken is None or number not in [one.id for one in gates.unacknowledged(session)]:
        raise SignOffRefused(f"No break-glass {number} waits to be acknowledged.", "handrail inbox shows them.")
    said = Acknowledgement(break_glass_id=number, breaker=broken.person, note=note)
    _insert(session, said)
    return said


def found(session: Session, run: int, gate: str) -> GateStatus:
    statuses = gates.of_run(session, run)
    for status in statuses:
        if status.gate == gate:
            return status
    known = ", ".join(status.gate for status in statuses) or "none"
    raise UnknownGate(f"Run {run} has no gate {gate!r}.", f"It has: {known}")


def _role(status: GateStatus, mine: tuple[str, ...]) -> str:
    """The role to sign as: of those that I hold the first that is still missing."""
    fitting = [role for role in status.roles if role in mine]
    if not fitting:
        raise SignOffRefused(
            f"{status.gate} is signed by {', '.join(status.roles)}; you sign as {', '.join(mine) or 'nothing'}.",
            "An administrator gives roles: handrail operator add",
        )
    return next((role for role in fitting if role not in status.signed), fitting[0])


def _insert(session: Session, row: SignOff | BreakGlass | Acknowledgement) -> None:
    try:
        session.add(row)
        session.flush()
    except DBAPIError as error:
        known = known_error(error)
        if isinstance(known, StatementFailed) and known.constraint in REFUSALS:
            raise SignOffRefused(*REFUSALS[known.constraint]) from error
        if isinstance(known, StatementFailed) and known.constraint == "sign_off_person":
            raise SignOffRefused(
                "Nobody has said whose login this is.", "An administrator does: handrail operator add"
            ) from error
        raise
