"""A column is kept as it was written last, also where a trigger of the application's writes the row once more.

Such a write is told before the one that it follows. What is put over the later telling is therefore only what was
written since, in that deeper trigger, and not what had been kept of the row before: that is older than both.

And tables without a key say how a row is named to a subscriber: else, where a publication takes in all tables (FOR ALL
TABLES), PostgreSQL refuses to change them, and no run could take the fence.
"""

from __future__ import annotations

import runpy
from pathlib import Path

from alembic import op

revision = "handrail_0008"
down_revision = "handrail_0007"

KEYLESS = ("fence", "head")
BEFORE = runpy.run_path(str(Path(__file__).with_name("0007_capture.py")))["CAPTURE"]
KEPT = """\
            wrote = CASE WHEN stale AND c.xmin = us AND c.depth > deep THEN excluded.wrote || c.wrote
                    ELSE coalesce(c.wrote, '{}') || excluded.wrote END,
            depth = deep;
"""
# `since`: what was written to the row in the last transaction, as deep as the last write or deeper
IN_TURN = """\
            wrote = coalesce(c.wrote, '{}') || excluded.wrote
                    || CASE WHEN stale AND c.xmin = us AND c.depth > deep THEN coalesce(c.since, '{}') ELSE '{}' END,
            since = CASE WHEN c.xmin = us AND c.depth > deep THEN excluded.wrote || coalesce(c.since, '{}')
                    WHEN c.xmin = us AND c.depth = deep THEN coalesce(c.since, '{}') || excluded.wrote
                    ELSE excluded.wrote END,
            depth = deep;
"""
# and where the row goes or comes, nothing has been written to it since
MADE_SO = (
    (KEPT, IN_TURN),
    ("key, born, wrote, whole, depth)\n        SELECT", "key, born, wrote, whole, depth, since)\n        SELECT"),
    ("false, deep\n        FROM", "false, deep, jsonb_object_agg(e.key, e.value)\n        FROM"),
    ("wrote = NULL, whole = false, depth = deep;", "wrote = NULL, whole = false, depth = deep, since = NULL;"),
    ("c.depth > deep,\n            depth = deep;", "c.depth > deep,\n            depth = deep, since = NULL;"),
)


def upgrade() -> None:
    op.execute("ALTER TABLE handrail.captured ADD since jsonb")
    made = _capture(BEFORE)
    for was, becomes in MADE_SO:
        made = made.replace(was, becomes)
    op.execute(made)
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail.{table} REPLICA IDENTITY FULL")


def downgrade() -> None:
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail.{table} REPLICA IDENTITY DEFAULT")
    op.execute(_capture(BEFORE))
    op.execute("ALTER TABLE handrail.captured DROP since")


def _capture(functions: str) -> str:
    """The one of them that keeps what others write, in place of what is there."""
    start, end = (
        functions.index("CREATE FUNCTION handrail.capture()"),
        functions.index("CREATE FUNCTION handrail.refuse"),
    )
    return functions[start:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
