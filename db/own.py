"""What handrail itself keeps in a target, which is no part of what the target looks like: fragments of SQL.

Its schemas; and what the search index puts on a table that it follows: triggers, a policy, the right to read.
"""

from __future__ import annotations

SCHEMAS_APART = "nspname NOT IN ('handrail', 'handrail_search', 'information_schema') AND nspname NOT LIKE 'pg\\_%'"
TRIGGERS_APART = "t.tgname NOT LIKE 'handrail\\_search\\_%'"
POLICIES_APART = "p.polname <> 'handrail_search_read'"


def rights_apart(column: str, kind: str, owner: str) -> str:
    """An access list as text without handrail's roles; as before they were named in it."""
    return f"""CASE WHEN {column}::text LIKE '%handrail\\_%'
           THEN nullif(ARRAY(SELECT one FROM unnest({column}) AS one WHERE one::text NOT LIKE 'handrail\\_%')::text,
                       acldefault({kind}, {owner})::text)
           ELSE {column}::text END"""


RELATION_RIGHTS = rights_apart("relacl", """CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END""", "relowner")
SCHEMA_RIGHTS = rights_apart("nspacl", "'n'", "nspowner")
