"""Errors, named for what the person can do about them.

HandrailError                    one line that says what is wrong, a hint that says what to do
├── ConnectionFailed       (7)   no server, wrong password, wrong database, too old
│   ├── ServerNotStarted         the embedded server did not come up
│   ├── SessionEnded             somebody, or a server that shuts down, ended the session
│   └── CommitInDoubt            the connection was lost while COMMIT was under way
├── ToolMissing            (2)   a program of PostgreSQL is not installed
├── NotPrepared            (2)   the target has no schema `handrail`
├── RightMissing           (6)   the login may not do this
├── GateClosed             (3)   sign-offs are missing, rejected, old or void
├── EvidenceStale          (6)   what was to be signed has been measured again, or is void
├── RunFinished            (6)   the run's point of no return is behind it
├── NotIndexed             (2)   the clients of the target are not indexed yet
├── ClientUnknown          (2)   there is no such client, or this login may not see it
├── ReasonMissing          (2)   a clear value was asked for without saying why
└── StatementFailed        (1)   the server refused a statement
    ├── LockNotGranted           somebody else holds the lock
    └── StatementCancelled       a person or a timeout stopped it

The number is the exit code of the command line (design.md section 8).
"""

from __future__ import annotations

from typing import ClassVar


class HandrailError(Exception):
    """What went wrong in one line, and what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}  {self.hint}" if self.hint else self.message


class ConnectionFailed(HandrailError):
    exit_code = 7


class ServerNotStarted(ConnectionFailed):
    pass


class SessionEnded(ConnectionFailed):
    pass


class CommitInDoubt(ConnectionFailed):
    """`xid` is the transaction, by which the server can be asked later (pg_xact_status); empty where not known."""

    xid = ""


class ToolMissing(HandrailError):
    exit_code = 2


class NotPrepared(HandrailError):
    exit_code = 2


class RightMissing(HandrailError):
    exit_code = 6


class NotIndexed(HandrailError):
    exit_code = 2


class ClientUnknown(HandrailError):
    exit_code = 2


class ReasonMissing(HandrailError):
    exit_code = 2


class GateClosed(HandrailError):
    exit_code = 3


class EvidenceStale(HandrailError):
    exit_code = 6


class RunFinished(HandrailError):
    exit_code = 6


class StatementFailed(HandrailError):
    """`sqlstate`, `position` (1-based character in the statement) and `constraint` are the server's, where it told."""

    def __init__(
        self, message: str, hint: str = "", *, sqlstate: str = "", position: int | None = None, constraint: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.sqlstate = sqlstate
        self.position = position
        self.constraint = constraint


class LockNotGranted(StatementFailed):
    pass


class StatementCancelled(StatementFailed):
    pass
