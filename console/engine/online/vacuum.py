"""VACUUM: there is nothing to look for, and it is simply sent again."""

from __future__ import annotations

from typing import Any

from console.engine.online.act import Act
from console.engine.online.site import Site
from console.engine.statements import switched_on


class Vacuum(Act):
    @staticmethod
    def reads(node: Any) -> bool:
        return type(node).__name__ == "VacuumStmt" and node.is_vacuumcmd

    def require(self) -> None:
        if switched_on(self.node.options, "full"):
            self.refuse("VACUUM FULL locks everybody out while it copies the table; it is not online.")

    def bring_about(self, site: Site, other: Act | None) -> None:
        site.send(self.statement.sql)
