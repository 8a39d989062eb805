"""Gates as a plan declares them, and how one stands, in words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator
from sqlalchemy.orm import Session

from console.engine.keys import Estimate, Strict
from db import wording
from db.errors import GateClosed
from db.models import GateStatus
from db.queries import gates

Role = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z ]{0,39}$")]
WEEK = 7 * 86_400.0
LONGEST = 3650 * 86_400.0


class Gate(Strict):
    """`needed` of `roles` sign, all where it is not said; each sign-off is good for `lasts` seconds.

    Before a step that cannot be undone so many people more as `irreversible` says. Due `within` so many seconds from
    the measurement.
    """

    roles: list[Role] = Field(min_length=1)
    needed: int | None = None
    lasts: Estimate = WEEK
    within: Estimate | None = None
    irreversible: int = Field(default=0, ge=0, le=5)

    @model_validator(mode="after")
    def _countable(self) -> Gate:
        if len(set(self.roles)) < len(self.roles):
            raise ValueError("a role stands twice")
        if self.needed is not None and not 1 <= self.needed <= len(self.roles):
            raise ValueError(f"needed: write a number from 1 to {len(self.roles)}, as there are roles")
        for key, seconds in (("lasts", self.lasts), ("within", self.within)):
            if seconds is not None and not 1 <= seconds <= LONGEST:
                raise ValueError(f"{key}: write a time from 1s to 3650d")
        return self

    @property
    def wanted(self) -> int:
        return self.needed or len(self.roles)


def missing(status: GateStatus) -> list[str]:
    """The roles that have not signed."""
    return [role for role in status.roles if role not in status.signed]


def told(status: GateStatus) -> str:
    """What a gate waits for, in a clause."""
    match status.state:
        case "signed":
            return f"signed by {', '.join(status.signed)}"
        case "glass broken":
            return "opened by break-glass, without its sign-offs"
        case "not measured":
            return "wants its answers" if status.kind == "decision" else "is not measured"
        case "void":
            return "the answers to a decision have changed since: measure it again"
        case "rejected":
            return f"rejected by {status.rejected_by}: {_again(status)}"
        case "returned":
            return f"sent back by a reject: {_again(status)}"
        case "expired":
            return f"its sign-offs were good for {wording.period(status.lasts.total_seconds())}: {_again(status)}"
        case _:
            return wanted(status)


def wanted(status: GateStatus) -> str:
    """Who has to sign still: waits for security; waits for 1 more of security, QA"""
    open_roles, left = missing(status), status.needed - len(status.signed)
    if left >= len(open_roles):
        return f"waits for {', '.join(open_roles)}"
    return f"waits for {left} more of {', '.join(open_roles)}"


def _again(status: GateStatus) -> str:
    return "answer it anew" if status.kind == "decision" else "measure it again"


def closed(session: Session, run: int, position: int, refused: GateClosed) -> tuple[str, GateClosed]:
    """The gate before `position` that is closed, and the refusal of the database in words that say who has to sign."""
    for status in gates.of_run(session, run):
        if status.position < position and not status.open:
            title = f"{status.title} ({status.gate})"
            return status.gate, GateClosed(f"{title}: {told(status)}.", f"handrail status {run} shows every gate.")
    return "", refused
