"""What others write while a run can still be taken back, how it stood at its checkpoints, and its triggers' gauges.

A captured table has triggers that keep what others wrote: one row for each key, with the last value of each column
that they wrote, so that what is kept grows with the keys and not with the writes. The session that runs the
steps is known by its backend and its lock, which no setting of somebody else's can imitate.

Who is who is in the chain from here on, whenever they came: `audit verify` compares it.

HR005: the run is finished, and is not taken back. HR006: a captured table is not truncated.
"""

from __future__ import annotations

from alembic import op

revision = "handrail_0007"
down_revision = "handrail_0006"

TABLES = """
CREATE TABLE handrail.capture (
    run_id   bigint NOT NULL REFERENCES handrail.run,
    capture  text NOT NULL,
    -- the table, as to_regclass() reads it, and the columns of its key
    source   text NOT NULL,
    key      text[] NOT NULL CHECK (cardinality(key) > 0),
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, capture)
);

-- No reference to handrail.capture: it would be looked up at each write of the application's.
CREATE TABLE handrail.captured (
    run_id  bigint NOT NULL,
    capture text NOT NULL,
    key     text[] NOT NULL,
    -- the row did not exist when the capture began
    born    boolean NOT NULL,
    -- the last value of each column that others wrote, null for a row that they deleted; all columns where `whole`
    wrote   jsonb,
    whole   boolean NOT NULL,
    -- how many triggers deep it was written: 1 by a statement of theirs
    depth   smallint NOT NULL,
    gone    boolean GENERATED ALWAYS AS (wrote IS NULL) STORED,
    CHECK (wrote IS NOT NULL OR NOT whole),
    PRIMARY KEY (run_id, capture, key)
) WITH (fillfactor = 90);

-- How the schema stood at a checkpoint that passed: what a rollback that ends there is compared with.
CREATE TABLE handrail.landmark (
    run_id   bigint NOT NULL REFERENCES handrail.run,
    position integer NOT NULL,
    schema   jsonb NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, position)
);

-- How each trigger of a run stands, as its last sample found it. `samples` are the last ones, the newest last.
CREATE TABLE handrail.gauge (
    run_id   bigint NOT NULL REFERENCES handrail.run,
    trigger  text NOT NULL,
    armed    boolean NOT NULL,
    value    double precision,
    at_most  double precision NOT NULL,
    samples  double precision[] NOT NULL DEFAULT '{}',
    over     integer NOT NULL DEFAULT 0,
    said     text NOT NULL DEFAULT '',
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, trigger)
) WITH (fillfactor = 50);
"""

# the number is that of the lock of whoever drives (db/queries/activity.py)
OURS = """
CREATE FUNCTION handrail.is_driver() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM handrail.fence WHERE pid = pg_backend_pid())
       AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                   AND classid = 0 AND objid = 1918986604 AND objsubid = 1)
$$;
"""

# Who was born and has gone is remembered: a copy of ours may have the row, and an undo bring it back.
CAPTURE = """
-- For the WHEN of a trigger alone: as IMMUTABLE it is asked once for a statement, and not for each row.
CREATE FUNCTION handrail.is_other() RETURNS boolean LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NOT (EXISTS (SELECT FROM handrail.fence WHERE pid = pg_backend_pid()) AND handrail.is_driver());
END $$;

CREATE FUNCTION handrail.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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
        INSERT INTO handrail.captured AS c (run_id, capture, key, born, wrote, whole, depth)
        SELECT of_run, named, new_key, false, jsonb_object_agg(e.key, e.value), false, deep
        FROM jsonb_each(after) AS e WHERE e.value IS DISTINCT FROM before -> e.key HAVING count(*) > 0
        ON CONFLICT (run_id, capture, key) DO UPDATE SET
            wrote = CASE WHEN stale AND c.xmin = us AND c.depth > deep THEN excluded.wrote || c.wrote
                    ELSE coalesce(c.wrote, '{}') || excluded.wrote END,
            depth = deep;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO handrail.captured (run_id, capture, key, born, wrote, whole, depth)
        VALUES (of_run, named, left_key, false, NULL, false, deep)
        ON CONFLICT (run_id, capture, key) DO UPDATE SET wrote = NULL, whole = false, depth = deep;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO handrail.captured AS c (run_id, capture, key, born, wrote, whole, depth)
        VALUES (of_run, named, new_key, true, after, true, deep)
        ON CONFLICT (run_id, capture, key) DO UPDATE SET
            wrote = CASE WHEN stale AND c.xmin = us AND c.depth > deep THEN excluded.wrote || c.wrote
                    ELSE excluded.wrote END,
            whole = NOT (stale AND c.xmin = us AND c.depth > deep AND c.wrote IS NULL),
            born = c.born OR stale AND c.xmin = us AND c.depth > deep,
            depth = deep;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION handrail.refuse_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT handrail.is_driver() THEN
        RAISE EXCEPTION '%.% is not truncated while run % can be taken back', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]
            USING ERRCODE = 'HR006', HINT = 'Use DELETE: what it removes is kept for a rollback.';
    END IF;
    RETURN NULL;
END $$;
"""

