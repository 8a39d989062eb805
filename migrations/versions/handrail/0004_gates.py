"""Gates: what a run waits for, the evidence that is signed, and the sign-offs (I-6). The next revision is their law."""

from __future__ import annotations

from alembic import op

revision = "handrail_0004"
down_revision = "handrail_0003"

TABLES = """
ALTER TABLE handrail.step_run ADD irreversible boolean NOT NULL DEFAULT false;

CREATE TABLE handrail.gate (
    run_id     bigint NOT NULL REFERENCES handrail.run,
    gate       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('checkpoint', 'decision')),
    title      text NOT NULL,
    -- what stands after this position waits for it
    position   integer NOT NULL CHECK (position >= 0),
    roles      text[] NOT NULL CHECK (cardinality(roles) > 0),
    needed     integer NOT NULL CHECK (needed BETWEEN 1 AND cardinality(roles)),
    -- so many people more before a step that cannot be undone
    more       integer NOT NULL DEFAULT 0 CHECK (more >= 0),
    lasts      interval NOT NULL CHECK (lasts > interval '0' AND lasts <= interval '3660 days'),
    -- due so long after it was measured; a decision so long after the one that it follows was approved, or after the
    -- run began
    within     interval CHECK (within > interval '0' AND within <= interval '3660 days'),
    follows    text,
    -- a reject sends the work back to this one
    returns_to text,
    PRIMARY KEY (run_id, gate),
    FOREIGN KEY (run_id, follows) REFERENCES handrail.gate,
    FOREIGN KEY (run_id, returns_to) REFERENCES handrail.gate
);

CREATE TABLE handrail.answer (
    run_id      bigint NOT NULL,
    decision    text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    answers     jsonb NOT NULL CHECK (jsonb_typeof(answers) = 'object'),
    answered_by text NOT NULL DEFAULT session_user,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, decision, version),
    FOREIGN KEY (run_id, decision) REFERENCES handrail.gate (run_id, gate)
);

-- One row a measurement, be the checkpoint a gate or not; for a decision one a version of its answers. Everything but
-- its key is the database's own word.
CREATE TABLE handrail.evidence (
    run_id      bigint NOT NULL,
    gate        text NOT NULL,
    measurement integer NOT NULL,
    digest      text NOT NULL,
    -- the plan and the answers under which it was measured: others make it void
    basis       text NOT NULL,
    passed      boolean NOT NULL,
    plan_digest text NOT NULL,
    starter     text NOT NULL,
    asked_by    text NOT NULL,
    sealer      text NOT NULL,
    sealed_by   text NOT NULL DEFAULT session_user,
    sealed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, gate, measurement),
    UNIQUE (run_id, gate, measurement, digest, passed, starter, asked_by, sealer),
    FOREIGN KEY (run_id, plan_digest, starter, asked_by) REFERENCES handrail.run (id, digest, starter, asked_by)
);

CREATE TABLE handrail.sign_off (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id      bigint NOT NULL,
    gate        text NOT NULL,
    measurement integer NOT NULL,
    digest      text NOT NULL,
    passed      boolean NOT NULL,
    starter     text NOT NULL,
    asked_by    text NOT NULL,
    sealer      text NOT NULL,
    login       text NOT NULL DEFAULT session_user,
    person      text NOT NULL,
    role        text NOT NULL,
    decision    text NOT NULL CHECK (decision IN ('approve', 'reject')),
    reason      text NOT NULL DEFAULT '',
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT sign_off_evidence FOREIGN KEY
        (run_id, gate, measurement, digest, passed, starter, asked_by, sealer) REFERENCES handrail.evidence
        (run_id, gate, measurement, digest, passed, starter, asked_by, sealer),
    CONSTRAINT sign_off_gate FOREIGN KEY (run_id, gate) REFERENCES handrail.gate,
    CONSTRAINT sign_off_person FOREIGN KEY (login, person) REFERENCES handrail.operator (login, person),
    CONSTRAINT sign_off_role_held FOREIGN KEY (person, role) REFERENCES handrail.sign_off_role,
    CONSTRAINT sign_off_of_another CHECK (decision = 'reject' OR person NOT IN (starter, asked_by, sealer)),
    CONSTRAINT sign_off_of_what_passed CHECK (decision = 'reject' OR passed),
    CONSTRAINT sign_off_reason CHECK (decision = 'approve' OR length(btrim(reason)) > 2),
    -- one person counts once, with whatever login and role
    CONSTRAINT sign_off_once UNIQUE (run_id, gate, measurement, person, decision)
);

CREATE TABLE handrail.break_glass (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id        bigint NOT NULL,
    gate          text NOT NULL,
    measurement   integer NOT NULL,
    login         text NOT NULL DEFAULT session_user,
    person        text NOT NULL DEFAULT handrail.me(),
    reason        text NOT NULL,
    why_not_wait  text NOT NULL,
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (id, person),
    FOREIGN KEY (run_id, gate) REFERENCES handrail.gate,
    FOREIGN KEY (run_id, gate, measurement) REFERENCES handrail.evidence,
    CONSTRAINT break_glass_two_reasons CHECK (
        length(btrim(reason)) > 9 AND length(btrim(why_not_wait)) > 9
        AND lower(btrim(reason)) <> lower(btrim(why_not_wait)))
);

CREATE TABLE handrail.acknowledgement (
    break_glass_id bigint PRIMARY KEY,
    breaker        text NOT NULL,
    login          text NOT NULL DEFAULT session_user,
    person         text NOT NULL DEFAULT handrail.me(),
    note           text NOT NULL CHECK (btrim(note) <> ''),
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (break_glass_id, breaker) REFERENCES handrail.break_glass (id, person),
    CONSTRAINT acknowledgement_of_another CHECK (person <> breaker)
);
"""

