"""What an index is, in the server's own words, to be compared with what a plan says of it (F5, FM-D10)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from console.engine.errors import StepFailed
from console.engine.online.act import quoted, relation
from console.engine.statements import located, send
from db.errors import StatementFailed

# Columns by their text, not their number: a copy of a table has no dropped columns.
SHAPE = text(
    """
    SELECT m.amname, i.indisunique, i.indnullsnotdistinct, i.indimmediate, i.indisexclusion, i.indnkeyatts,
           i.indclass::text, i.indcollation::text, i.indoption::text,
           ARRAY(SELECT pg_get_indexdef(i.indexrelid, n, true) FROM generate_series(1, i.indnatts) n ORDER BY n),
           ARRAY(SELECT coalesce(attoptions::text, '') FROM pg_attribute WHERE attrelid = c.oid ORDER BY attnum),
           pg_get_expr(i.indpred, i.indrelid, true),
           ARRAY(SELECT unnest(c.reloptions) ORDER BY 1)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
    WHERE i.indexrelid = :index
    """
)


def equal(connection: Connection, index: int, statement: str, node: Any) -> bool:
    """Whether an index is as a CREATE INDEX would build it; inside a transaction that is rolled back."""
    name = quoted("pg_temp", node.relation.relname)
    try:
        send(connection, f"CREATE TEMP TABLE {quoted(node.relation.relname)} (LIKE {relation(node.relation)})")
        send(connection, beside(statement, node, name))
        built = connection.execute(text("SELECT to_regclass(:name)::oid"), {"name": quoted("pg_temp", node.idxname)})
        return shape(connection, index) == shape(connection, built.scalar_one())
    except DBAPIError as error:
        known = located(error, "CREATE INDEX beside it")
        if type(known) is not StatementFailed:
            raise known from error
        raise StepFailed(
            f"index {node.idxname} is there, and cannot be compared with the plan's: {known.message}",
            "Drop it or rename it, or mend the plan; then resume.",
        ) from error


def shape(connection: Connection, index: int) -> Row[Any]:
    return connection.execute(SHAPE, {"index": index}).one()


def beside(statement: str, node: Any, table: str) -> str:
    """The CREATE INDEX as written, but on another table and not online.

    Cut by the scanner's places and not printed from the tree: pglast 8 prints NULLS NOT DISTINCT behind WHERE.
    """
    from pglast.parser import scan

    tokens = [token for token in scan(statement) if token.name not in ("SQL_COMMENT", "C_COMMENT")]
    word = next(token for token in tokens if token.name == "CONCURRENTLY")
    place = next(number for number, token in enumerate(tokens) if token.start == node.relation.location)
    last = tokens[place + 2 * sum(1 for part in (node.relation.catalogname, node.relation.schemaname) if part)]
    begin = statement[: word.start] + statement[word.end + 1 : node.relation.location]
    return f"{begin}{table}{statement[last.end + 1 :]}"