LAW = """
CREATE FUNCTION handrail.require_not_finished() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_run bigint;
    back boolean;
BEGIN
    IF TG_TABLE_NAME = 'run' THEN
        of_run := NEW.id;
        back := NEW.state NOT IN ('running', 'done') AND NEW.state <> OLD.state;
    ELSE
        of_run := NEW.run_id;
        back := (NEW.state, NEW.stands) IS DISTINCT FROM (OLD.state, OLD.stands);
        IF OLD.kind = 'finish' AND NEW.stands AND NOT OLD.stands AND (OLD.state, NEW.state) <> ('running', 'done') THEN
            RAISE EXCEPTION 'run % is finished by its finish alone', of_run USING ERRCODE = 'HR005';
        END IF;
    END IF;
    IF back AND EXISTS (SELECT FROM handrail.step_run f WHERE f.run_id = of_run AND f.kind = 'finish' AND f.stands) THEN
        RAISE EXCEPTION 'run % is finished', of_run USING ERRCODE = 'HR005';
    END IF;
    RETURN NEW;
END $$;
"""
# Before there was a chain nobody said who is who: what stands there is said now, as it stands.
WHO = """
ALTER TABLE handrail.event DISABLE TRIGGER event_a_own_word;
INSERT INTO handrail.event (kind, detail)
SELECT 'person added', to_jsonb(p) - 'added_at' - 'added_by' FROM handrail.person p
WHERE NOT EXISTS (SELECT FROM handrail.event WHERE kind = 'person added' AND detail ->> 'id' = p.id)
UNION ALL
SELECT CASE WHEN o.removed_by IS NULL THEN 'login added' ELSE 'login removed' END,
       to_jsonb(o) - 'added_at' - 'added_by' - 'removed_at' FROM handrail.operator o
WHERE NOT EXISTS (SELECT FROM handrail.event WHERE kind LIKE 'login %' AND detail ->> 'login' = o.login)
UNION ALL
SELECT CASE WHEN r.removed_by IS NULL THEN 'role given' ELSE 'role removed' END,
       to_jsonb(r) - 'given_at' - 'given_by' - 'removed_at' FROM handrail.sign_off_role r
WHERE NOT EXISTS (SELECT FROM handrail.event WHERE kind LIKE 'role %'
                  AND (detail ->> 'person', detail ->> 'role') = (r.person, r.role));
ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_a_own_word;
"""
FUNCTIONS = ("is_driver()", "capture()", "refuse_truncate()", "require_not_finished()")
FINAL = {"run": "OF state", "step_run": "OF state, stands"}


def upgrade() -> None:
    for sql in (TABLES, OURS, CAPTURE, LAW, WHO):
        op.execute(sql)
    op.execute(f"REVOKE EXECUTE ON FUNCTION {', '.join(f'handrail.{name}' for name in FUNCTIONS)} FROM PUBLIC")
    for table, columns in FINAL.items():
        op.execute(
            f"CREATE TRIGGER {table}_not_finished BEFORE UPDATE {columns} ON handrail.{table}"
            " FOR EACH ROW EXECUTE FUNCTION handrail.require_not_finished()"
        )
        op.execute(f"ALTER TABLE handrail.{table} ENABLE ALWAYS TRIGGER {table}_not_finished")


def downgrade() -> None:
    for table in FINAL:
        op.execute(f"DROP TRIGGER {table}_not_finished ON handrail.{table}")
    for name in (*reversed(FUNCTIONS), "is_other()"):
        op.execute(f"DROP FUNCTION handrail.{name}")
    op.execute("DROP TABLE handrail.gauge, handrail.landmark, handrail.captured, handrail.capture")
