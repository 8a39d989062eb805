"""What a transactional step may not hold, read from its SQL when the plan is read (FM-D1 to FM-D6).

A step that ended our transaction, changed the role or left a setting behind would run the rest of the plan as
somebody else than was signed for. What hides in a function or a DO block is caught later (standing.py).
"""

from __future__ import annotations

from typing import Any

LEAVE_OUT = "Leave it out: handrail commits the step with its journal row."
ONLINE = 'What runs online is a step of kind "concurrently".'

# The session's own settings, without which the promises about locks, crashes and foreign keys do not hold.
OURS = {
    "lock_timeout": "The step's keys lock_timeout and downtime say how long others may wait.",
    "synchronous_commit": "A journal row that COMMIT has acknowledged must be there after a crash.",
    "client_connection_check_interval": "Without it the statement of a dead console lives on.",
    "idle_in_transaction_session_timeout": "Without it a console that hangs holds its locks.",
    "session_replication_role": "It would switch off triggers and foreign keys.",
}
OWN_TABLES = (
    "a step may not touch handrail's own tables.", "It may put rows into handrail.set_aside, and nothing else.",
)  # fmt: skip
WHO = ("role", "session_authorization")

OUTSIDE = {
    "TransactionStmt": ("a step may not begin or end a transaction.", LEAVE_OUT),
    "VacuumStmt": ("this cannot run inside a transaction.", ONLINE),
    "CreatedbStmt": ("this cannot run inside a transaction.", "Make the database by hand."),
    "DropdbStmt": ("this cannot run inside a transaction.", "Drop the database by hand."),
    "CreateTableSpaceStmt": ("this cannot run inside a transaction.", "Make the tablespace by hand."),
    "DropTableSpaceStmt": ("this cannot run inside a transaction.", "Drop the tablespace by hand."),
    "AlterSystemStmt": ("a step may not change the server's settings.", "A person does that, in a manual step."),
    "DiscardStmt": ("a step may not reset the session.", "handrail puts it back after each step."),
    "LoadStmt": ("a step may not load a library.", "A person does that, in a manual step."),
    "ListenStmt": ("a step may not listen.", "Leave it out: the session lasts longer than the step."),
    "PrepareStmt": ("a step may not prepare statements.", "Leave it out: the session lasts longer than the step."),
}


def refusal(node: Any) -> tuple[str, str] | None:
    """Why a parsed statement is refused, and what to do; None where it may stand."""
    kind = type(node).__name__
    if kind == "VacuumStmt" and not node.is_vacuumcmd:
        return None  # the grammar has one node for both; ANALYZE may stand in a transaction
    if kind in OUTSIDE:
        return OUTSIDE[kind]
    if kind == "CopyStmt" and (node.is_program or node.filename is None):
        return ("COPY may not read from a client or run a program here.", "Put the rows into INSERT, or into a file.")
    if kind == "VariableSetStmt":
        return _setting(node)
    return next((found for call in _calls(node) if (found := _called(*call))), None)


def _setting(node: Any) -> tuple[str, str] | None:
    name, kind = (node.name or "").lower(), node.kind.name
    if name in WHO:
        return ("a step may not change the role.", "It runs as the login that runs handrail.")
    if name in OURS:
        return (
            f"a step may not set {name}.",
            "The plan's keys lock_timeout and downtime say how long others may wait.",
        )
    if name == "search_path" and any(_word(one) == "handrail" for one in node.args or ()):
        return OWN_TABLES
    if kind == "VAR_SET_MULTI":
        return None  # SET TRANSACTION
    if kind.startswith("VAR_RESET") or not node.is_local:
        return (f"a plain SET or RESET of {name or 'all'} outlives the step.", "Write SET LOCAL.")
    return None


def _word(constant: Any) -> str:
    return str(getattr(getattr(constant, "val", None), "sval", "")).lower()


def _called(name: str, first: str | None) -> tuple[str, str] | None:
    if name == "pg_advisory_unlock_all":
        return ("a step may not let go of all locks: one of them is handrail's.", "Let go of those that it took.")
    if name == "set_config" and first in WHO:
        return ("a step may not change the role.", "It runs as the login that runs handrail.")
    if name == "set_config" and first in OURS:
        return (
            f"a step may not set {first}.",
            "The plan's keys lock_timeout and downtime say how long others may wait.",
        )
    return None


def _calls(node: Any) -> list[tuple[str, str | None]]:
    """Each function that the statement calls, with its first argument where that is a string."""
    from pglast.visitors import Visitor

    calls: list[tuple[str, str | None]] = []

    class Calls(Visitor):
        def visit_FuncCall(self, _ancestors: Any, call: Any) -> None:  # noqa: N802 - the grammar's word
            first = getattr(getattr(call.args[0] if call.args else None, "val", None), "sval", None)
            calls.append((call.funcname[-1].sval, first.lower() if first else None))

    Calls()(node)
    return calls
