"""Whether the search index still follows the target, for doctor."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from console.engine.clients import described
from console.engine.errors import DescriptionWrong
from db.own import readable

AGAIN = "Make it again: handrail clients index"

STATE = text("SELECT profile, ready, digest FROM handrail_search.state")
FOLLOWED = text("SELECT relation, to_regclass(relation) IS NOT NULL AS there FROM handrail_search.part WHERE source")
THERE = text(
    "SELECT quoted FROM unnest(CAST(:names AS text[])) AS name,"
    " format('%I.%I', split_part(name, '.', 1), split_part(name, '.', 2)) AS quoted"
    " WHERE to_regclass(quoted) IS NOT NULL"
)
PENDING = text("SELECT count(*), min(error) FROM (SELECT error FROM handrail_search.pending LIMIT 10001) AS few")


def look(session: Session, target: str) -> list[tuple[bool, str, str]]:
    """Whether it is well, what was found, what to do; nothing where there is no index, or one may not look."""
    if not readable(session, "handrail_search", "state", "part", "pending"):
        return []
    state = session.execute(STATE).one_or_none()
    if state is None or not state.ready:
        return [(False, "was not finished", AGAIN)]
    found: list[tuple[bool, str, str]] = []
    followed = {row.relation: row.there for row in session.execute(FOLLOWED)}
    found += [
        (False, f"{name} is gone, and the index still asks it", AGAIN) for name, there in followed.items() if not there
    ]
    try:
        description = described.load(target)
    except DescriptionWrong as error:
        return [*found, (False, error.message, error.hint)]
    named = [source.table for source in description.source]
    found += [
        (False, f"{name} is there now, and the index does not follow it", AGAIN)
        for name in session.scalars(THERE, {"names": named})
        if name not in followed
    ]
    if description.digest != state.digest:
        found.append((False, "the description of a client has changed since", AGAIN))
    waiting, why = session.execute(PENDING).one()
    if waiting:
        more = "over 10 000" if waiting > 10_000 else str(waiting)
        found.append((False, f"{more} changes could not be looked up{f' ({why})' if why else ''}", AGAIN))
    return found or [(True, f"follows {', '.join(followed)} ({state.profile})", "")]
