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

# `since`: what was written to the row in the last transaction, as deep as the last write or deeper; nothing where the
# row went or came
CAPTURE = """
CREATE OR REPLACE FUNCTION handrail.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- a value has one text, whoever writes it (db/session.py)
    SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
    SET bytea_output = 'hex' AS $$
DECLARE
    of_run CONSTANT bigint := TG_ARGV[0];
    named CONSTANT text := TG_ARGV[1];
    keys CONSTANT text[] := TG_ARGV[2:];
    before CONSTANT jsonb := to_jsonb(OLD);
    after CONSTANT jsonb := to_jsonb(NEW);
    left_key text[] := '{}';
    new_key text[] := '{}';
    part text;
    us CONSTANT xid := pg_current_xact_id()::xid;
    deep CONSTANT smallint := pg_trigger_depth();
    -- a trigger of theirs, for another row of this statement, may have changed the row once more: if what is kept of it
    -- was written in this transaction and deeper, it has said so already
    stale CONSTANT boolean := CASE TG_OP WHEN 'DELETE' THEN false ELSE NEW.xmax = us END;
BEGIN
    FOREACH part IN ARRAY keys LOOP
        left_key := left_key || (before ->> part);
        new_key := new_key || (after ->> part);
    END LOOP;
    IF TG_OP = 'UPDATE' AND left_key = new_key THEN
        INSERT INTO handrail.captured AS c (run_id, capture, key, born, wrote, whole, depth, since)
        SELECT of_run, named, new_key, false, jsonb_object_agg(e.key, e.value), false, deep,
               jsonb_object_agg(e.key, e.value)
        FROM jsonb_each(after) AS e WHERE e.value IS DISTINCT FROM before -> e.key HAVING count(*) > 0
        ON CONFLICT (run_id, capture, key) DO UPDATE SET
            wrote = coalesce(c.wrote, '{}') || excluded.wrote
                    || CASE WHEN stale AND c.xmin = us AND c.depth > deep THEN coalesce(c.since, '{}') ELSE '{}' END,
            since = CASE WHEN c.xmin = us AND c.depth > deep THEN excluded.wrote || coalesce(c.since, '{}')
                    WHEN c.xmin = us AND c.depth = deep THEN coalesce(c.since, '{}') || excluded.wrote
                    ELSE excluded.wrote END,
            depth = deep;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO handrail.captured (run_id, capture, key, born, wrote, whole, depth)
        VALUES (of_run, named, left_key, false, NULL, false, deep)
        ON CONFLICT (run_id, capture, key) DO UPDATE SET wrote = NULL, whole = false, depth = deep, since = NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO handrail.captured AS c (run_id, capture, key, born, wrote, whole, depth)
        VALUES (of_run, named, new_key, true, after, true, deep)
        ON CONFLICT (run_id, capture, key) DO UPDATE SET
            wrote = CASE WHEN stale AND c.xmin = us AND c.depth > deep THEN excluded.wrote || c.wrote
                    ELSE excluded.wrote END,
            whole = NOT (stale AND c.xmin = us AND c.depth > deep AND c.wrote IS NULL),
            born = c.born OR stale AND c.xmin = us AND c.depth > deep,
            depth = deep, since = NULL;
    END IF;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute("ALTER TABLE handrail.captured ADD since jsonb")
    op.execute(CAPTURE)
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail.{table} REPLICA IDENTITY FULL")


def downgrade() -> None:
    for table in KEYLESS:
        op.execute(f"ALTER TABLE handrail.{table} REPLICA IDENTITY DEFAULT")
    before = runpy.run_path(str(Path(__file__).with_name("0007_capture.py")))["CAPTURE"]
    start, end = before.index("CREATE FUNCTION handrail.capture()"), before.index("CREATE FUNCTION handrail.refuse")
    op.execute(before[start:end].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute("ALTER TABLE handrail.captured DROP since")
