"""A text of online statements, read from a plan: what may stand there, and what must be taken back."""

from __future__ import annotations

from typing import Any

from console.engine.errors import PlanError
from console.engine.online.act import Act, quoted
from console.engine.online.constraints import Validation
from console.engine.online.enums import Addition
from console.engine.online.indexes import Creation, Removal
from console.engine.online.partitions import Attachment, Detachment
from console.engine.online.reindexing import Reindexing
from console.engine.online.vacuum import Vacuum
from console.engine.statements import Statement, split, statements_of

FAMILIES: tuple[type[Act], ...] = (Creation, Removal, Reindexing, Addition, Validation, Detachment, Attachment, Vacuum)
ALLOWED = (
    "CREATE INDEX, DROP INDEX, REINDEX INDEX or TABLE and DETACH PARTITION, each CONCURRENTLY; "
    "ALTER TYPE ... ADD VALUE; ALTER TABLE ... VALIDATE CONSTRAINT alone; VACUUM; and in the undo ATTACH PARTITION"
)


def acts(sql: str) -> list[Act]:
    """The statements of a text whose parameters are filled."""
    return [_act(statement) for statement in split(sql)]


def required(sql: str, *, back: bool) -> list[Act]:
    """The statements of a text as it stands in a plan; raises PlanError for what may not stand there."""
    found = [_act(statement) for statement in statements_of(sql)]
    if not found and not back:
        raise PlanError("there is no statement here.")
    seen = set()
    for act in found:
        act.require()
        if isinstance(act, Attachment) and not back:
            act.refuse("ATTACH PARTITION may stand in the undo only.", 'Use a step of kind "sql".')
        if act.takes_back and act.takes_back[1] in seen:
            act.refuse(f"{told(act)} stands here twice.", "Give each statement a step of its own.")
        seen |= {act.takes_back[1]} if act.takes_back else set()
    return found


def require_way_back(there: list[Act], back: list[Act]) -> None:
    """Each index built, index dropped and partition detached is named by the undo, the other way round."""
    names = [sorted(told(act) for act in acts if act.takes_back) for acts in (there, back)]
    if names[0] != names[1]:
        raise PlanError(
            "undo: it must name the same indexes as sql.",
            f"sql has {', '.join(names[0]) or 'none'}; undo has {', '.join(names[1]) or 'none'}",
        )
    for act in there:
        if act.takes_back and opposite(act, back) is None:
            raise PlanError(
                f"undo: it must take back what line {act.statement.line} of sql does to {told(act)}.",
                "CREATE is taken back by DROP, DROP by CREATE, DETACH by ATTACH.",
            )


def opposite(act: Act, others: list[Act]) -> Act | None:
    """The statement of the other direction that takes an act back."""
    if act.takes_back is None:
        return None
    family, name = act.takes_back
    return next((one for one in others if type(one) is family and one.takes_back and one.takes_back[1] == name), None)


def told(act: Act) -> str:
    """The index, or the partition, for people."""
    return ".".join(act.takes_back[1][-2:]) if act.takes_back else ""


def upon(act: Act) -> str:
    """What an act and its opposite act upon, for no two of a step the same."""
    return quoted(*act.takes_back[1]) if act.takes_back else ""


def _act(statement: Statement) -> Act:
    from pglast.parser import parse_sql

    node: Any = parse_sql(statement.sql)[0].stmt
    family = next((family for family in FAMILIES if family.reads(node)), None)
    if family is None:
        raise PlanError(
            f"line {statement.line}: only CREATE INDEX CONCURRENTLY, DROP INDEX CONCURRENTLY and other statements "
            "that run online may stand here.",
            f"These are: {ALLOWED}.",
        )
    return family(statement, node)
