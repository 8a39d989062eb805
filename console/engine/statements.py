"""SQL text, read by PostgreSQL's own grammar (pglast) before a word of it reaches a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from console.engine.errors import PlanError
from db.errors import StatementFailed
from db.translation import translate

STAND_INS = {"run_date": "19700101", "run_id": "1"}
PARAMETER = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")


@dataclass(frozen=True)
class Statement:
    """`line` counts from 1 in the text that it was split from; `kind` is the grammar's word, such as IndexStmt."""

    sql: str
    line: int
    kind: str
    concurrently: bool


def filled(sql: str, parameters: Mapping[str, str]) -> str:
    """The text with each {{name}} replaced; an unknown name is an error, never an empty string."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in parameters:
            raise PlanError(
                f"SQL names the parameter {found[1]!r}, which there is not.",
                f"There are: {', '.join(sorted(parameters))}",
            )
        return parameters[found[1]]

    return PARAMETER.sub(value, sql)


def statements_of(sql: str) -> list[Statement]:
    """The statements of a text as it stands in a plan, with its parameters still open."""
    return split(filled(sql, STAND_INS))


def split(sql: str) -> list[Statement]:
    """The statements of a text; raises PlanError with the line where the grammar ends."""
    from pglast.parser import ParseError, parse_sql

    try:
        raw = parse_sql(sql)
    except ParseError as error:
        place = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], int) else 0
        raise PlanError(f"line {sql.count(chr(10), 0, place) + 1}: {error.args[0]}") from None
    statements = []
    for one in raw:
        begin = one.stmt_location or 0
        text = sql[begin : begin + one.stmt_len if one.stmt_len else len(sql)]
        before = sql[:begin] + text[: len(text) - len(_uncommented(text))]
        kind = type(one.stmt).__name__
        if kind == "VacuumStmt" and not getattr(one.stmt, "is_vacuumcmd", True):
            kind = "AnalyzeStmt"  # the grammar has one node for both; ANALYZE may stand in a transaction
        statements.append(
            Statement(text.strip(), before.count("\n") + 1, kind, bool(getattr(one.stmt, "concurrent", False)))
        )
    return statements


def require_transactional(sql: str) -> None:
    """Refuses what would end or escape our transaction (FM-D1, FM-D6), with its line."""
    for statement in statements_of(sql):
        if statement.kind == "TransactionStmt":
            raise PlanError(
                f"line {statement.line}: a step may not begin or end a transaction.",
                "Leave it out: handrail commits the step with its journal row.",
            )
        if statement.concurrently or statement.kind in ("VacuumStmt", "CreatedbStmt", "DropdbStmt"):
            raise PlanError(
                f"line {statement.line}: this cannot run inside a transaction.",
                'An index is built or dropped online by a step of kind "concurrently".',
            )


def require_concurrent(sql: str) -> None:
    """Refuses everything but indexes built or dropped online, named and without IF (F5, FM-D10)."""
    statements = statements_of(sql)
    if not statements:
        raise PlanError("there is no statement here.")
    for statement in statements:
        if statement.kind not in ("IndexStmt", "DropStmt") or not statement.concurrently:
            raise PlanError(
                f"line {statement.line}: only CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY may stand here."
            )
        if re.search(r"(?i)\bIF\s+(NOT\s+)?EXISTS\b", statement.sql):
            raise PlanError(
                f"line {statement.line}: IF [NOT] EXISTS hides an invalid index.",
                "Leave it out: handrail looks at the catalog itself.",
            )
        index_name(statement)


def index_name(statement: Statement) -> str:
    """The index that a CREATE or DROP INDEX names, with its schema where one is written."""
    from pglast.parser import parse_sql

    node: Any = parse_sql(statement.sql)[0].stmt
    if statement.kind == "DropStmt":
        parts = [part.sval for part in node.objects[0]]
    elif node.idxname:
        parts = [part for part in (node.relation.schemaname, node.idxname) if part]
    else:
        raise PlanError(f"line {statement.line}: give the index a name, so that it can be found again.")
    return ".".join(parts)


def execute(connection: Connection, sql: str, place: str) -> int:
    """Sends each statement on its own; an error names the place and the line. Returns the rows met by the last."""
    met = 0
    for statement in split(sql):
        try:
            met = send(connection, statement.sql).rowcount
        except DBAPIError as error:
            raise located(error, f"{place} line {statement.line}") from error
    return met


def send(connection: Connection, sql: str) -> CursorResult[Any]:
    """One statement as written: a % in it is a %, not a parameter."""
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def located(error: DBAPIError, place: str) -> Exception:
    """The translated error with the place in front of its message."""
    from psycopg import Error

    if not isinstance(error.orig, Error):
        return error
    translated = translate(error.orig)
    if isinstance(translated, StatementFailed):
        translated.message = f"{place}: {translated.message}"
        translated.args = (translated.message,)
    return translated


def _uncommented(sql: str) -> str:
    """The text from its first word on."""
    return re.sub(r"\A(\s+|--[^\n]*(\n|\Z)|/\*.*?\*/)*", "", sql, flags=re.S)
