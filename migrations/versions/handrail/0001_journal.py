"""The journal: target, run, step_run, verdict, event, set_aside."""

from __future__ import annotations

from alembic import op

revision = "handrail_0001"
down_revision = None

TABLES = """
CREATE TABLE handrail.target (
    name        text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,40}$'),
    -- this database and no other, whatever host and name it is reached by
    identity    uuid NOT NULL DEFAULT gen_random_uuid(),
    prepared_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- a database is one target, not two
CREATE UNIQUE INDEX target_one_row ON handrail.target ((true));

CREATE TABLE handrail.run (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan            text NOT NULL,
    title           text NOT NULL,
    plan_text       text NOT NULL,
    sources         jsonb NOT NULL,
    digest          text NOT NULL,
    parameters      jsonb NOT NULL,
    state           text NOT NULL DEFAULT 'paused' CHECK (state IN
                        ('running', 'paused', 'failed', 'done', 'rolling back', 'rolled back')),
    goal            text,
    pause_requested boolean NOT NULL DEFAULT false,
    fingerprint     jsonb NOT NULL,
    started_by      text NOT NULL DEFAULT session_user,
    started_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at        timestamptz
);
-- two consoles cannot have two runs open on one target, whatever their code believes (FM-C2)
CREATE UNIQUE INDEX run_one_open ON handrail.run ((true)) WHERE state NOT IN ('done', 'rolled back');

CREATE TABLE handrail.step_run (
    run_id   bigint NOT NULL REFERENCES handrail.run,
    position integer NOT NULL,
    step     text NOT NULL,
    phase    text NOT NULL,
    kind     text NOT NULL,
    title    text NOT NULL,
    estimate double precision,
    state    text NOT NULL DEFAULT 'waiting' CHECK (state IN
                 ('waiting', 'running', 'done', 'failed', 'stopped', 'undoing', 'undone')),
    attempts integer NOT NULL DEFAULT 0,
    pid      integer,
    began_at timestamptz,
    ended_at timestamptz,
    seconds  double precision,
    progress jsonb NOT NULL DEFAULT '{}',
    error    text,
    PRIMARY KEY (run_id, position),
    UNIQUE (run_id, step)
);
-- one step of a run is under way at a time
CREATE UNIQUE INDEX step_run_one_under_way ON handrail.step_run (run_id) WHERE state IN ('running', 'undoing');

CREATE TABLE handrail.verdict (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      bigint NOT NULL,
    checkpoint  text NOT NULL,
    measurement integer NOT NULL,
    position    integer NOT NULL,
    check_id    text NOT NULL,
    title       text NOT NULL,
    kind        text NOT NULL,
    passed      boolean NOT NULL,
    expected    text NOT NULL,
    found       text NOT NULL,
    rows        jsonb NOT NULL,
    query       text NOT NULL,
    seconds     double precision NOT NULL,
    measured_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (run_id, checkpoint, measurement, check_id),
    FOREIGN KEY (run_id, checkpoint) REFERENCES handrail.step_run (run_id, step)
);

CREATE TABLE handrail.event (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id   bigint REFERENCES handrail.run,
    step     text,
    kind     text NOT NULL,
    detail   jsonb NOT NULL DEFAULT '{}',
    by_login text NOT NULL DEFAULT session_user,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX event_of_run ON handrail.event (run_id, id);

CREATE TABLE handrail.set_aside (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id bigint NOT NULL REFERENCES handrail.run,
    step   text NOT NULL,
    source text NOT NULL,
    row    jsonb NOT NULL,
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""

APPEND_ONLY = """
CREATE FUNCTION handrail.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
REVOKE EXECUTE ON FUNCTION handrail.refuse_change() FROM PUBLIC;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON handrail.event
    FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
CREATE TRIGGER verdict_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON handrail.verdict
    FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(APPEND_ONLY)


def downgrade() -> None:
    op.execute(
        "DROP TABLE handrail.set_aside, handrail.event, handrail.verdict, handrail.step_run, handrail.run,"
        " handrail.target"
    )
    op.execute("DROP FUNCTION handrail.refuse_change()")
