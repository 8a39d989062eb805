"""Who signed what, who answered what, and which gate was broken open."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from console.engine import gates as words
from console.engine.report.document import Answered, Broken, Gated, Signed
from console.engine.report.wording import optional
from db.models import Acknowledgement, Answer, BreakGlass, Evidence, GateStatus, SignOff
from db.queries.reporting import Names
from db.text import clean

Glass = tuple[BreakGlass, Acknowledgement | None]


def gates_of(
    statuses: Iterable[GateStatus], sign_offs: Sequence[SignOff], broken: Sequence[Glass], names: Names
) -> Iterator[Gated]:
    """Every gate of the run, with all that was ever signed at it."""
    for status in statuses:
        yield Gated(
            status.position, clean(status.gate), clean(status.kind), clean(status.title), clean(status.state),
            clean(words.told(status)),
            tuple(clean(role) for role in status.roles), status.needed,
            tuple(_signed(one, status, names) for one in sign_offs if one.gate == status.gate),
            tuple(_broken(glass, seen, names) for glass, seen in broken if glass.gate == status.gate),
        )  # fmt: skip


def answers_of(
    answers: Mapping[str, Answer], evidence: Mapping[tuple[str, int], Evidence], names: Names
) -> Iterator[Answered]:
    for id, answer in answers.items():
        sealed = evidence.get((id, answer.version))
        yield Answered(
            clean(id), answer.version, clean(names.of_login(answer.answered_by)), answer.answered_at,
            optional(sealed.digest if sealed else None),
            tuple((clean(field), clean(_shown(value))) for field, value in answer.answers.items()),
        )  # fmt: skip


def _signed(one: SignOff, gate: GateStatus, names: Names) -> Signed:
    return Signed(
        one.measurement, clean(one.role), clean(names.of_person(one.person)), clean(one.login), clean(one.decision),
        clean(one.reason), one.at, one.at + gate.lasts, clean(one.digest),
    )  # fmt: skip


def _broken(glass: BreakGlass, seen: Acknowledgement | None, names: Names) -> Broken:
    return Broken(
        glass.id, glass.measurement, clean(names.of_person(glass.person)), clean(glass.login), glass.at,
        clean(glass.reason), clean(glass.why_not_wait),
        clean(names.of_person(seen.person)) if seen else None, seen.at if seen else None,
        clean(seen.note) if seen else None,
    )  # fmt: skip


def _shown(value: object) -> str:
    """admin = admin, editor = staff; a word alone as it is"""
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_shown(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(one) for one in value)
    return value if isinstance(value, str) else json.dumps(value)
