"""ALTER TYPE ... ADD VALUE. There is no DROP VALUE, and a transaction could not use the value that it adds (F17)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from console.engine.online.act import Act, quoted
from console.engine.online.site import Site

ADDED = text("SELECT 1 FROM pg_enum WHERE enumtypid = to_regtype(:type) AND enumlabel = :value")


class Addition(Act):
    @staticmethod
    def reads(node: Any) -> bool:
        return type(node).__name__ == "AlterEnumStmt" and node.oldVal is None

    def bring_about(self, site: Site, other: Act | None) -> None:
        name = quoted(*(part.sval for part in self.node.typeName))
        with site.looking() as connection:
            added = connection.execute(ADDED, {"type": name, "value": self.node.newVal}).first()
        if not added:
            site.send(self.statement.sql)
