"""What handrail itself keeps in a target, which is no part of what the target looks like: fragments of SQL.

Its schemas; what the search index puts on a table that it follows: triggers, a policy, the right to read; and the
triggers that capture what others write.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

SCHEMAS_APART = "nspname NOT IN ('handrail', 'handrail_search', 'information_schema') AND nspname NOT LIKE 'pg\\_%'"
# by what they do, not by their names alone: nobody hides behind a name
TRIGGERS_APART = """NOT (t.tgname LIKE 'handrail\\_search\\_%' AND t.tgfoid IN
     (SELECT oid FROM pg_proc WHERE pronamespace = to_regnamespace('handrail_search'))
     OR t.tgname LIKE '!handrail\\_capture\\_%' AND t.tgfoid IN
     (SELECT oid FROM pg_proc WHERE pronamespace = to_regnamespace('handrail')))"""
POLICIES_APART = """NOT (p.polname = 'handrail_search_read' AND (SELECT bool_and(
     pg_get_userbyid(whose) IN ('handrail_owner', 'handrail_finder')) FROM unnest(p.polroles) AS whose))"""


def rights_apart(column: str, kind: str, owner: str) -> str:
    """An access list as text without handrail's roles; as before they were named in it."""
    return f"""CASE WHEN {column}::text LIKE '%handrail\\_%'
           THEN nullif(ARRAY(SELECT one FROM unnest({column}) AS one WHERE one::text NOT LIKE 'handrail\\_%')::text,
                       acldefault({kind}, {owner})::text)
           ELSE {column}::text END"""


RELATION_RIGHTS = rights_apart("relacl", """CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END""", "relowner")
SCHEMA_RIGHTS = rights_apart("nspacl", "'n'", "nspowner")

# to_regclass() fails where one may not enter the schema
READABLE = text(
    """
    SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = ANY (:tables) AND has_schema_privilege(n.oid, 'USAGE')
      AND has_table_privilege(c.oid, 'SELECT')
    """
)


def readable(session: Session, schema: str, *tables: str) -> bool:
    """Whether these tables are there, all of them, and this login may read them."""
    found: int = session.scalars(READABLE, {"schema": schema, "tables": list(tables)}).one()
    return found == len(tables)
