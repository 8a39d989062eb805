"""Tables without a key are written also where a publication takes in all tables (FOR ALL TABLES)."""

from __future__ import annotations

from alembic import op

revision = "search_0007"
down_revision = "search_0006"

KEYLESS = ("state", "token", "pending")


def upgrade() -> None:
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail_search.{table} REPLICA IDENTITY FULL")


def downgrade() -> None:
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail_search.{table} REPLICA IDENTITY DEFAULT")
