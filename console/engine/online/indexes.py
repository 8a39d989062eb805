"""CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY, known by name and definition (F5, F10, FM-A3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from console.engine.online import definition
from console.engine.online.act import Act, quoted, relation
from console.engine.online.site import Site

# An index lies in its table's schema, so CREATE INDEX names the table and DROP INDEX the index.
BESIDE_TABLE = text(
    """
    SELECT oid FROM pg_class
    WHERE relname = :name AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass(:table))
    """
)
OID = text("SELECT to_regclass(:name)::oid")
INDEX = text(
    """
    SELECT i.indexrelid, i.indrelid, i.indisvalid AND i.indisready AND i.indislive, pg_get_indexdef(i.indexrelid),
           n.nspname, c.relname
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indexrelid = :oid
    """
)


@dataclass(frozen=True)
class Index:
    """As the catalog has it. `valid`: it may be used, and is kept up to date."""

    oid: int
    table: int
    valid: bool
    definition: str
    schema: str
    name: str

    @property
    def drop(self) -> str:
        return f"DROP INDEX CONCURRENTLY {quoted(self.schema, self.name)}"


class Creation(Act):
    @staticmethod
    def reads(node: Any) -> bool:
        return type(node).__name__ == "IndexStmt" and node.concurrent

    @property
    def takes_back(self) -> tuple[type[Act], tuple[str, ...]]:
        return Removal, tuple(part for part in (self.node.relation.schemaname, self.node.idxname) if part)

    def require(self) -> None:
        if self.node.if_not_exists:
            refuse_if(self)
        if not self.node.idxname:
            self.refuse("give the index a name, so that it can be found again.")

    def bring_about(self, site: Site, other: Act | None) -> None:
        while True:
            with site.looking() as connection:
                values = {"name": self.node.idxname, "table": relation(self.node.relation)}
                index = known(connection, connection.execute(BESIDE_TABLE, values).scalar())
                same = index is None or self.built(connection, index)
            if index is None:
                site.send(self.statement.sql)
                return
            if not same:
                site.another(index.name, index.definition, "Rename it or drop it, or mend the plan; then resume.")
                return
            if index.valid:
                return
            if not site.waited(index.table, [index.oid]):
                site.drop(index.name, index.drop)

    def built(self, connection: Connection, index: Index) -> bool:
        """Whether the index is what this statement builds."""
        table = connection.execute(OID, {"name": relation(self.node.relation)}).scalar()
        return table == index.table and definition.equal(connection, index.oid, self.statement.sql, self.node)


class Removal(Act):
    @staticmethod
    def reads(node: Any) -> bool:
        return type(node).__name__ == "DropStmt" and node.concurrent and node.removeType.name == "OBJECT_INDEX"

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part.sval for part in self.node.objects[0])

    @property
    def takes_back(self) -> tuple[type[Act], tuple[str, ...]]:
        return Creation, self.parts

    def require(self) -> None:
        if self.node.missing_ok:
            refuse_if(self)
        if len(self.node.objects) > 1:
            self.refuse("DROP INDEX CONCURRENTLY takes one index.", "Give each a statement of its own.")

    def bring_about(self, site: Site, other: Act | None) -> None:
        while True:
            with site.looking() as connection:
                index = known(connection, connection.execute(OID, {"name": quoted(*self.parts)}).scalar())
                same = index is None or not isinstance(other, Creation) or other.built(connection, index)
            if index is None:
                return
            if not same:
                site.another(index.name, index.definition, "The plan's undo could not give it back: mend the undo.")
                return
            if index.valid:
                site.send(self.statement.sql)
                return
            if not site.waited(index.table, [index.oid]):
                site.drop(index.name, index.drop)


def known(connection: Connection, oid: int | None) -> Index | None:
    found = connection.execute(INDEX, {"oid": oid}).first() if oid is not None else None
    return Index(*found) if found else None


def refuse_if(act: Act) -> None:
    act.refuse("IF [NOT] EXISTS hides an invalid index.", "Leave it out: handrail looks at the catalog itself.")
