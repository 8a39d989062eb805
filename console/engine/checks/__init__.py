"""The kinds of check, and the measuring of a whole checkpoint."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from console.engine.checks.access import AccessMatrix
from console.engine.checks.catalog import ForeignKeysValid, IndexValid, RowSecurity
from console.engine.checks.common import Asking, Check, Found
from console.engine.checks.dump import BackupVerified
from console.engine.checks.replay import Replay
from console.engine.checks.rows import ContentPreserved, NoOrphans, RowsPreserved
from console.engine.checks.sql import SqlCheck
from db.errors import StatementCancelled, StatementFailed
from db.models import Verdict
from db.translation import translate

AnyCheck = Annotated[
    SqlCheck | RowsPreserved | ContentPreserved | NoOrphans | ForeignKeysValid | IndexValid | RowSecurity
    | AccessMatrix | Replay | BackupVerified,
    Field(discriminator="kind"),
]  # fmt: skip


KINDS: tuple[type[Check], ...] = (
    SqlCheck, RowsPreserved, ContentPreserved, NoOrphans, ForeignKeysValid, IndexValid, RowSecurity, AccessMatrix,
    Replay, BackupVerified,
)  # fmt: skip


def measured(check: Check, position: int, asking: Asking) -> Verdict:
    """One verdict. A check that cannot be asked has not passed; only a lost connection stops the measuring."""
    began = time.monotonic()
    try:
        with _only_looking(asking.connection):
            found = check.measure(asking)
    except DBAPIError as error:
        said = translate(error.orig) if hasattr(error.orig, "diag") else error  # type: ignore[arg-type]
        if not isinstance(said, StatementFailed) or isinstance(said, StatementCancelled):
            raise
        found = Found("an answer", f"could not be asked: {said.message}", False)
    return Verdict(
        position=position,
        check=check.id,
        title=check.title,
        kind=check.kind,  # type: ignore[attr-defined]
        passed=found.passed,
        expected=found.expected,
        found=found.found,
        rows=found.rows,
        query=asking.filled(check.query()),
        seconds=round(time.monotonic() - began, 3),
    )


@contextmanager
def _only_looking(connection: Connection) -> Iterator[None]:
    """A transaction of one snapshot that is always rolled back."""
    with connection.begin() as transaction:
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        try:
            yield
        finally:
            transaction.rollback()


__all__ = ["KINDS", "AnyCheck", "Asking", "Check", "measured"]
