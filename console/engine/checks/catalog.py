"""foreign-keys-valid, index-valid, row-security: what the catalogs say of named objects."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.engine.checks.common import Asking, Check, Found
from db.wording import counted

Names = list[str]


class ForeignKeysValid(Check):
    """`constraints` are written table.constraint."""

    kind: Literal["foreign-keys-valid"]
    constraints: Names = Field(min_length=1)

    def query(self) -> str:
        return """SELECT wanted.name, CASE WHEN c.oid IS NULL THEN 'missing' ELSE 'not validated' END AS state
FROM unnest(CAST(:names AS text[])) AS wanted (name)
LEFT JOIN pg_constraint c ON c.contype = 'f' AND c.conname = regexp_replace(wanted.name, '^.*\\.', '')
     AND c.conrelid = to_regclass(regexp_replace(wanted.name, '\\.[^.]*$', ''))
WHERE c.oid IS NULL OR NOT c.convalidated"""

    def measure(self, asking: Asking) -> Found:
        return _all_but(asking, self.query(), self.constraints, "valid")


class IndexValid(Check):
    kind: Literal["index-valid"]
    indexes: Names = Field(min_length=1)

    def query(self) -> str:
        return """SELECT wanted.name, CASE WHEN i.indexrelid IS NULL THEN 'missing'
       WHEN NOT i.indisvalid THEN 'INVALID' ELSE 'not ready' END AS state
FROM unnest(CAST(:names AS text[])) AS wanted (name)
LEFT JOIN pg_index i ON i.indexrelid = to_regclass(wanted.name)
WHERE i.indexrelid IS NULL OR NOT (i.indisvalid AND i.indisready AND i.indislive)"""

    def measure(self, asking: Asking) -> Found:
        return _all_but(asking, self.query(), self.indexes, "valid")


class RowSecurity(Check):
    """Each table has row-level security on and forced (F32); each policy, written table.policy, is there."""

    kind: Literal["row-security"]
    tables: Names = Field(min_length=1)
    policies: Names = Field(default_factory=list)

    def query(self) -> str:
        return """SELECT wanted.name, CASE WHEN c.oid IS NULL THEN 'missing'
       WHEN NOT c.relrowsecurity THEN 'off' ELSE 'not forced' END AS state
FROM unnest(CAST(:names AS text[])) AS wanted (name) LEFT JOIN pg_class c ON c.oid = to_regclass(wanted.name)
WHERE c.oid IS NULL OR NOT (c.relrowsecurity AND c.relforcerowsecurity)"""

    def measure(self, asking: Asking) -> Found:
        tables = _all_but(asking, self.query(), self.tables, "on and forced")
        policies = _all_but(
            asking,
            """SELECT wanted.name, 'policy missing' AS state
FROM unnest(CAST(:names AS text[])) AS wanted (name) WHERE NOT EXISTS (
    SELECT 1 FROM pg_policy p WHERE p.polname = regexp_replace(wanted.name, '^.*\\.', '')
      AND p.polrelid = to_regclass(regexp_replace(wanted.name, '\\.[^.]*$', '')))""",
            self.policies,
            "present",
        )
        wanted = f"{counted(len(self.tables), 'table')}, {counted(len(self.policies), 'policy', 'policies')}"
        wrong = [*tables.rows, *policies.rows]
        return Found(wanted, "as expected" if not wrong else counted(len(wrong), "fault"), not wrong, wrong)


def _all_but(asking: Asking, query: str, names: Names, word: str) -> Found:
    """Passes when the query finds none of the wanted names at fault."""
    names = [asking.filled(name) for name in names]
    wrong = asking.rows(query, names=names)
    return Found(f"{len(names)} {word}", f"{len(names) - len(wrong)} {word}", not wrong, wrong)
