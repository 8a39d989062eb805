"""REINDEX INDEX and REINDEX TABLE, CONCURRENTLY. What an interrupted one left is dropped before it is sent (F10).

Whether a REINDEX was done cannot be seen; it is sent again, which only costs time.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import text

from console.engine.online.act import Act, relation
from console.engine.online.indexes import Index, known
from console.engine.online.site import Site
from console.engine.statements import LONGEST_NAME, switched_on

KINDS = ("REINDEX_OBJECT_INDEX", "REINDEX_OBJECT_TABLE")
LEFTOVER = re.compile(r"(.*)_cc(?:new|old)\d*")

# All indexes of the tables whose index, or indexes, it rebuilds; with those of partitions and of TOAST tables.
BESIDE = text(
    """
    WITH target AS (
        SELECT to_regclass(:name)::oid AS oid UNION SELECT relid FROM pg_partition_tree(to_regclass(:name))
    ), wide AS (
        SELECT oid FROM target UNION SELECT c.reltoastrelid FROM pg_class c JOIN target ON target.oid = c.oid
    ), rebuilt AS (
        SELECT indexrelid, indrelid FROM pg_index
        WHERE indexrelid IN (SELECT oid FROM target) OR indrelid IN (SELECT oid FROM wide)
    )
    SELECT c.oid, c.relname AS name, i.indisvalid AS valid, i.indexrelid IN (SELECT indexrelid FROM rebuilt) AS rebuilt
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid IN (SELECT indrelid FROM rebuilt) ORDER BY c.relname
    """
)


class Reindexing(Act):
    @staticmethod
    def reads(node: Any) -> bool:
        kind = type(node).__name__
        return kind == "ReindexStmt" and node.kind.name in KINDS and switched_on(node.params, "concurrently")

    def bring_about(self, site: Site, other: Act | None) -> None:
        while left := self._left(site):
            for table in {index.table for index in left}:
                if site.waited(table, [index.oid for index in left]):
                    break  # and look again: whoever built may have cleared away
            else:
                for index in left:
                    site.drop(index.name, index.drop)
        site.send(self.statement.sql)

    def _left(self, site: Site) -> list[Index]:
        """The invalid indexes that a REINDEX of the same left."""
        with site.looking() as connection:
            beside = connection.execute(BESIDE, {"name": relation(self.node.relation)}).all()
            names = [row.name for row in beside if row.rebuilt]
            left = [row.oid for row in beside if not row.valid and any(left_by(name, row.name) for name in names)]
            return [index for oid in left if (index := known(connection, oid))]


def left_by(name: str, leftover: str) -> bool:
    """Whether REINDEX names its copy of index `name` so: idx_ccnew, idx_ccold2; a long name is cut for it."""
    found = LEFTOVER.fullmatch(leftover)
    if found is None:
        return False
    cut = len(leftover.encode()) > LONGEST_NAME - 4  # a character has at most four bytes
    return found[1] == name or (cut and name.startswith(found[1]))
