"""ALTER TABLE ... VALIDATE CONSTRAINT, apart from the ALTER TABLE that adds it, whose lock it would keep (F12)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from console.engine.online.act import Act, relation
from console.engine.online.site import Site

VALIDATED = text("SELECT convalidated FROM pg_constraint WHERE conrelid = to_regclass(:table) AND conname = :name")


class Validation(Act):
    @staticmethod
    def reads(node: Any) -> bool:
        return altered(node, "AT_ValidateConstraint")

    def bring_about(self, site: Site, other: Act | None) -> None:
        values = {"table": relation(self.node.relation), "name": self.node.cmds[0].name}
        with site.looking() as connection:
            validated = connection.execute(VALIDATED, values).scalar()
        if not validated:
            site.send(self.statement.sql)


def altered(node: Any, command: str) -> bool:
    """Whether a node is an ALTER TABLE of one command, which is this one."""
    return (
        type(node).__name__ == "AlterTableStmt"
        and node.objtype.name == "OBJECT_TABLE"
        and len(node.cmds) == 1
        and node.cmds[0].subtype.name == command
    )
