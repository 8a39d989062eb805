"""Tables without a key are written also where a publication takes in all tables (FOR ALL TABLES).

PostgreSQL refuses to change a published row that it could not name to a subscriber: no run could take the fence.
"""

from __future__ import annotations

from alembic import op

revision = "handrail_0008"
down_revision = "handrail_0007"

KEYLESS = ("fence", "head")


def upgrade() -> None:
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail.{table} REPLICA IDENTITY FULL")


def downgrade() -> None:
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail.{table} REPLICA IDENTITY DEFAULT")