DIGESTS = """
-- A value with its length before it, so that no two lists of values read the same.
CREATE FUNCTION handrail.part(value text) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce(length(value) || ':' || value, '-') $$;

CREATE FUNCTION handrail.digest_of(value text) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT encode(sha256(convert_to(value, 'UTF8')), 'hex') $$;

-- What a gate's evidence rests on: the plan, and for a checkpoint the newest answers to every decision that had been
-- answered when it was sealed. A first answer after that voids nothing; another one does.
CREATE FUNCTION handrail.basis(run bigint, kind text, sealed timestamptz) RETURNS text LANGUAGE sql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT handrail.digest_of(r.digest || coalesce((
        SELECT string_agg(handrail.part(a.decision) || a.version || handrail.part(a.answers::text), ''
                          ORDER BY a.decision COLLATE "C")
        FROM handrail.answer a WHERE a.run_id = r.id AND $2 <> 'decision'
        AND a.version = (SELECT max(b.version) FROM handrail.answer b
                         WHERE b.run_id = a.run_id AND b.decision = a.decision HAVING min(b.answered_at) <= $3)), ''))
    FROM handrail.run r WHERE r.id = $1
$$;

CREATE FUNCTION handrail.content(run bigint, gate text, measurement integer) RETURNS text LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT handrail.part($1::text) || handrail.part($2) || handrail.part($3::text) || coalesce(
        (SELECT string_agg(handrail.part(v.check_id) || handrail.part(v.kind) || handrail.part(v.title)
                           || handrail.part(v.passed::text) || handrail.part(v.expected) || handrail.part(v.found)
                           || handrail.part(v.rows::text) || handrail.part(v.query), ''
                           ORDER BY v.position, v.check_id COLLATE "C")
         FROM handrail.verdict v WHERE v.run_id = $1 AND v.checkpoint = $2 AND v.measurement = $3),
        (SELECT handrail.part(a.answers::text) FROM handrail.answer a JOIN handrail.gate g
             ON g.run_id = a.run_id AND g.gate = a.decision AND g.kind = 'decision'
         WHERE a.run_id = $1 AND a.decision = $2 AND a.version = $3))
$$;
REVOKE EXECUTE ON FUNCTION handrail.part(text), handrail.digest_of(text), handrail.basis(bigint, text, timestamptz),
    handrail.content(bigint, text, integer) FROM PUBLIC;
"""

