"""After a sign-off: the head of the chain goes outside the database, where its superusers cannot reach (FM-G7)."""

from __future__ import annotations

from console.commands.telling import say
from console.engine.audit import anchors, marks
from console.settings import Settings
from db.session import Target


def keep(target: Target) -> None:
    """A failure is said and hides nothing: the sign-off stands."""
    with target.session() as session:
        head = anchors.head(session)
        marks.remember(session)
    said = Settings()
    for warning in anchors.keep(head, syslog=said.anchor_syslog, command=said.anchor_command):
        say(f"handrail: {warning}")
