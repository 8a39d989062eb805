"""Errors of the engine, under db.errors.HandrailError, with their exit codes.

├── PlanError              (2)   the plan file is wrong: file, line, key and what was meant
├── UnknownPlan            (2)
├── UnknownRun             (2)
├── UnknownStep            (2)
├── UnknownGate            (2)
├── UnknownTrigger         (2)
├── UnknownOperator        (2)
├── AuditFilter            (2)
├── AnswersRefused         (2)   a decision's answers are not what is asked
├── QuestionUnanswered     (2)   a question, and nobody at a terminal
├── WrongTarget            (2)   the plan is for another target
├── AnchorRefused          (2)   a file of anchors is none, or is of another target
├── FingerprintRefused     (2)   a file of a fingerprint is none, or of another format
├── RunRefused             (6)   the run cannot do this in its state
│   ├── RunDriven                another session runs it now
│   ├── TakenOver                another session has taken it over from this one
│   ├── JournalBehind            the server has forgotten what it had acknowledged
│   ├── Drifted                  somebody else changed the schema since the last step
│   ├── NotMended                what a person said was mended is not
│   ├── StillOver                the trigger that stopped the run would stop it again
│   └── SignOffRefused           this person may not sign this, or not in this way
├── TriggerFired           (4)   a trigger stopped the run
├── RolledBack             (5)   a trigger stopped the run, and it was rolled back as its plan says
├── StepFailed             (1)   a step failed; the journal says which and why
├── CheckFailed            (1)   a checkpoint has a check that did not pass
├── ChainBroken            (1)   the audit shows an edit, a cut, a reorder
├── NotAsBefore            (1)   a rollback ended, but the schema differs from before
└── StepStopped            (130) a person stopped the step
"""

from __future__ import annotations

from db.errors import HandrailError


class PlanError(HandrailError):
    exit_code = 2


class UnknownPlan(HandrailError):
    exit_code = 2


class UnknownRun(HandrailError):
    exit_code = 2


class UnknownStep(HandrailError):
    exit_code = 2


class UnknownGate(HandrailError):
    exit_code = 2


class UnknownTrigger(HandrailError):
    exit_code = 2


class UnknownOperator(HandrailError):
    exit_code = 2


class DescriptionWrong(HandrailError):
    exit_code = 2


class SearchRefused(HandrailError):
    """What was typed cannot be asked."""

    exit_code = 2


class AuditFilter(HandrailError):
    exit_code = 2


class AnswersRefused(HandrailError):
    exit_code = 2


class QuestionUnanswered(HandrailError):
    exit_code = 2


class WrongTarget(HandrailError):
    exit_code = 2


class AnchorRefused(HandrailError):
    exit_code = 2


class FingerprintRefused(HandrailError):
    exit_code = 2


class RunRefused(HandrailError):
    exit_code = 6


class RunDriven(RunRefused):
    pass


class TakenOver(RunRefused):
    pass


class JournalBehind(RunRefused):
    pass


class Drifted(RunRefused):
    pass


class NotMended(RunRefused):
    pass


class StillOver(RunRefused):
    pass


class SignOffRefused(RunRefused):
    pass


class ChainBroken(HandrailError):
    exit_code = 1


class TriggerFired(HandrailError):
    """`asks` says that the plan wants the run rolled back, once a person agrees."""

    exit_code = 4
    asks = False


class RolledBack(HandrailError):
    exit_code = 5


class StepFailed(HandrailError):
    exit_code = 1


class CheckFailed(HandrailError):
    exit_code = 1


class NotAsBefore(HandrailError):
    exit_code = 1


class StepStopped(HandrailError):
    exit_code = 130