STATUS = """
-- How every gate stands. The screens and the law read the same words.
CREATE VIEW handrail.gate_status AS
SELECT g.run_id, g.gate, g.kind, g.title, g.position, g.roles, g.needed, g.more, g.lasts, g.follows, g.returns_to,
       e.measurement, e.digest, e.sealer, e.sealed_at, e.passed, s.signed, s.people, s.fresh_people, s.until,
       s.rejected_by, due.at AS due_at,
       CASE WHEN e.measurement IS NULL THEN 'not measured'
            WHEN e.basis <> handrail.basis(g.run_id, g.kind, e.sealed_at) THEN 'void'
            WHEN s.rejected_by IS NOT NULL THEN 'rejected'
            WHEN EXISTS (SELECT FROM handrail.gate o JOIN handrail.sign_off r USING (run_id, gate)
                         WHERE o.run_id = g.run_id AND o.returns_to = g.gate AND o.gate <> g.gate
                         AND r.decision = 'reject' AND r.at > e.sealed_at) THEN 'returned'
            WHEN EXISTS (SELECT FROM handrail.break_glass b WHERE b.run_id = g.run_id AND b.gate = g.gate
                         AND b.measurement = e.measurement AND b.at + g.lasts > clock_timestamp()) THEN 'glass broken'
            WHEN cardinality(s.fresh) >= g.needed THEN 'signed'
            WHEN cardinality(s.signed) >= g.needed THEN 'expired'
            ELSE 'waits' END AS state
FROM handrail.gate g
JOIN handrail.run u ON u.id = g.run_id
LEFT JOIN LATERAL (SELECT * FROM handrail.evidence e WHERE e.run_id = g.run_id AND e.gate = g.gate
                   ORDER BY e.measurement DESC LIMIT 1) e ON true
LEFT JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT o.role) FILTER (WHERE o.holds), '{}') AS signed,
           coalesce(array_agg(DISTINCT o.role) FILTER (WHERE o.holds AND o.fresh), '{}') AS fresh,
           count(DISTINCT o.person) FILTER (WHERE o.holds) AS people,
           count(DISTINCT o.person) FILTER (WHERE o.holds AND o.fresh) AS fresh_people,
           min(o.until) FILTER (WHERE o.holds) AS until,
           min(o.person) FILTER (WHERE o.decision = 'reject') AS rejected_by
    FROM (SELECT s.person, s.role, s.decision, s.at + g.lasts AS until, s.at + g.lasts > clock_timestamp() AS fresh,
                 s.decision = 'approve' AND p.removed_at IS NULL AND NOT p.shared
                 AND h.removed_at IS NULL AS holds
          FROM handrail.sign_off s JOIN handrail.operator p USING (login)
          JOIN handrail.sign_off_role h ON h.person = s.person AND h.role = s.role
          WHERE s.run_id = g.run_id AND s.gate = g.gate AND s.measurement = e.measurement) o
) s ON true
LEFT JOIN LATERAL (
    SELECT g.within + CASE WHEN g.kind = 'checkpoint' THEN e.sealed_at WHEN g.follows IS NULL THEN u.started_at ELSE
        -- when the one before it had its last approval that was needed
        (SELECT s.at FROM handrail.sign_off s
         WHERE s.run_id = g.run_id AND s.gate = g.follows AND s.decision = 'approve'
         AND s.measurement = (SELECT max(b.measurement) FROM handrail.evidence b
                              WHERE b.run_id = g.run_id AND b.gate = g.follows)
         ORDER BY s.at OFFSET (SELECT f.needed - 1 FROM handrail.gate f
                               WHERE f.run_id = g.run_id AND f.gate = g.follows) LIMIT 1) END AS at
) due ON true;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(DIGESTS)
    op.execute(STATUS)


def downgrade() -> None:
    op.execute("DROP VIEW handrail.gate_status")
    op.execute("DROP TABLE handrail.acknowledgement, handrail.break_glass, handrail.sign_off, handrail.evidence,"
               " handrail.answer, handrail.gate")  # fmt: skip
    for function in ("content(bigint, text, integer)", "basis(bigint, text, timestamptz)", "digest_of(text)",
                     "part(text)"):  # fmt: skip
        op.execute(f"DROP FUNCTION handrail.{function}")
    op.execute("ALTER TABLE handrail.step_run DROP irreversible")
