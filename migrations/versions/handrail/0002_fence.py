"""The fence: who may change the target now (I-4). Beside it, what a run must find as it left it."""

from __future__ import annotations

from alembic import op

revision = "handrail_0002"
down_revision = "handrail_0001"

UP = """
-- One row. Whoever takes the target raises the epoch; every transaction of an executor holds the row FOR SHARE and
-- ends where the epoch is no longer its own. The advisory lock alone is no fence: a step can let it go (F68).
CREATE TABLE handrail.fence (
    epoch             bigint NOT NULL DEFAULT 0,
    pid               integer,
    login             text,
    taken_at          timestamptz,
    -- of the server where it was last taken; another one means a failover or a restore (FM-B2)
    system_identifier bigint,
    timeline          integer
);
CREATE UNIQUE INDEX fence_one_row ON handrail.fence ((true));
INSERT INTO handrail.fence DEFAULT VALUES;

-- The objects of the database as the last step left them, and the position of that step: what differs when the next
-- one begins was changed by somebody else (FM-C11). Null where nothing is known.
ALTER TABLE handrail.run ADD objects jsonb, ADD objects_after integer;

-- Whether what a step does is in the database: an undo that failed or was stopped has not taken it back.
ALTER TABLE handrail.step_run ADD stands boolean NOT NULL DEFAULT false;
UPDATE handrail.step_run SET stands = true WHERE state IN ('done', 'undoing');

ALTER TABLE handrail.step_run DROP CONSTRAINT step_run_state_check, ADD CONSTRAINT step_run_state_check CHECK
    (state IN ('waiting', 'running', 'done', 'failed', 'stopped', 'skipped', 'undoing', 'undone'));
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute("UPDATE handrail.step_run SET state = 'done' WHERE state = 'skipped'")
    op.execute("ALTER TABLE handrail.step_run DROP CONSTRAINT step_run_state_check")
    op.execute(
        "ALTER TABLE handrail.step_run ADD CONSTRAINT step_run_state_check CHECK"
        " (state IN ('waiting', 'running', 'done', 'failed', 'stopped', 'undoing', 'undone'))"
    )
    op.execute("ALTER TABLE handrail.step_run DROP stands")
    op.execute("ALTER TABLE handrail.run DROP objects, DROP objects_after")
    op.execute("DROP TABLE handrail.fence")
