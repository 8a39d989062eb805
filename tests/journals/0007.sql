SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA handrail;
CREATE FUNCTION handrail.basis(run bigint, kind text, sealed timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT handrail.digest_of(r.digest || coalesce((
        SELECT string_agg(handrail.part(a.decision) || a.version || handrail.part(a.answers::text), ''
                          ORDER BY a.decision COLLATE "C")
        FROM handrail.answer a WHERE a.run_id = r.id AND $2 <> 'decision'
        AND a.version = (SELECT max(b.version) FROM handrail.answer b
                         WHERE b.run_id = a.run_id AND b.decision = a.decision HAVING min(b.answered_at) <= $3)), ''))
    FROM handrail.run r WHERE r.id = $1
$_$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE handrail.event (
    id bigint NOT NULL,
    run_id bigint,
    step text,
    kind text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    by_login text DEFAULT SESSION_USER NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT event_detail_check CHECK ((jsonb_typeof(detail) = 'object'::text))
);
CREATE FUNCTION handrail.canonical(said handrail.event) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT handrail.part($1.id::text) || handrail.part($1.run_id::text) || handrail.part($1.step)
        || handrail.part($1.kind) || handrail.part($1.detail::text) || handrail.part($1.by_login)
        || handrail.part((extract(epoch FROM $1.at) * 1000000)::bigint::text)
$_$;
CREATE FUNCTION handrail.capture() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET "IntervalStyle" TO 'postgres'
    SET extra_float_digits TO '1'
    SET bytea_output TO 'hex'
    AS $$
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
CREATE FUNCTION handrail.chain() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE last handrail.head;
BEGIN
    SELECT * INTO STRICT last FROM handrail.head FOR UPDATE;
    NEW.id := last.count + 1;
    NEW.by_login := session_user;
    NEW.at := clock_timestamp();
    NEW.hash := sha256(last.hash || convert_to(handrail.canonical(NEW), 'UTF8'));
    UPDATE handrail.head SET count = NEW.id, hash = NEW.hash;
    RETURN NEW;
END $$;
CREATE FUNCTION handrail.content(run bigint, gate text, measurement integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
    SELECT handrail.part($1::text) || handrail.part($2) || handrail.part($3::text) || coalesce(
        (SELECT string_agg(handrail.part(v.check_id) || handrail.part(v.kind) || handrail.part(v.title)
                           || handrail.part(v.passed::text) || handrail.part(v.expected) || handrail.part(v.found)
                           || handrail.part(v.rows::text) || handrail.part(v.query), ''
                           ORDER BY v.position, v.check_id COLLATE "C")
         FROM handrail.verdict v WHERE v.run_id = $1 AND v.checkpoint = $2 AND v.measurement = $3),
        (SELECT handrail.part(a.answers::text) FROM handrail.answer a JOIN handrail.gate g
             ON g.run_id = a.run_id AND g.gate = a.decision AND g.kind = 'decision'
         WHERE a.run_id = $1 AND a.decision = $2 AND a.version = $3))
$_$;
CREATE FUNCTION handrail.digest_of(value text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT encode(sha256(convert_to(value, 'UTF8')), 'hex') $$;
CREATE FUNCTION handrail.is_driver() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT EXISTS (SELECT FROM handrail.fence WHERE pid = pg_backend_pid())
       AND EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted
                   AND classid = 0 AND objid = 1918986604 AND objsubid = 1)
$$;
CREATE FUNCTION handrail.is_other() RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN NOT (EXISTS (SELECT FROM handrail.fence WHERE pid = pg_backend_pid()) AND handrail.is_driver());
END $$;
CREATE FUNCTION handrail.judge() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ BEGIN 
        NEW.login := session_user;
        NEW.at := clock_timestamp();
        IF current_setting('transaction_isolation') <> 'read committed' THEN
            RAISE EXCEPTION 'a sign-off is given in a transaction that sees what others commit' USING ERRCODE = 'HR003';
        END IF;
        -- in turn with the step that is just beginning: it sees this sign-off, or was there first (FM-C9)
        PERFORM FROM handrail.gate g WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate FOR UPDATE;
        IF NOT EXISTS (SELECT FROM handrail.gate_status g WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate
                       AND g.measurement = NEW.measurement AND g.state NOT IN ('void', 'returned')) THEN
            RAISE EXCEPTION 'measurement % of % is not the newest, or is void', NEW.measurement, NEW.gate
                USING ERRCODE = 'HR003';
        END IF;
        IF NOT EXISTS (SELECT FROM handrail.operator o WHERE o.login = NEW.login AND o.removed_at IS NULL
                       AND NOT o.shared) THEN
            RAISE EXCEPTION 'login % may not sign: it is nobody''s, removed or shared', NEW.login
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF NOT EXISTS (SELECT FROM handrail.sign_off_role h JOIN handrail.gate g ON h.role = ANY (g.roles)
                       WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate AND h.role = NEW.role
                       AND h.person = NEW.person AND h.removed_at IS NULL) THEN
            RAISE EXCEPTION '% does not hold the role %, or % does not ask for it', NEW.person, NEW.role, NEW.gate
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF NEW.decision = 'approve' AND NEW.person NOT IN (NEW.starter, NEW.asked_by, NEW.sealer)
           AND NEW.person IN (handrail.person_of(NEW.starter), handrail.person_of(NEW.asked_by),
                              handrail.person_of(NEW.sealer)) THEN
            RAISE EXCEPTION '% was named by a login when run % began, and does not sign it', NEW.person, NEW.run_id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        -- who is named in the evidence is refused by a constraint
        IF NEW.decision = 'approve' AND NEW.person NOT IN (NEW.starter, NEW.asked_by, NEW.sealer) AND EXISTS (
            SELECT FROM handrail.event e WHERE e.run_id = NEW.run_id AND e.kind IN ('step began', 'undo began')
            AND handrail.person_of(e.by_login) = NEW.person) THEN
            RAISE EXCEPTION '% has run steps of run %, and does not sign it', NEW.person, NEW.run_id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
         END $$;
CREATE FUNCTION handrail.me() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT handrail.person_of(session_user::text) $$;
CREATE FUNCTION handrail.part(value text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ SELECT coalesce(length(value) || ':' || value, '-') $$;
CREATE FUNCTION handrail.person_of(login text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$ SELECT coalesce((SELECT o.person FROM handrail.operator o WHERE o.login = $1), $1) $_$;
CREATE FUNCTION handrail.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION handrail.refuse_oneself() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF (NEW.person = handrail.me() OR TG_TABLE_NAME = 'operator' AND to_jsonb(NEW) ->> 'login' = session_user)
       AND NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RAISE EXCEPTION 'nobody gives a login or a sign-off role to themselves'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.removed_at IS NULL THEN
        NEW.removed_by := NULL;
    ELSE
        NEW.removed_by := session_user;
        NEW.removed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION handrail.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF NOT handrail.is_driver() THEN
        RAISE EXCEPTION '%.% is not truncated while run % can be taken back', TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_ARGV[0]
            USING ERRCODE = 'HR006', HINT = 'Use DELETE: what it removes is kept for a rollback.';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION handrail.require_gates() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ DECLARE closed record; BEGIN 
        IF NEW.state IN ('running', 'done', 'skipped') AND NOT (OLD.state = 'running' AND NEW.state = 'done')
           AND (NEW.state <> OLD.state OR NEW.attempts <> OLD.attempts) THEN
            IF current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE EXCEPTION 'a step begins in a transaction that sees what others commit' USING ERRCODE = 'HR001';
            END IF;
            PERFORM FROM handrail.gate g WHERE g.run_id = NEW.run_id AND g.position < NEW.position
                ORDER BY g.position, g.gate FOR SHARE;
            SELECT g.gate, g.state INTO closed FROM handrail.gate_status g
                WHERE g.run_id = NEW.run_id AND g.position < NEW.position AND g.state NOT IN ('signed', 'glass broken')
                -- what an older gate let through has begun; only the nearest of its kind is asked if it holds
                AND NOT (g.state = 'expired' AND g.position < (SELECT max(n.position) FROM handrail.gate n
                         WHERE n.run_id = NEW.run_id AND n.position < NEW.position AND n.kind = g.kind))
                ORDER BY g.position, g.gate LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'gate % is closed: %', closed.gate, closed.state USING ERRCODE = 'HR001';
            END IF;
            SELECT g.gate, g.needed + g.more - g.fresh_people AS missing INTO closed FROM handrail.gate_status g
                WHERE NEW.irreversible AND g.run_id = NEW.run_id AND g.position < NEW.position
                AND g.state <> 'glass broken' AND g.fresh_people < g.needed + g.more AND g.position =
                    (SELECT max(n.position) FROM handrail.gate n
                     WHERE n.run_id = NEW.run_id AND n.position < NEW.position AND n.kind = g.kind)
                ORDER BY g.gate LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION 'gate % is closed: % cannot be undone, and wants % more to sign', closed.gate, NEW.step,
                    closed.missing USING ERRCODE = 'HR001';
            END IF;
        END IF;
        RETURN NEW;
         END $$;
CREATE FUNCTION handrail.require_new_run() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ BEGIN 
        IF NOT EXISTS (SELECT FROM handrail.run r WHERE r.id = NEW.run_id AND r.xmin = pg_current_xact_id()::xid) THEN
            RAISE EXCEPTION 'run % has begun; it gets no gate now', NEW.run_id
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
         END $$;
CREATE FUNCTION handrail.require_not_finished() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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
CREATE FUNCTION handrail.require_own_word() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF (NEW.kind IN ('approved', 'rejected', 'glass broken', 'broken glass acknowledged', 'answered', 'person added',
                     'login added', 'login removed', 'role given', 'role removed', 'group given', 'group taken')
        OR NEW.kind <> 'sign-off tried' AND NOT has_table_privilege('handrail.fence', 'UPDATE'))
       AND current_user <> (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION 'an event of kind "%" is not this login''s to say', NEW.kind
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION handrail.require_unsealed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ BEGIN 
        IF EXISTS (SELECT FROM handrail.evidence e WHERE e.run_id = NEW.run_id AND e.gate = NEW.checkpoint
                   AND e.measurement = NEW.measurement) THEN
            RAISE EXCEPTION 'measurement % of % is sealed', NEW.measurement, NEW.checkpoint USING ERRCODE = 'HR004';
        END IF;
        RETURN NEW;
         END $$;
CREATE FUNCTION handrail.require_unused() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ BEGIN 
        PERFORM FROM handrail.gate g WHERE g.run_id = NEW.run_id AND g.gate = NEW.decision AND g.kind = 'decision'
            FOR UPDATE;
        IF NOT FOUND OR NEW.version <> (SELECT coalesce(max(a.version), 0) + 1 FROM handrail.answer a
                                        WHERE a.run_id = NEW.run_id AND a.decision = NEW.decision) THEN
            RAISE EXCEPTION '% is no decision, or % is not its next version', NEW.decision, NEW.version
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF EXISTS (SELECT FROM handrail.step_run s JOIN handrail.gate g USING (run_id)
                   WHERE s.run_id = NEW.run_id AND g.gate = NEW.decision AND s.position > g.position
                   AND s.state NOT IN ('waiting', 'undone')) THEN
            RAISE EXCEPTION 'steps that use the answers to % have begun', NEW.decision USING ERRCODE = 'HR002';
        END IF;
        RETURN NEW;
         END $$;
CREATE FUNCTION handrail.seal() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$ BEGIN 
        SELECT r.digest, r.starter, r.asked_by INTO STRICT NEW.plan_digest, NEW.starter, NEW.asked_by
            FROM handrail.run r WHERE r.id = NEW.run_id;
        IF NEW.measurement <= (SELECT max(e.measurement) FROM handrail.evidence e
                               WHERE e.run_id = NEW.run_id AND e.gate = NEW.gate) THEN
            RAISE EXCEPTION 'measurement % of % is sealed', NEW.measurement, NEW.gate USING ERRCODE = 'HR004';
        END IF;
        NEW.sealer := handrail.me();
        NEW.sealed_by := session_user;
        NEW.sealed_at := clock_timestamp();
        NEW.digest := handrail.digest_of(handrail.content(NEW.run_id, NEW.gate, NEW.measurement));
        NEW.basis := handrail.basis(NEW.run_id, CASE WHEN EXISTS (SELECT FROM handrail.gate g
            WHERE g.run_id = NEW.run_id AND g.gate = NEW.gate AND g.kind = 'decision') THEN 'decision' ELSE '' END,
            NEW.sealed_at);
        NEW.passed := NOT EXISTS (SELECT FROM handrail.verdict v WHERE v.run_id = NEW.run_id AND v.checkpoint = NEW.gate
                                  AND v.measurement = NEW.measurement AND NOT v.passed);
        RETURN NEW;
         END $$;
CREATE FUNCTION handrail.tell() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    said jsonb := to_jsonb(NEW) - ARRAY['at', 'added_at', 'given_at', 'answered_at', 'added_by', 'given_by',
                                        'removed_at', 'answered_by'];
BEGIN
    INSERT INTO handrail.event (run_id, step, kind, detail) VALUES (
        (said ->> 'run_id')::bigint, coalesce(said ->> 'gate', said ->> 'decision'),
        CASE TG_TABLE_NAME
            WHEN 'sign_off' THEN CASE said ->> 'decision' WHEN 'approve' THEN 'approved' ELSE 'rejected' END
            WHEN 'break_glass' THEN 'glass broken' WHEN 'acknowledgement' THEN 'broken glass acknowledged'
            WHEN 'answer' THEN 'answered' WHEN 'person' THEN 'person added'
            WHEN 'operator' THEN CASE WHEN said ->> 'removed_by' IS NULL THEN 'login added' ELSE 'login removed' END
            ELSE CASE WHEN said ->> 'removed_by' IS NULL THEN 'role given' ELSE 'role removed' END END,
        CASE TG_TABLE_NAME WHEN 'answer' THEN said - 'decision' ELSE said - 'gate' END - 'run_id'
        -- when it was signed decides when it ends; said in microseconds, which no time zone changes
        || CASE WHEN to_jsonb(NEW) ? 'at' THEN jsonb_build_object(
            'at', (extract(epoch FROM (to_jsonb(NEW) ->> 'at')::timestamptz) * 1000000)::bigint) ELSE '{}' END);
    PERFORM pg_notify('handrail', coalesce(said ->> 'run_id', ''));
    RETURN NULL;
END $$;
CREATE TABLE handrail.acknowledgement (
    break_glass_id bigint NOT NULL,
    breaker text NOT NULL,
    login text DEFAULT SESSION_USER NOT NULL,
    person text DEFAULT handrail.me() NOT NULL,
    note text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT acknowledgement_note_check CHECK ((btrim(note) <> ''::text)),
    CONSTRAINT acknowledgement_of_another CHECK ((person <> breaker))
);
CREATE TABLE handrail.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE handrail.answer (
    run_id bigint NOT NULL,
    decision text NOT NULL,
    version integer NOT NULL,
    answers jsonb NOT NULL,
    answered_by text DEFAULT SESSION_USER NOT NULL,
    answered_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT answer_answers_check CHECK ((jsonb_typeof(answers) = 'object'::text)),
    CONSTRAINT answer_version_check CHECK ((version > 0))
);
CREATE TABLE handrail.break_glass (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    gate text NOT NULL,
    measurement integer NOT NULL,
    login text DEFAULT SESSION_USER NOT NULL,
    person text DEFAULT handrail.me() NOT NULL,
    reason text NOT NULL,
    why_not_wait text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT break_glass_two_reasons CHECK (((length(btrim(reason)) > 9) AND (length(btrim(why_not_wait)) > 9) AND (lower(btrim(reason)) <> lower(btrim(why_not_wait)))))
);
ALTER TABLE handrail.break_glass ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME handrail.break_glass_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE handrail.capture (
    run_id bigint NOT NULL,
    capture text NOT NULL,
    source text NOT NULL,
    key text[] NOT NULL,
    began_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT capture_key_check CHECK ((cardinality(key) > 0))
);
CREATE TABLE handrail.captured (
    run_id bigint NOT NULL,
    capture text NOT NULL,
    key text[] NOT NULL,
    born boolean NOT NULL,
    wrote jsonb,
    whole boolean NOT NULL,
    depth smallint NOT NULL,
    gone boolean GENERATED ALWAYS AS ((wrote IS NULL)) STORED,
    CONSTRAINT captured_check CHECK (((wrote IS NOT NULL) OR (NOT whole)))
)
WITH (fillfactor='90');
CREATE TABLE handrail.evidence (
    run_id bigint NOT NULL,
    gate text NOT NULL,
    measurement integer NOT NULL,
    digest text NOT NULL,
    basis text NOT NULL,
    passed boolean NOT NULL,
    plan_digest text NOT NULL,
    starter text NOT NULL,
    asked_by text NOT NULL,
    sealer text NOT NULL,
    sealed_by text DEFAULT SESSION_USER NOT NULL,
    sealed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE handrail.fence (
    epoch bigint DEFAULT 0 NOT NULL,
    pid integer,
    login text,
    taken_at timestamp with time zone,
    system_identifier bigint,
    timeline integer
);
CREATE TABLE handrail.gate (
    run_id bigint NOT NULL,
    gate text NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    "position" integer NOT NULL,
    roles text[] NOT NULL,
    needed integer NOT NULL,
    more integer DEFAULT 0 NOT NULL,
    lasts interval NOT NULL,
    within interval,
    follows text,
    returns_to text,
    CONSTRAINT gate_check CHECK (((needed >= 1) AND (needed <= cardinality(roles)))),
    CONSTRAINT gate_kind_check CHECK ((kind = ANY (ARRAY['checkpoint'::text, 'decision'::text]))),
    CONSTRAINT gate_lasts_check CHECK (((lasts > '00:00:00'::interval) AND (lasts <= '3660 days'::interval))),
    CONSTRAINT gate_more_check CHECK ((more >= 0)),
    CONSTRAINT gate_position_check CHECK (("position" >= 0)),
    CONSTRAINT gate_roles_check CHECK ((cardinality(roles) > 0)),
    CONSTRAINT gate_within_check CHECK (((within > '00:00:00'::interval) AND (within <= '3660 days'::interval)))
);
CREATE TABLE handrail.operator (
    login text NOT NULL,
    person text NOT NULL,
    shared boolean DEFAULT false NOT NULL,
    added_by text DEFAULT SESSION_USER NOT NULL,
    added_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    removed_by text,
    removed_at timestamp with time zone,
    CONSTRAINT operator_check CHECK (((removed_by IS NULL) = (removed_at IS NULL)))
);
CREATE TABLE handrail.run (
    id bigint NOT NULL,
    plan text NOT NULL,
    title text NOT NULL,
    plan_text text NOT NULL,
    sources jsonb NOT NULL,
    digest text NOT NULL,
    parameters jsonb NOT NULL,
    state text DEFAULT 'paused'::text NOT NULL,
    goal text,
    pause_requested boolean DEFAULT false NOT NULL,
    fingerprint jsonb NOT NULL,
    started_by text DEFAULT SESSION_USER NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    objects jsonb,
    objects_after integer,
    starter text DEFAULT handrail.me() NOT NULL,
    asked_by text DEFAULT handrail.me() NOT NULL,
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['running'::text, 'paused'::text, 'failed'::text, 'done'::text, 'rolling back'::text, 'rolled back'::text])))
);
CREATE TABLE handrail.sign_off (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    gate text NOT NULL,
    measurement integer NOT NULL,
    digest text NOT NULL,
    passed boolean NOT NULL,
    starter text NOT NULL,
    asked_by text NOT NULL,
    sealer text NOT NULL,
    login text DEFAULT SESSION_USER NOT NULL,
    person text NOT NULL,
    role text NOT NULL,
    decision text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT sign_off_decision_check CHECK ((decision = ANY (ARRAY['approve'::text, 'reject'::text]))),
    CONSTRAINT sign_off_of_another CHECK (((decision = 'reject'::text) OR ((person <> starter) AND (person <> asked_by) AND (person <> sealer)))),
    CONSTRAINT sign_off_of_what_passed CHECK (((decision = 'reject'::text) OR passed)),
    CONSTRAINT sign_off_reason CHECK (((decision = 'approve'::text) OR (length(btrim(reason)) > 2)))
);
CREATE TABLE handrail.sign_off_role (
    person text NOT NULL,
    role text NOT NULL,
    given_by text DEFAULT SESSION_USER NOT NULL,
    given_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    removed_by text,
    removed_at timestamp with time zone,
    CONSTRAINT sign_off_role_check CHECK (((removed_by IS NULL) = (removed_at IS NULL))),
    CONSTRAINT sign_off_role_role_check CHECK ((role ~ '^[A-Za-z][A-Za-z ]{0,39}$'::text))
);
CREATE VIEW handrail.gate_status AS
 SELECT g.run_id,
    g.gate,
    g.kind,
    g.title,
    g."position",
    g.roles,
    g.needed,
    g.more,
    g.lasts,
    g.follows,
    g.returns_to,
    e.measurement,
    e.digest,
    e.sealer,
    e.sealed_at,
    e.passed,
    s.signed,
    s.people,
    s.fresh_people,
    s.until,
    s.rejected_by,
    due.at AS due_at,
        CASE
            WHEN (e.measurement IS NULL) THEN 'not measured'::text
            WHEN (e.basis <> handrail.basis(g.run_id, g.kind, e.sealed_at)) THEN 'void'::text
            WHEN (s.rejected_by IS NOT NULL) THEN 'rejected'::text
            WHEN (EXISTS ( SELECT
               FROM (handrail.gate o
                 JOIN handrail.sign_off r USING (run_id, gate))
              WHERE ((o.run_id = g.run_id) AND (o.returns_to = g.gate) AND (o.gate <> g.gate) AND (r.decision = 'reject'::text) AND (r.at > e.sealed_at)))) THEN 'returned'::text
            WHEN (EXISTS ( SELECT
               FROM handrail.break_glass b
              WHERE ((b.run_id = g.run_id) AND (b.gate = g.gate) AND (b.measurement = e.measurement) AND ((b.at + g.lasts) > clock_timestamp())))) THEN 'glass broken'::text
            WHEN (cardinality(s.fresh) >= g.needed) THEN 'signed'::text
            WHEN (cardinality(s.signed) >= g.needed) THEN 'expired'::text
            ELSE 'waits'::text
        END AS state
   FROM ((((handrail.gate g
     JOIN handrail.run u ON ((u.id = g.run_id)))
     LEFT JOIN LATERAL ( SELECT e_1.run_id,
            e_1.gate,
            e_1.measurement,
            e_1.digest,
            e_1.basis,
            e_1.passed,
            e_1.plan_digest,
            e_1.starter,
            e_1.asked_by,
            e_1.sealer,
            e_1.sealed_by,
            e_1.sealed_at
           FROM handrail.evidence e_1
          WHERE ((e_1.run_id = g.run_id) AND (e_1.gate = g.gate))
          ORDER BY e_1.measurement DESC
         LIMIT 1) e ON (true))
     LEFT JOIN LATERAL ( SELECT COALESCE(array_agg(DISTINCT o.role) FILTER (WHERE o.holds), '{}'::text[]) AS signed,
            COALESCE(array_agg(DISTINCT o.role) FILTER (WHERE (o.holds AND o.fresh)), '{}'::text[]) AS fresh,
            count(DISTINCT o.person) FILTER (WHERE o.holds) AS people,
            count(DISTINCT o.person) FILTER (WHERE (o.holds AND o.fresh)) AS fresh_people,
            min(o.until) FILTER (WHERE o.holds) AS until,
            min(o.person) FILTER (WHERE (o.decision = 'reject'::text)) AS rejected_by
           FROM ( SELECT s_1.person,
                    s_1.role,
                    s_1.decision,
                    (s_1.at + g.lasts) AS until,
                    ((s_1.at + g.lasts) > clock_timestamp()) AS fresh,
                    ((s_1.decision = 'approve'::text) AND (p.removed_at IS NULL) AND (NOT p.shared) AND (h.removed_at IS NULL)) AS holds
                   FROM ((handrail.sign_off s_1
                     JOIN handrail.operator p USING (login))
                     JOIN handrail.sign_off_role h ON (((h.person = s_1.person) AND (h.role = s_1.role))))
                  WHERE ((s_1.run_id = g.run_id) AND (s_1.gate = g.gate) AND (s_1.measurement = e.measurement))) o) s ON (true))
     LEFT JOIN LATERAL ( SELECT (g.within +
                CASE
                    WHEN (g.kind = 'checkpoint'::text) THEN e.sealed_at
                    WHEN (g.follows IS NULL) THEN u.started_at
                    ELSE ( SELECT s_1.at
                       FROM handrail.sign_off s_1
                      WHERE ((s_1.run_id = g.run_id) AND (s_1.gate = g.follows) AND (s_1.decision = 'approve'::text) AND (s_1.measurement = ( SELECT max(b.measurement) AS max
                               FROM handrail.evidence b
                              WHERE ((b.run_id = g.run_id) AND (b.gate = g.follows)))))
                      ORDER BY s_1.at
                     OFFSET ( SELECT (f.needed - 1)
                               FROM handrail.gate f
                              WHERE ((f.run_id = g.run_id) AND (f.gate = g.follows)))
                     LIMIT 1)
                END) AS at) due ON (true));
CREATE TABLE handrail.gauge (
    run_id bigint NOT NULL,
    trigger text NOT NULL,
    armed boolean NOT NULL,
    value double precision,
    at_most double precision NOT NULL,
    samples double precision[] DEFAULT '{}'::double precision[] NOT NULL,
    over integer DEFAULT 0 NOT NULL,
    said text DEFAULT ''::text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE handrail.head (
    count bigint NOT NULL,
    hash bytea NOT NULL
)
WITH (fillfactor='10');
CREATE TABLE handrail.landmark (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    schema jsonb NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE handrail.person (
    id text NOT NULL,
    name text NOT NULL,
    added_by text DEFAULT SESSION_USER NOT NULL,
    added_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT person_id_check CHECK ((id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'::text)),
    CONSTRAINT person_name_check CHECK ((btrim(name) <> ''::text))
);
ALTER TABLE handrail.run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME handrail.run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE handrail.set_aside (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    step text NOT NULL,
    source text NOT NULL,
    "row" jsonb NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE handrail.set_aside ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME handrail.set_aside_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE handrail.sign_off ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME handrail.sign_off_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE handrail.step_run (
    run_id bigint NOT NULL,
    "position" integer NOT NULL,
    step text NOT NULL,
    phase text NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    estimate double precision,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    pid integer,
    began_at timestamp with time zone,
    ended_at timestamp with time zone,
    seconds double precision,
    progress jsonb DEFAULT '{}'::jsonb NOT NULL,
    error text,
    stands boolean DEFAULT false NOT NULL,
    irreversible boolean DEFAULT false NOT NULL,
    CONSTRAINT step_run_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'stopped'::text, 'skipped'::text, 'undoing'::text, 'undone'::text])))
);
CREATE TABLE handrail.target (
    name text NOT NULL,
    identity uuid DEFAULT gen_random_uuid() NOT NULL,
    prepared_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT target_name_check CHECK ((name ~ '^[a-z][a-z0-9-]{0,40}$'::text))
);
CREATE TABLE handrail.verdict (
    id bigint NOT NULL,
    run_id bigint NOT NULL,
    checkpoint text NOT NULL,
    measurement integer NOT NULL,
    "position" integer NOT NULL,
    check_id text NOT NULL,
    title text NOT NULL,
    kind text NOT NULL,
    passed boolean NOT NULL,
    expected text NOT NULL,
    found text NOT NULL,
    rows jsonb NOT NULL,
    query text NOT NULL,
    seconds double precision NOT NULL,
    measured_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE handrail.verdict ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME handrail.verdict_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.person (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email text NOT NULL,
    email_lc text
);
CREATE TABLE public.person_20261121 (
    id uuid NOT NULL,
    email text
);
COPY handrail.acknowledgement (break_glass_id, breaker, login, person, note, at) FROM stdin;
\.
COPY handrail.alembic_version (version_num) FROM stdin;
handrail_0007
\.
COPY handrail.answer (run_id, decision, version, answers, answered_by, answered_at) FROM stdin;
\.
COPY handrail.break_glass (id, run_id, gate, measurement, login, person, reason, why_not_wait, at) FROM stdin;
\.
COPY handrail.capture (run_id, capture, source, key, began_at) FROM stdin;
\.
COPY handrail.captured (run_id, capture, key, born, wrote, whole, depth) FROM stdin;
\.
COPY handrail.event (id, run_id, step, kind, detail, by_login, at, hash) FROM stdin;
1	1	\N	run began	{"plan": "small", "digest": "a16ead38002ef1d355065296aad5b92ee526f97fc3a1fc0d12903d524268e566"}	postgres	2026-11-21 06:09:46.521592+00	\\x54f863feff2572df8e804186f86fe9b9feef3f989c293b9d083de7c979253f2a
2	1	keep	step began	{"pid": 10839, "attempt": 1}	postgres	2026-11-21 06:09:46.597342+00	\\x7f72f14960a63148fc73d014f3cdfe874b0d5ba7f84b58644612728a64c822a0
3	1	keep	step done	{"seconds": 0.007}	postgres	2026-11-21 06:09:46.604268+00	\\xc852f5642d74b0f441ae0376c76926fff1da208e3a5335649f95ca7464976e1d
4	1	dump	step began	{"pid": 10839, "attempt": 1}	postgres	2026-11-21 06:09:46.608021+00	\\xc7b9065b4b982aa92fb77c64db419bf052af1d42954dbbfeca101554b3b44475
5	1	dump	step done	{"file": "backups/sample-ded5fbe3-4b19-4677-b801-4f21d296ab3e/run-1-dump.dump", "rows": 60, "bytes": 3940, "sha256": "48d0ab13749fd877d13661c60e0274b3dcdcd4a65800e3526c23f408e92f2b3a", "tables": 2, "seconds": 0.184, "fingerprint": "b3db54da155b2a23"}	postgres	2026-11-21 06:09:46.792629+00	\\x2059ba60cb6105386553f870d712275840d00e192c52a988af01dbde601838bc
6	1	kept	step began	{"pid": 10839, "attempt": 1}	postgres	2026-11-21 06:09:46.796458+00	\\xcd9b629ccd73aef7bae82eaf4aa8d0c2b121853f7464219aaad69beafdc4dd7b
7	1	kept	checkpoint passed	{"passed": "2 of 2", "seconds": 0.008}	postgres	2026-11-21 06:09:46.805202+00	\\x2b6e39c14cd71ce2205b806f870d138b482adbd076d324e325db7dffd822ca8e
8	1	column	step began	{"pid": 10839, "attempt": 1}	postgres	2026-11-21 06:09:46.809162+00	\\x781ebb083165cefc006e924a37885b9620517ee6bfa4da18f84b17c4aeda2477
9	1	column	step done	{"seconds": 0.003}	postgres	2026-11-21 06:09:46.812263+00	\\x56395ab7e03ce1a74419b14ba2db014dbc0f8e7b53c362e1348e894c25bc5f31
10	1	\N	run paused	{"before": "fill"}	postgres	2026-11-21 06:09:46.815761+00	\\xa295effbe23ef7c0aac4a30b7d47fc9632d6ae5bd35122690a71aecd6b99155b
11	1	fill	step began	{"pid": 10850, "attempt": 1}	postgres	2026-11-21 06:09:47.287005+00	\\x1c67a47d391413ae6ee7536d2f181e416d566d99627e1e8f7cd7da3c162f9354
\.
COPY handrail.evidence (run_id, gate, measurement, digest, basis, passed, plan_digest, starter, asked_by, sealer, sealed_by, sealed_at) FROM stdin;
\.
COPY handrail.fence (epoch, pid, login, taken_at, system_identifier, timeline) FROM stdin;
0	\N	\N	\N	\N	\N
\.
COPY handrail.gate (run_id, gate, kind, title, "position", roles, needed, more, lasts, within, follows, returns_to) FROM stdin;
\.
COPY handrail.gauge (run_id, trigger, armed, value, at_most, samples, over, said, at) FROM stdin;
\.
COPY handrail.head (count, hash) FROM stdin;
11	\\x1c67a47d391413ae6ee7536d2f181e416d566d99627e1e8f7cd7da3c162f9354
\.
COPY handrail.landmark (run_id, "position", schema, at) FROM stdin;
\.
COPY handrail.operator (login, person, shared, added_by, added_at, removed_by, removed_at) FROM stdin;
\.
COPY handrail.person (id, name, added_by, added_at) FROM stdin;
\.
COPY handrail.run (id, plan, title, plan_text, sources, digest, parameters, state, goal, pause_requested, fingerprint, started_by, started_at, ended_at, objects, objects_after, starter, asked_by) FROM stdin;
1	small	Every kind of step, small	format = 1\nid = "small"\ntarget = "sample"\ntitle = "Every kind of step, small"\n[[phase]]\ntitle = "Prepare"\n[[phase.step]]\nid = "keep"\nkind = "sql"\ntitle = "Keep a copy"\nestimate = "1s"\nsql = "CREATE TABLE person_{{run_date}} AS TABLE person; ALTER TABLE person_{{run_date}} ADD PRIMARY KEY (id);"\nundo = "DROP TABLE person_{{run_date}}"\n[[phase.step]]\nid = "dump"\nkind = "backup"\ntitle = "Dump and restore"\nestimate = "5s"\n[phase.checkpoint]\nid = "kept"\ntitle = "A copy and a dump"\n[[phase.checkpoint.check]]\nid = "dump-whole"\nkind = "backup-verified"\ntitle = "dump restored"\nstep = "dump"\n[[phase.checkpoint.check]]\nid = "copy-whole"\nkind = "rows-preserved"\ntitle = "rows kept"\nbefore = "person"\nafter = "person_{{run_date}}"\nkey = "id"\n[[phase]]\ntitle = "Change"\n[[phase.step]]\nid = "column"\nkind = "sql"\ntitle = "Add the column"\nestimate = "1s"\nfile = "column.sql"\nundo = "ALTER TABLE person DROP COLUMN email_lc"\n[[phase.step]]\nid = "fill"\nkind = "backfill"\ntitle = "Fill the column"\nestimate = "10s"\ntable = "person"\nkey = "id"\nset = "email_lc = lower(r.email)"\nwhere = "r.email_lc IS DISTINCT FROM lower(r.email)"\nundo = "UPDATE person SET email_lc = NULL WHERE email_lc IS NOT NULL"\n[[phase.step]]\nid = "index"\nkind = "concurrently"\ntitle = "Index it"\nestimate = "5s"\nsql = "CREATE INDEX CONCURRENTLY person_email_lc ON person (email_lc)"\nundo = "DROP INDEX CONCURRENTLY person_email_lc"\n[[phase.step]]\nid = "call"\nkind = "manual"\ntitle = "Tell support"\nestimate = "1m"\ninstructions = "Call support and say that search by e-mail works."\nundo = "Call support and say that it does not."\n[phase.checkpoint]\nid = "changed"\ntitle = "The column is filled"\n[[phase.checkpoint.check]]\nid = "filled"\nkind = "sql"\ntitle = "no row without it"\nsql = "SELECT id, email FROM person WHERE email_lc IS DISTINCT FROM lower(email)"\nno_rows = true\n[[phase.checkpoint.check]]\nid = "content"\nkind = "content-preserved"\ntitle = "e-mails unchanged"\nbefore = "person_{{run_date}}"\nafter = "person"\nkey = "id"\ncolumns = ["email"]\n[[phase.checkpoint.check]]\nid = "index-valid"\nkind = "index-valid"\ntitle = "index valid"\nindexes = ["person_email_lc"]\n[[kept]]\nid = "new-people"\ntitle = "people written since"\nsince = "keep"\ncount = "SELECT count(*) FROM person p WHERE NOT EXISTS (SELECT 1 FROM person_{{run_date}} k WHERE k.id = p.id)"\nrule = "carried back"\n	{"column.sql": "ALTER TABLE person ADD COLUMN email_lc text;\\n"}	a16ead38002ef1d355065296aad5b92ee526f97fc3a1fc0d12903d524268e566	{"run_date": "20261121"}	running	\N	f	{"content": {"public.person": [30, "26564149404460771411"]}, "objects": {"schema public": "36f702a895e80649", "table public.person": "6412cee1732408ce", "column public.person.id": "95de0c1c0be81172", "index public.person_pkey": "7af22cf803a5d7c3", "column public.person.email": "14195abffa48e344", "constraint public.person.person_pkey": "8c8464f42472e42e"}}	postgres	2026-11-21 06:09:46.514963+00	\N	\N	\N	postgres	postgres
\.
COPY handrail.set_aside (id, run_id, step, source, "row", at) FROM stdin;
\.
COPY handrail.sign_off (id, run_id, gate, measurement, digest, passed, starter, asked_by, sealer, login, person, role, decision, reason, at) FROM stdin;
\.
COPY handrail.sign_off_role (person, role, given_by, given_at, removed_by, removed_at) FROM stdin;
\.
COPY handrail.step_run (run_id, "position", step, phase, kind, title, estimate, state, attempts, pid, began_at, ended_at, seconds, progress, error, stands, irreversible) FROM stdin;
1	6	index	Change	concurrently	Index it	5	waiting	0	\N	\N	\N	\N	{}	\N	f	f
1	7	call	Change	manual	Tell support	60	waiting	0	\N	\N	\N	\N	{}	\N	f	f
1	8	changed	Change	checkpoint	The column is filled	\N	waiting	0	\N	\N	\N	\N	{}	\N	f	f
1	5	fill	Change	backfill	Fill the column	10	running	1	10850	2026-11-21 06:09:47.284431+00	\N	\N	{}	\N	f	f
1	1	keep	Prepare	sql	Keep a copy	1	done	1	\N	2026-11-21 06:09:46.595465+00	2026-11-21 06:09:46.603449+00	0.00714	{}	\N	t	f
1	2	dump	Prepare	backup	Dump and restore	5	done	1	\N	2026-11-21 06:09:46.607222+00	2026-11-21 06:09:46.7918+00	0.184148	{"file": "backups/sample-ded5fbe3-4b19-4677-b801-4f21d296ab3e/run-1-dump.dump", "rows": 60, "bytes": 3940, "sha256": "48d0ab13749fd877d13661c60e0274b3dcdcd4a65800e3526c23f408e92f2b3a", "tables": 2, "fingerprint": "b3db54da155b2a23"}	\N	t	f
1	3	kept	Prepare	checkpoint	A copy and a dump	\N	done	1	\N	2026-11-21 06:09:46.79572+00	2026-11-21 06:09:46.804512+00	0.008431	{}	\N	t	f
1	4	column	Change	sql	Add the column	1	done	1	\N	2026-11-21 06:09:46.808494+00	2026-11-21 06:09:46.811528+00	0.002703	{}	\N	t	f
\.
COPY handrail.target (name, identity, prepared_at) FROM stdin;
sample	ded5fbe3-4b19-4677-b801-4f21d296ab3e	2026-11-21 06:09:46.493491+00
\.
COPY handrail.verdict (id, run_id, checkpoint, measurement, "position", check_id, title, kind, passed, expected, found, rows, query, seconds, measured_at) FROM stdin;
1	1	kept	1	1	dump-whole	dump restored	backup-verified	t	sha256 48d0ab13749f	sha256 48d0ab13749f	[]	-- sha256 of the dump of step dump, beside what it was when it was restored and compared	0	2026-11-21 06:09:46.803144+00
2	1	kept	1	2	copy-whole	rows kept	rows-preserved	t	30 rows	30 rows	[]	SELECT before.id FROM person AS before WHERE NOT EXISTS (SELECT 1 FROM person_20261121 AS after WHERE after.id = before.id)	0.001	2026-11-21 06:09:46.803243+00
\.
COPY public.person (id, email, email_lc) FROM stdin;
c75f4191-1b79-4c62-a713-7d8b0b7e0ded	Person1@example.org	\N
036e6f70-9158-4b56-aa60-82b38d394c5e	Person2@example.org	\N
9856a6b8-719c-47de-ade0-ded01166957c	Person3@example.org	\N
69f4dfbb-6b57-41ac-af5e-86b6d24f23ac	Person4@example.org	\N
cac0c161-e8ec-4d2d-8453-deccf87faf55	Person5@example.org	\N
f6c21f17-41f8-4ef3-8993-9a105e5bab7d	Person6@example.org	\N
1fdf82d7-ff18-4b15-92e2-95efbad36e45	Person7@example.org	\N
6e3fb40c-ca2a-4863-9fb7-eaf3b9dd343f	Person8@example.org	\N
76a25bd8-5987-4bc5-81ce-a7f2eae6843a	Person9@example.org	\N
9164122f-f794-4c8b-aaca-5410e2009ad8	Person10@example.org	\N
8ca49432-3847-456e-b490-2c3f16129041	Person11@example.org	\N
3817c74b-68f1-4770-8cbb-311134d591f1	Person12@example.org	\N
58a3a96b-690e-4ded-9cd1-13bd9d87a3f7	Person13@example.org	\N
c3bc6459-7a58-462c-a823-fa2aac799c41	Person14@example.org	\N
03bc34e1-5ea0-4b21-90b8-636be3568def	Person15@example.org	\N
7d2685b4-f588-4b69-b30e-0de58b3d5b35	Person16@example.org	\N
18729429-a28a-4c94-8537-6aa56c98f067	Person17@example.org	\N
1418a590-644e-4aad-8d72-010917841dc9	Person18@example.org	\N
ec5ee42c-add3-4b3e-86c5-51bcbdb4d1ce	Person19@example.org	\N
a274d6a2-ff2e-49a4-940c-e29802f2c552	Person20@example.org	\N
fcd35b0b-52b7-4274-9b30-889d0f3f28af	Person21@example.org	\N
1afec749-9853-41dc-afa2-e547f5a29fc1	Person22@example.org	\N
3cdaf898-40dc-4cf9-8645-58c48b4ce7b1	Person23@example.org	\N
ea3d067b-588a-4cec-8292-7525265cfb73	Person24@example.org	\N
8c7334a4-b15d-4c27-9cb5-6753c294a4e5	Person25@example.org	\N
ae69ffc7-3df0-4a4c-b00b-1e4dff645bd2	Person26@example.org	\N
9518cc1f-e986-40d5-8ce8-58c8759c5493	Person27@example.org	\N
cb41ba44-586f-4e9a-b761-7c25864c257c	Person28@example.org	\N
2789db7f-72bd-4d22-9109-f1ae640c4c9d	Person29@example.org	\N
b5cc9347-fa84-4c11-8237-635c198f44e3	Person30@example.org	\N
\.
COPY public.person_20261121 (id, email) FROM stdin;
c75f4191-1b79-4c62-a713-7d8b0b7e0ded	Person1@example.org
036e6f70-9158-4b56-aa60-82b38d394c5e	Person2@example.org
9856a6b8-719c-47de-ade0-ded01166957c	Person3@example.org
69f4dfbb-6b57-41ac-af5e-86b6d24f23ac	Person4@example.org
cac0c161-e8ec-4d2d-8453-deccf87faf55	Person5@example.org
f6c21f17-41f8-4ef3-8993-9a105e5bab7d	Person6@example.org
1fdf82d7-ff18-4b15-92e2-95efbad36e45	Person7@example.org
6e3fb40c-ca2a-4863-9fb7-eaf3b9dd343f	Person8@example.org
76a25bd8-5987-4bc5-81ce-a7f2eae6843a	Person9@example.org
9164122f-f794-4c8b-aaca-5410e2009ad8	Person10@example.org
8ca49432-3847-456e-b490-2c3f16129041	Person11@example.org
3817c74b-68f1-4770-8cbb-311134d591f1	Person12@example.org
58a3a96b-690e-4ded-9cd1-13bd9d87a3f7	Person13@example.org
c3bc6459-7a58-462c-a823-fa2aac799c41	Person14@example.org
03bc34e1-5ea0-4b21-90b8-636be3568def	Person15@example.org
7d2685b4-f588-4b69-b30e-0de58b3d5b35	Person16@example.org
18729429-a28a-4c94-8537-6aa56c98f067	Person17@example.org
1418a590-644e-4aad-8d72-010917841dc9	Person18@example.org
ec5ee42c-add3-4b3e-86c5-51bcbdb4d1ce	Person19@example.org
a274d6a2-ff2e-49a4-940c-e29802f2c552	Person20@example.org
fcd35b0b-52b7-4274-9b30-889d0f3f28af	Person21@example.org
1afec749-9853-41dc-afa2-e547f5a29fc1	Person22@example.org
3cdaf898-40dc-4cf9-8645-58c48b4ce7b1	Person23@example.org
ea3d067b-588a-4cec-8292-7525265cfb73	Person24@example.org
8c7334a4-b15d-4c27-9cb5-6753c294a4e5	Person25@example.org
ae69ffc7-3df0-4a4c-b00b-1e4dff645bd2	Person26@example.org
9518cc1f-e986-40d5-8ce8-58c8759c5493	Person27@example.org
cb41ba44-586f-4e9a-b761-7c25864c257c	Person28@example.org
2789db7f-72bd-4d22-9109-f1ae640c4c9d	Person29@example.org
b5cc9347-fa84-4c11-8237-635c198f44e3	Person30@example.org
\.
SELECT pg_catalog.setval('handrail.break_glass_id_seq', 1, false);
SELECT pg_catalog.setval('handrail.run_id_seq', 1, true);
SELECT pg_catalog.setval('handrail.set_aside_id_seq', 1, false);
SELECT pg_catalog.setval('handrail.sign_off_id_seq', 1, false);
SELECT pg_catalog.setval('handrail.verdict_id_seq', 2, true);
ALTER TABLE ONLY handrail.acknowledgement
    ADD CONSTRAINT acknowledgement_pkey PRIMARY KEY (break_glass_id);
ALTER TABLE ONLY handrail.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY handrail.answer
    ADD CONSTRAINT answer_pkey PRIMARY KEY (run_id, decision, version);
ALTER TABLE ONLY handrail.break_glass
    ADD CONSTRAINT break_glass_id_person_key UNIQUE (id, person);
ALTER TABLE ONLY handrail.break_glass
    ADD CONSTRAINT break_glass_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.capture
    ADD CONSTRAINT capture_pkey PRIMARY KEY (run_id, capture);
ALTER TABLE ONLY handrail.captured
    ADD CONSTRAINT captured_pkey PRIMARY KEY (run_id, capture, key);
ALTER TABLE ONLY handrail.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.evidence
    ADD CONSTRAINT evidence_pkey PRIMARY KEY (run_id, gate, measurement);
ALTER TABLE ONLY handrail.evidence
    ADD CONSTRAINT evidence_run_id_gate_measurement_digest_passed_starter_aske_key UNIQUE (run_id, gate, measurement, digest, passed, starter, asked_by, sealer);
ALTER TABLE ONLY handrail.gate
    ADD CONSTRAINT gate_pkey PRIMARY KEY (run_id, gate);
ALTER TABLE ONLY handrail.gauge
    ADD CONSTRAINT gauge_pkey PRIMARY KEY (run_id, trigger);
ALTER TABLE ONLY handrail.landmark
    ADD CONSTRAINT landmark_pkey PRIMARY KEY (run_id, "position");
ALTER TABLE ONLY handrail.operator
    ADD CONSTRAINT operator_login_person_key UNIQUE (login, person);
ALTER TABLE ONLY handrail.operator
    ADD CONSTRAINT operator_pkey PRIMARY KEY (login);
ALTER TABLE ONLY handrail.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.run
    ADD CONSTRAINT run_id_digest_starter_asked_by_key UNIQUE (id, digest, starter, asked_by);
ALTER TABLE ONLY handrail.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.set_aside
    ADD CONSTRAINT set_aside_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.sign_off
    ADD CONSTRAINT sign_off_once UNIQUE (run_id, gate, measurement, person, decision);
ALTER TABLE ONLY handrail.sign_off
    ADD CONSTRAINT sign_off_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.sign_off_role
    ADD CONSTRAINT sign_off_role_pkey PRIMARY KEY (person, role);
ALTER TABLE ONLY handrail.step_run
    ADD CONSTRAINT step_run_pkey PRIMARY KEY (run_id, "position");
ALTER TABLE ONLY handrail.step_run
    ADD CONSTRAINT step_run_run_id_step_key UNIQUE (run_id, step);
ALTER TABLE ONLY handrail.target
    ADD CONSTRAINT target_pkey PRIMARY KEY (name);
ALTER TABLE ONLY handrail.verdict
    ADD CONSTRAINT verdict_pkey PRIMARY KEY (id);
ALTER TABLE ONLY handrail.verdict
    ADD CONSTRAINT verdict_run_id_checkpoint_measurement_check_id_key UNIQUE (run_id, checkpoint, measurement, check_id);
ALTER TABLE ONLY public.person_20261121
    ADD CONSTRAINT person_20261121_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (id);
CREATE INDEX event_of_run ON handrail.event USING btree (run_id, id);
CREATE UNIQUE INDEX fence_one_row ON handrail.fence USING btree ((true));
CREATE UNIQUE INDEX head_one_row ON handrail.head USING btree ((true));
CREATE UNIQUE INDEX run_one_open ON handrail.run USING btree ((true)) WHERE (state <> ALL (ARRAY['done'::text, 'rolled back'::text]));
CREATE UNIQUE INDEX step_run_one_under_way ON handrail.step_run USING btree (run_id) WHERE (state = ANY (ARRAY['running'::text, 'undoing'::text]));
CREATE UNIQUE INDEX target_one_row ON handrail.target USING btree ((true));
CREATE TRIGGER acknowledgement_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.acknowledgement FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.acknowledgement ENABLE ALWAYS TRIGGER acknowledgement_append_only;
CREATE TRIGGER acknowledgement_told AFTER INSERT ON handrail.acknowledgement FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.acknowledgement ENABLE ALWAYS TRIGGER acknowledgement_told;
CREATE TRIGGER answer_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.answer FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.answer ENABLE ALWAYS TRIGGER answer_append_only;
CREATE TRIGGER answer_told AFTER INSERT ON handrail.answer FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.answer ENABLE ALWAYS TRIGGER answer_told;
CREATE TRIGGER answer_unused BEFORE INSERT ON handrail.answer FOR EACH ROW EXECUTE FUNCTION handrail.require_unused();
ALTER TABLE handrail.answer ENABLE ALWAYS TRIGGER answer_unused;
CREATE TRIGGER break_glass_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.break_glass FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.break_glass ENABLE ALWAYS TRIGGER break_glass_append_only;
CREATE TRIGGER break_glass_told AFTER INSERT ON handrail.break_glass FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.break_glass ENABLE ALWAYS TRIGGER break_glass_told;
CREATE TRIGGER event_a_own_word BEFORE INSERT ON handrail.event FOR EACH ROW EXECUTE FUNCTION handrail.require_own_word();
ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_a_own_word;
CREATE TRIGGER event_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.event FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_append_only;
CREATE TRIGGER event_chained BEFORE INSERT ON handrail.event FOR EACH ROW EXECUTE FUNCTION handrail.chain();
ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_chained;
CREATE TRIGGER evidence_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.evidence FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.evidence ENABLE ALWAYS TRIGGER evidence_append_only;
CREATE TRIGGER evidence_sealed BEFORE INSERT ON handrail.evidence FOR EACH ROW EXECUTE FUNCTION handrail.seal();
ALTER TABLE handrail.evidence ENABLE ALWAYS TRIGGER evidence_sealed;
CREATE TRIGGER gate_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.gate FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.gate ENABLE ALWAYS TRIGGER gate_append_only;
CREATE TRIGGER gate_of_new_run BEFORE INSERT ON handrail.gate FOR EACH ROW EXECUTE FUNCTION handrail.require_new_run();
ALTER TABLE handrail.gate ENABLE ALWAYS TRIGGER gate_of_new_run;
CREATE TRIGGER operator_of_another BEFORE INSERT OR UPDATE ON handrail.operator FOR EACH ROW EXECUTE FUNCTION handrail.refuse_oneself();
ALTER TABLE handrail.operator ENABLE ALWAYS TRIGGER operator_of_another;
CREATE TRIGGER operator_told AFTER INSERT OR UPDATE ON handrail.operator FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.operator ENABLE ALWAYS TRIGGER operator_told;
CREATE TRIGGER person_told AFTER INSERT ON handrail.person FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.person ENABLE ALWAYS TRIGGER person_told;
CREATE TRIGGER run_not_finished BEFORE UPDATE OF state ON handrail.run FOR EACH ROW EXECUTE FUNCTION handrail.require_not_finished();
ALTER TABLE handrail.run ENABLE ALWAYS TRIGGER run_not_finished;
CREATE TRIGGER sign_off_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.sign_off FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.sign_off ENABLE ALWAYS TRIGGER sign_off_append_only;
CREATE TRIGGER sign_off_judged BEFORE INSERT ON handrail.sign_off FOR EACH ROW EXECUTE FUNCTION handrail.judge();
ALTER TABLE handrail.sign_off ENABLE ALWAYS TRIGGER sign_off_judged;
CREATE TRIGGER sign_off_role_of_another BEFORE INSERT OR UPDATE ON handrail.sign_off_role FOR EACH ROW EXECUTE FUNCTION handrail.refuse_oneself();
ALTER TABLE handrail.sign_off_role ENABLE ALWAYS TRIGGER sign_off_role_of_another;
CREATE TRIGGER sign_off_role_told AFTER INSERT OR UPDATE ON handrail.sign_off_role FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.sign_off_role ENABLE ALWAYS TRIGGER sign_off_role_told;
CREATE TRIGGER sign_off_told AFTER INSERT ON handrail.sign_off FOR EACH ROW EXECUTE FUNCTION handrail.tell();
ALTER TABLE handrail.sign_off ENABLE ALWAYS TRIGGER sign_off_told;
CREATE TRIGGER step_run_gates BEFORE UPDATE ON handrail.step_run FOR EACH ROW EXECUTE FUNCTION handrail.require_gates();
ALTER TABLE handrail.step_run ENABLE ALWAYS TRIGGER step_run_gates;
CREATE TRIGGER step_run_not_finished BEFORE UPDATE OF state, stands ON handrail.step_run FOR EACH ROW EXECUTE FUNCTION handrail.require_not_finished();
ALTER TABLE handrail.step_run ENABLE ALWAYS TRIGGER step_run_not_finished;
CREATE TRIGGER verdict_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON handrail.verdict FOR EACH STATEMENT EXECUTE FUNCTION handrail.refuse_change();
ALTER TABLE handrail.verdict ENABLE ALWAYS TRIGGER verdict_append_only;
CREATE TRIGGER verdict_unsealed BEFORE INSERT ON handrail.verdict FOR EACH ROW EXECUTE FUNCTION handrail.require_unsealed();
ALTER TABLE handrail.verdict ENABLE ALWAYS TRIGGER verdict_unsealed;
ALTER TABLE ONLY handrail.acknowledgement
    ADD CONSTRAINT acknowledgement_break_glass_id_breaker_fkey FOREIGN KEY (break_glass_id, breaker) REFERENCES handrail.break_glass(id, person);
ALTER TABLE ONLY handrail.answer
    ADD CONSTRAINT answer_run_id_decision_fkey FOREIGN KEY (run_id, decision) REFERENCES handrail.gate(run_id, gate);
ALTER TABLE ONLY handrail.break_glass
    ADD CONSTRAINT break_glass_run_id_gate_fkey FOREIGN KEY (run_id, gate) REFERENCES handrail.gate(run_id, gate);
ALTER TABLE ONLY handrail.break_glass
    ADD CONSTRAINT break_glass_run_id_gate_measurement_fkey FOREIGN KEY (run_id, gate, measurement) REFERENCES handrail.evidence(run_id, gate, measurement);
ALTER TABLE ONLY handrail.capture
    ADD CONSTRAINT capture_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.event
    ADD CONSTRAINT event_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.evidence
    ADD CONSTRAINT evidence_run_id_plan_digest_starter_asked_by_fkey FOREIGN KEY (run_id, plan_digest, starter, asked_by) REFERENCES handrail.run(id, digest, starter, asked_by);
ALTER TABLE ONLY handrail.gate
    ADD CONSTRAINT gate_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.gate
    ADD CONSTRAINT gate_run_id_follows_fkey FOREIGN KEY (run_id, follows) REFERENCES handrail.gate(run_id, gate);
ALTER TABLE ONLY handrail.gate
    ADD CONSTRAINT gate_run_id_returns_to_fkey FOREIGN KEY (run_id, returns_to) REFERENCES handrail.gate(run_id, gate);
ALTER TABLE ONLY handrail.gauge
    ADD CONSTRAINT gauge_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.landmark
    ADD CONSTRAINT landmark_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.operator
    ADD CONSTRAINT operator_person_fkey FOREIGN KEY (person) REFERENCES handrail.person(id);
ALTER TABLE ONLY handrail.set_aside
    ADD CONSTRAINT set_aside_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.sign_off
    ADD CONSTRAINT sign_off_evidence FOREIGN KEY (run_id, gate, measurement, digest, passed, starter, asked_by, sealer) REFERENCES handrail.evidence(run_id, gate, measurement, digest, passed, starter, asked_by, sealer);
ALTER TABLE ONLY handrail.sign_off
    ADD CONSTRAINT sign_off_gate FOREIGN KEY (run_id, gate) REFERENCES handrail.gate(run_id, gate);
ALTER TABLE ONLY handrail.sign_off
    ADD CONSTRAINT sign_off_person FOREIGN KEY (login, person) REFERENCES handrail.operator(login, person);
ALTER TABLE ONLY handrail.sign_off
    ADD CONSTRAINT sign_off_role_held FOREIGN KEY (person, role) REFERENCES handrail.sign_off_role(person, role);
ALTER TABLE ONLY handrail.sign_off_role
    ADD CONSTRAINT sign_off_role_person_fkey FOREIGN KEY (person) REFERENCES handrail.person(id);
ALTER TABLE ONLY handrail.step_run
    ADD CONSTRAINT step_run_run_id_fkey FOREIGN KEY (run_id) REFERENCES handrail.run(id);
ALTER TABLE ONLY handrail.verdict
    ADD CONSTRAINT verdict_run_id_checkpoint_fkey FOREIGN KEY (run_id, checkpoint) REFERENCES handrail.step_run(run_id, step);
