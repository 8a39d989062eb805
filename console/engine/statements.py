"""SQL text, read by PostgreSQL's own grammar (pglast) before a word of it reaches a server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import DBAPIError

from console.engine.errors import PlanError
from console.engine.refusals import ONLINE, OWN_TABLES, refusal
from console.engine.standing import Standing
from db.errors import StatementFailed
from db.translation import translate

STAND_INS = {"run_date": "19700101", "run_id": "1"}
ANSWER = "'?'"  # stands in for a value that a decision gives
LONGEST_NAME = 63  # bytes; what follows is cut
PARAMETER = re.compile(r"\{\{\s*([a-z_][a-z0-9_]*)\s*\}\}")


@dataclass(frozen=True)
class Statement:
    """`line` counts from 1 in the text that it was split from; `kind` is the grammar's word, such as IndexStmt."""

    sql: str
    line: int
    kind: str
    concurrently: bool
    node: Any = field(compare=False, repr=False)


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


def stood_in(sql: str) -> str:
    """The text of a plan with something in the place of each parameter, so that it can be parsed before a run."""
    return PARAMETER.sub(lambda found: STAND_INS.get(found[1], ANSWER), sql)


def statements_of(sql: str) -> list[Statement]:
    """The statements of a text as it stands in a plan, with its parameters still open and its names checked."""
    sql = stood_in(sql)
    statements = split(sql)
    require_short_names(sql)
    return statements


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
        before = sql[:begin] + text[: len(text) - len(uncommented(text))]
        kind = type(one.stmt).__name__
        if kind == "VacuumStmt" and not getattr(one.stmt, "is_vacuumcmd", True):
            kind = "AnalyzeStmt"  # the grammar has one node for both; ANALYZE may stand in a transaction
        statements.append(Statement(text.strip(), before.count("\n") + 1, kind, _concurrently(one.stmt), one.stmt))
    return statements


def require_short_names(sql: str) -> None:
    """Refuses a name that PostgreSQL would cut, and so take for another, with its line (FM-D11)."""
    from pglast.parser import scan

    for token in scan(sql):
        name = sql[token.start : token.end + 1]
        if token.name == "IDENT" and name.startswith('"'):
            name = name[1:-1].replace('""', '"')
        if token.name in ("IDENT", "UIDENT") and len(name.encode()) > LONGEST_NAME:
            raise PlanError(
                f"line {sql.count(chr(10), 0, token.start) + 1}: the name {name!r} has over {LONGEST_NAME} bytes.",
                "PostgreSQL would cut it without a word: give a shorter one.",
            )


def require_transactional(sql: str) -> None:
    """Refuses what would end or escape our transaction or our session (FM-D1 to FM-D6), with its line."""
    for statement in statements_of(sql):
        found = refusal(statement.node)
        if found is None and statement.concurrently:
            found = ("this cannot run inside a transaction.", ONLINE)
        if found is not None:
            raise PlanError(f"line {statement.line}: {found[0]}", found[1])
    _require_hands_off(stood_in(sql))


def _require_hands_off(sql: str) -> None:
    """Refuses a step that names handrail's own tables, but for the one that it may put rows into."""
    from pglast.parser import scan

    tokens = scan(sql)
    words = [sql[token.start : token.end + 1].strip('"') for token in tokens]
    for place, token in enumerate(tokens):
        if token.name == "IDENT" and words[place] == "handrail" and words[place + 1 : place + 3] != [".", "set_aside"]:
            raise PlanError(f"line {sql.count(chr(10), 0, token.start) + 1}: {OWN_TABLES[0]}", OWN_TABLES[1])


def execute(connection: Connection, sql: str, place: str) -> int:
    """Sends each statement on its own, in an open transaction; returns the rows met by the last.

    An error names the place and the line; so does the end of our transaction, or another role, after a statement.
    """
    met = 0
    standing = Standing.of(connection)
    for statement in split(sql):
        where = f"{place} line {statement.line}"
        try:
            met = send(connection, statement.sql).rowcount
        except DBAPIError as error:
            raise located(error, where) from error
        standing.require(connection, where)
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


def uncommented(sql: str) -> str:
    """The text from its first word on."""
    return re.sub(r"\A(\s+|--[^\n]*(\n|\Z)|/\*.*?\*/)*", "", sql, flags=re.S)


def _concurrently(node: Any) -> bool:
    """Whether the statement says CONCURRENTLY, wherever the grammar puts the word."""
    if getattr(node, "concurrent", False):
        return True
    if any(getattr(command.def_, "concurrent", False) for command in getattr(node, "cmds", None) or ()):
        return True
    return type(node).__name__ == "ReindexStmt" and switched_on(node.params, "concurrently")


def switched_on(options: Any, name: str) -> bool:
    """Whether a statement's option stands there and is not off, as in REINDEX (CONCURRENTLY) and VACUUM (FULL off)."""
    found = [option.arg for option in options or () if option.defname == name]
    value = found[-1] if found else None
    said = str(getattr(value, "sval", getattr(value, "ival", getattr(value, "boolval", "on")))).lower()
    return bool(found) and said not in ("off", "false", "0")
