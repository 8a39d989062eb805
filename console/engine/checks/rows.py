"""rows-preserved, content-preserved, no-orphans: nothing lost, nothing changed, nothing left hanging.

Content is compared by count and checksum first; only where these differ are the rows looked for by key.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.engine.checks.common import SHOWN_ROWS, Asking, Check, Found
from db.wording import counted

Relation = str


class RowsPreserved(Check):
    kind: Literal["rows-preserved"]
    before: Relation
    after: Relation
    key: str

    def query(self) -> str:
        return (
            f"SELECT before.{self.key} FROM {self.before} AS before WHERE NOT EXISTS "
            f"(SELECT 1 FROM {self.after} AS after WHERE after.{self.key} = before.{self.key})"
        )

    def measure(self, asking: Asking) -> Found:
        wanted = asking.one(f"SELECT count(*) FROM {asking.filled(self.before)}")
        missing = asking.one(f"SELECT count(*) FROM ({asking.filled(self.query())}) AS missing")
        rows = asking.rows(f"{asking.filled(self.query())} LIMIT {SHOWN_ROWS}") if missing else []
        return Found(counted(wanted, "row"), counted(wanted - missing, "row"), missing == 0, rows)


class ContentPreserved(Check):
    """`unless` is SQL over the aliases before and after: a row for which it is true may differ."""

    kind: Literal["content-preserved"]
    before: Relation
    after: Relation
    key: str
    columns: list[str] = Field(min_length=1)
    unless: str | None = None

    def query(self) -> str:
        changed = " OR ".join(f"before.{c} IS DISTINCT FROM after.{c}" for c in self.columns)
        shown = ", ".join(f"before.{c} AS {c}_before, after.{c} AS {c}_after" for c in self.columns)
        return (
            f"SELECT before.{self.key}, {shown} FROM {self.before} AS before "
            f"JOIN {self.after} AS after ON after.{self.key} = before.{self.key} "
            f"WHERE ({changed}){f' AND NOT coalesce({self.unless}, false)' if self.unless else ''}"
        )

    def measure(self, asking: Asking) -> Found:
        if self.unless is None and self._sums_equal(asking):
            return Found("equal", "equal", True)
        differing = asking.one(f"SELECT count(*) FROM ({asking.filled(self.query())}) AS differing")
        rows = asking.rows(f"{asking.filled(self.query())} LIMIT {SHOWN_ROWS}") if differing else []
        found = f"{counted(differing, 'row differs', 'rows differ')}" if differing else "equal"
        return Found("equal", found, differing == 0, [_only_changed(row, self.key) for row in rows])

    def _sums_equal(self, asking: Asking) -> bool:
        """Whether count and checksum of the compared columns agree over the keys that both have."""
        columns = ", ".join((self.key, *self.columns))
        one = "count(*), sum(hashtextextended(ROW(" + columns + ")::text, 0)::numeric)"
        pair = [
            asking.connection.exec_driver_sql(
                f"SELECT {one} FROM {asking.filled(mine)} WHERE {self.key} IN "
                f"(SELECT {self.key} FROM {asking.filled(other)})"
            ).one()
            for mine, other in ((self.before, self.after), (self.after, self.before))
        ]
        return bool(pair[0] == pair[1])


class NoOrphans(Check):
    kind: Literal["no-orphans"]
    table: Relation
    column: str
    parent: Relation
    parent_key: str = "id"

    def query(self) -> str:
        return (
            f"SELECT child.* FROM {self.table} AS child WHERE child.{self.column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {self.parent} AS parent WHERE parent.{self.parent_key} = child.{self.column})"
        )

    def measure(self, asking: Asking) -> Found:
        orphans = asking.one(f"SELECT count(*) FROM ({asking.filled(self.query())}) AS orphans")
        rows = asking.rows(f"{asking.filled(self.query())} LIMIT {SHOWN_ROWS}") if orphans else []
        return Found("no orphans", counted(orphans, "orphan"), orphans == 0, rows)


def _only_changed(row: dict[str, object], key: str) -> dict[str, object]:
    """The key and the columns that differ; twenty equal ones beside them hide the difference."""
    names = [name.removesuffix("_before") for name in row if name.endswith("_before")]
    kept = [name for name in names if row[f"{name}_before"] != row[f"{name}_after"]]
    return {
        key: row[key],
        **{f"{n}_{side}": row[f"{n}_{side}"] for n in kept for side in ("before", "after")},
    }
