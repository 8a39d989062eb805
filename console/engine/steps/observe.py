"""observe: checks repeat for a time, and nothing is changed; triggers stay armed meanwhile (A-3A).

A round asks every check, each in a transaction that is rolled back; between two rounds no transaction is open, and a
pause, a stop and a sign-off are heard. Only time that was observed counts: a round itself, and the rest before it where
it was no longer than GAP of them, so that the hours in which the console was dead do not (I-12).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine.checks import AnyCheck, Asking, measured
from console.engine.errors import PlanError, StepFailed
from console.engine.gates import LONGEST, Gate
from console.engine.keys import Estimate, seconds
from console.engine.steps.common import Found, Sources, Step
from console.engine.work import PauseWanted, Work
from db import journal
from db.models import Run, Verdict
from db.queries import gates, runs
from db.session import transaction

GAP = 3  # so many times `every` may lie between two rounds, and is still observed time
KEPT_ROUNDS = 60
LOOK_SECONDS = 0.5  # between two looks while it rests
NONE_YET: dict[str, Any] = {
    "observed": 0.0, "rounds": 0, "failures": 0, "failing": 0, "at": 0.0, "sealed": None, "failed": None, "history": [],
}  # fmt: skip
CLOCK = text("SELECT extract(epoch FROM clock_timestamp())::float8")


class Observe(Step):
    """`time` and `every` in seconds. `fails` rounds one after the other with a failed check fail the step.

    Who signs its `gate` shortens it; nothing waits for that. Of its progress, `at` is when the last round ended, by the
    server's clock, `sealed` the measurement that can be signed, `failed` the checks that had failed in it, `failing`
    the failed rounds in a row, and `history` the last rounds: time, whether it passed, failed checks.
    """

    transactional: ClassVar[bool] = False

    kind: Literal["observe"]
    time: Estimate
    every: Estimate = 60.0
    fails: int = Field(default=2, ge=1, le=1000)
    gate: Gate | None = None
    check: list[AnyCheck] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _lasts_its_time(cls, written: Any) -> Any:
        """The estimate is the time, where it is not given."""
        if not isinstance(written, dict) or "estimate" in written or "time" not in written:
            return written
        try:
            seconds(written["time"])
        except ValueError:
            return {**written, "estimate": "0s"}  # what is wrong is said of the time alone
        return {**written, "estimate": written["time"]}

    def require(self, target: str, sources: Sources) -> None:
        if not (0 < self.every <= LONGEST and 0 < self.time <= LONGEST):
            raise PlanError("time and every: write a time from 1ms to 3650d.")
        if self.gate and self.may_skip:
            raise PlanError(
                "may_skip: an observation with a gate is shortened by sign-off alone.", "Leave one of them out."
            )
        for check in self.check:
            try:
                check.require()
            except PlanError as error:
                raise PlanError(f"check {check.id}: {error.message}", error.hint) from None

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return "-- nothing to undo: it only looks"
        return "\n\n".join(f"-- {check.title}\n{check.query()}" for check in self.check)

    def apply(self, work: Work) -> Found:
        kept = self._begun(work.kept())
        shortened = self._signed_already(work, kept)
        while not shortened:
            kept = self._round(work, kept)
            if kept["failing"] >= self.fails:
                raise StepFailed(
                    f"{kept['failing']} rounds one after the other failed: {', '.join(kept['failed'])}.",
                    "Mend the cause and resume, and its time begins anew; or roll back.",
                )
            if self._ends(kept):
                break
            shortened = self._rested(work, kept)
        told = {"observed": round(kept["observed"], 1), "rounds": kept["rounds"], "failures": kept["failures"]}
        return {**told, "shortened": True} if shortened else told

    def take_back(self, work: Work) -> Found:
        return {}

    def _begun(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """Where it was; from the beginning after it has failed, for what was observed then is not what is now."""
        fresh = "rounds" not in kept or kept["failing"] >= self.fails
        return {**(NONE_YET if fresh else kept), "of": self.time}

    def _ends(self, kept: Mapping[str, Any]) -> bool:
        return bool(kept["observed"] >= self.time and not kept["failing"])

    def _round(self, work: Work, kept: Mapping[str, Any]) -> dict[str, Any]:
        with transaction(work.connection) as session:
            at = float(session.execute(CLOCK).scalar_one())
            steps = {step.step: step.progress for step in (runs.one(session, work.run) or Run()).steps}
        began, verdicts = monotonic(), []
        for position, check in enumerate(self.check, 1):
            work.stop_if_wanted()
            verdicts.append(measured(check, position, Asking(work.connection, work.parameters, steps)))
        took, gap = monotonic() - began, at - kept["at"]
        failed = [verdict.check for verdict in verdicts if not verdict.passed]
        when = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        news = {
            "of": self.time,
            "observed": kept["observed"] + took + (gap if kept["rounds"] and 0 <= gap <= GAP * self.every else 0.0),
            "rounds": kept["rounds"] + 1,
            "failures": kept["failures"] + bool(failed),
            "failing": kept["failing"] + 1 if failed else 0,
            "at": at + took,
            "sealed": kept["sealed"],
            "failed": failed,
            "history": [*kept["history"], [when, not failed, failed]][-KEPT_ROUNDS:],
        }
        last = news["failing"] >= self.fails or self._ends(news)
        return self._keep(work, news, verdicts if last or failed != kept["failed"] else [])

    def _keep(self, work: Work, news: dict[str, Any], verdicts: list[Verdict]) -> dict[str, Any]:
        """What people sign is sealed where the outcome changes, so that a sign-off is not overtaken by each round."""
        said = None
        with work.transaction() as (session, step):
            if verdicts:
                news["sealed"] = number = journal.measurement(session, work.run, self.id)
                for verdict in verdicts:
                    verdict.run_id, verdict.checkpoint, verdict.measurement = work.run, self.id, number
                journal.keep(session, verdicts)
                digest = journal.seal(session, work.run, self.id, number).digest
                passed = f"{len(verdicts) - len(news['failed'])} of {len(verdicts)}"
                said = journal.record(session, "round failed" if news["failed"] else "round passed", work.run,
                                      self.id, passed=passed, failed=news["failed"], digest=digest)  # fmt: skip
            journal.progress(session, step, **news)
        if said:
            work.tell(said)
        work.tell_progress(news)
        return news

    def _rested(self, work: Work, kept: Mapping[str, Any]) -> bool:
        """Until the next round, or the end of its time; whether somebody has signed meanwhile."""
        left = self.time - kept["observed"]
        deadline = monotonic() + (min(self.every, left) if left > 0 else self.every)
        while (left := deadline - monotonic()) > 0:
            work.stopping.wait(min(LOOK_SECONDS, left))
            work.stop_if_wanted()
            with transaction(work.connection) as session:
                if journal.pause_asked(session, work.run):
                    raise PauseWanted("Paused between two rounds.", "Go on with: handrail resume")
                if self._signed(session, work.run, kept):
                    return True
        return False

    def _signed_already(self, work: Work, kept: Mapping[str, Any]) -> bool:
        with transaction(work.connection) as session:
            return self._signed(session, work.run, kept)

    def _signed(self, session: Session, run: int, kept: Mapping[str, Any]) -> bool:
        """Whether what passed in this observation, and in no earlier one, is signed."""
        if self.gate is None or kept["sealed"] is None:
            return False
        status = gates.one(session, run, self.id)
        return status is not None and status.open and bool(status.passed) and status.measurement == kept["sealed"]
