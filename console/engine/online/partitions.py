"""ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY, finished where it was interrupted; its way back is ATTACH.

DETACH leaves a CHECK on the partition that says its bounds. ATTACH reads it instead of the rows, and then drops it
where the journal says that it was not there before.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from console.engine.online.act import Act, quoted, relation
from console.engine.online.constraints import altered
from console.engine.online.site import Site
from console.engine.statements import send

PENDING = text(
    "SELECT inhdetachpending FROM pg_inherits WHERE inhparent = to_regclass(:parent) AND inhrelid = to_regclass(:child)"
)
CHECKS = text("SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:child) AND contype = 'c' ORDER BY 1")
BOUNDS = text(
    """
    SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(:child) AND contype = 'c' AND conislocal
      AND pg_get_expr(conbin, conrelid) = pg_get_partition_constraintdef(conrelid)
    """
)
EXIST = text("SELECT to_regclass(:parent) IS NOT NULL AND to_regclass(:child) IS NOT NULL")


class Partition(Act):
    @property
    def names(self) -> dict[str, str]:
        return {"parent": relation(self.node.relation), "child": relation(self.node.cmds[0].def_.name)}

    def finalize(self, site: Site) -> None:
        """Gets a partition out that is half out; it waits for old snapshots while it keeps everybody from it."""
        parent, child = self.names.values()

        def finish(connection: Connection) -> None:
            send(connection, f"ALTER TABLE {parent} DETACH PARTITION {child} FINALIZE")

        site.change(finish)
        site.has_mended(child)


class Detachment(Partition):
    @staticmethod
    def reads(node: Any) -> bool:
        return altered(node, "AT_DetachPartition") and node.cmds[0].def_.concurrent

    @property
    def takes_back(self) -> tuple[type[Act], tuple[str, ...]]:
        return Attachment, tuple(self.names.values())

    def bring_about(self, site: Site, other: Act | None) -> None:
        with site.looking() as connection:
            pending = connection.execute(PENDING, self.names).scalar()
            there = connection.execute(EXIST, self.names).scalar()
            checks = connection.execute(CHECKS, self.names).scalars().all()
        if pending:
            self.finalize(site)
        elif pending is False or not there:
            site.work.keep(checks={**site.work.kept().get("checks", {}), self.names["child"]: list(checks)})
            site.send(self.statement.sql)


class Attachment(Partition):
    """In a transaction that is tried again: it takes the strongest lock on the partition (I-8)."""

    @staticmethod
    def reads(node: Any) -> bool:
        return altered(node, "AT_AttachPartition")

    @property
    def takes_back(self) -> tuple[type[Act], tuple[str, ...]]:
        return Detachment, tuple(self.names.values())

    def bring_about(self, site: Site, other: Act | None) -> None:
        with site.looking() as connection:
            pending = connection.execute(PENDING, self.names).scalar()
        if pending is False:
            return
        if pending:
            self.finalize(site)
        before = site.work.kept().get("checks", {}).get(self.names["child"])

        def attach(connection: Connection) -> None:
            send(connection, self.statement.sql)
            self._drop_bounds(connection, before)

        site.change(attach)

    def _drop_bounds(self, connection: Connection, before: list[str] | None) -> None:
        """Drops the CHECK that DETACH left; none where the journal does not know what was there before it."""
        added = connection.execute(BOUNDS, self.names).scalars().all() if before is not None else []
        for name in set(added) - set(before or ()):
            send(connection, f"ALTER TABLE {self.names['child']} DROP CONSTRAINT {quoted(name)}")
