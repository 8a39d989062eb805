"""What is searched: an entry a client, and a row for each of its terms; kept in step with the target by triggers.

A term is a field's letters, a colon and a piece of the field: n:smith. One ordered index over the terms answers every
prefix, common or rare, by reading its first rows. The lite profile has entries alone.
"""

from __future__ import annotations

from alembic import op

revision = "search_0002"
down_revision = "search_0001"

TABLES = """
CREATE TABLE handrail_search.field (
    position int PRIMARY KEY,
    name     text NOT NULL UNIQUE,
    title    text NOT NULL,
    code     text NOT NULL UNIQUE CHECK (code ~ '^[a-hj-z]$'),
    kind     text NOT NULL CHECK (kind IN ('words', 'email', 'phone', 'exact')),
    anywhere boolean NOT NULL,
    masked   boolean NOT NULL,
    history  boolean NOT NULL
);

-- One row: which description the index was made from, and whether it follows the target yet.
CREATE TABLE handrail_search.state (
    profile  text NOT NULL CHECK (profile IN ('full', 'lite')),
    ready    boolean NOT NULL,
    digest   text NOT NULL,
    tenant_field text NOT NULL,
    made_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX state_one_row ON handrail_search.state ((true));

CREATE TABLE handrail_search.tenant (
    id   int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- terms: each between line ends, so that one strpos() says whether a client has it; shown: in the order of the fields.
CREATE TABLE handrail_search.entry (
    n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client     text COLLATE "C" NOT NULL,
    tenant     int NOT NULL,
    changed_at timestamptz,
    terms      text COLLATE "C" NOT NULL,
    shown      text[] NOT NULL
);

CREATE TABLE handrail_search.token (
    n      bigint NOT NULL,
    tenant int NOT NULL,
    term   text COLLATE "C" NOT NULL
);
-- the planner's own figures are the counts that people read: "about 200 000"
ALTER TABLE handrail_search.token ALTER term SET STATISTICS 1000;

CREATE TABLE handrail_search.history (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    client text NOT NULL,
    tenant int NOT NULL,
    field  text NOT NULL,
    before text,
    after  text,
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX history_client ON handrail_search.history (client, id);

-- Clients that changed and are not looked up yet: while the index is made, or because looking them up failed.
CREATE TABLE handrail_search.pending (
    client text NOT NULL,
    error  text,
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""

# Each target's own definition replaces this one: which value each field of a client has, in the fields' order.
DOCUMENTS = """
CREATE FUNCTION handrail_search.documents(ids text[])
    RETURNS TABLE (client text, tenant text, changed_at timestamptz, written text[])
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT NULL::text, NULL::text, NULL::timestamptz, NULL::text[] WHERE false
$$
"""

# A client's terms begin with its id, so that an id is found as everything else is.
LINES = """
CREATE FUNCTION handrail_search.lines(client text, written text[]) RETURNS text
    LANGUAGE sql STABLE
    RETURN E'\\ni:' || translate(lower(left(client, 80)), E'\\n', ' ') || E'\\n' || coalesce((
        SELECT string_agg(term || E'\\n', '' ORDER BY position, place)
        FROM handrail_search.field,
             unnest(handrail_search.terms(code, kind, written[position])) WITH ORDINALITY AS made (term, place)), '');

CREATE FUNCTION handrail_search.tenant_of(wanted text) RETURNS int LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_id int;
BEGIN
    SELECT id INTO found_id FROM handrail_search.tenant WHERE name = wanted;
    IF found_id IS NULL THEN
        INSERT INTO handrail_search.tenant (name) VALUES (wanted) ON CONFLICT (name) DO UPDATE SET name = excluded.name
            RETURNING id INTO found_id;
    END IF;
    RETURN found_id;
END $$;

-- A tenant without a name is the nameless one, not every one. Answers how many entries are new.
CREATE FUNCTION handrail_search.fill(ids text[]) RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH made AS (
        INSERT INTO handrail_search.entry AS known (client, tenant, changed_at, terms, shown)
        SELECT d.client, handrail_search.tenant_of(left(coalesce(btrim(d.tenant), ''), 200)), d.changed_at,
               handrail_search.lines(d.client, d.written),
               ARRAY(SELECT left(one, 200) FROM unnest(d.written) WITH ORDINALITY AS u (one, place) ORDER BY place)
        FROM handrail_search.documents(ids) AS d
        ON CONFLICT (client) DO UPDATE
            SET tenant = excluded.tenant, changed_at = excluded.changed_at, terms = excluded.terms,
                shown = excluded.shown
            WHERE (known.tenant, known.changed_at, known.terms, known.shown)
                  IS DISTINCT FROM (excluded.tenant, excluded.changed_at, excluded.terms, excluded.shown)
        RETURNING known.xmax = 0 AS added)
    SELECT count(*) FILTER (WHERE added) FROM made
$$;

-- The rows are locked first, and looked up by the next statement: of two that change one client, the later one sees
-- what both wrote. Of two that add one, the later one waits in the index for the other and has not seen what it wrote:
-- it looks once more. Answers who was not there before, and is not there now.
CREATE FUNCTION handrail_search.refresh(ids text[]) RETURNS text[] LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known bigint;
    nowhere text[] := '{}';
BEGIN
    PERFORM FROM handrail_search.entry WHERE client = ANY (ids) ORDER BY n FOR UPDATE;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known + handrail_search.fill(ids) < cardinality(ids) THEN
        PERFORM handrail_search.fill(ids);
        nowhere := ARRAY(SELECT one FROM unnest(ids) AS one
                         WHERE NOT EXISTS (SELECT FROM handrail_search.entry e WHERE e.client = one));
    END IF;
    DELETE FROM handrail_search.entry e WHERE e.client = ANY (ids)
        AND e.client NOT IN (SELECT d.client FROM handrail_search.documents(ids) AS d);
    RETURN nowhere;
END $$;

-- For the application, which waits for nobody who changes the same client.
CREATE FUNCTION handrail_search.refresh_soon(ids text[]) RETURNS text[] LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
BEGIN
    RETURN handrail_search.refresh(ids);
END $$;

-- A few of those that could not be looked up when they changed, if nobody else is at them.
CREATE FUNCTION handrail_search.catch_up(most int) RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE late text[];
BEGIN
    WITH few AS (
        DELETE FROM handrail_search.pending WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM handrail_search.pending WHERE client <> '' AND error IN ('55P03', '40P01', '40001')
            LIMIT most FOR UPDATE SKIP LOCKED)) RETURNING client)
    SELECT array_agg(DISTINCT client) INTO late FROM few;
    IF late IS NOT NULL THEN
        PERFORM handrail_search.refresh_soon(late);
    END IF;
EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
    NULL;  -- they stay
END $$;

-- Called by the target's triggers, in the application's transaction: nothing that is wrong here may fail it, nor make
-- it wait for long, nor end it in a deadlock. What could not be looked up at once is by the next that comes.
CREATE FUNCTION handrail_search.note(ids text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    ids := array_remove(ids, NULL);
    IF coalesce(cardinality(ids), 0) = 0 THEN
        RETURN;
    END IF;
    IF (SELECT ready FROM handrail_search.state) THEN
        BEGIN
            -- whoever catches up with the notes may be about to add one that is gone: it has to look again
            INSERT INTO handrail_search.pending (client) SELECT unnest(handrail_search.refresh_soon(ids));
            PERFORM handrail_search.catch_up(5);
            RETURN;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO handrail_search.pending (client, error) SELECT unnest(ids), SQLSTATE;
            RETURN;
        END;
    END IF;
    INSERT INTO handrail_search.pending (client) SELECT unnest(ids);
END $$
"""

KEPT_IN_STEP = """
CREATE FUNCTION handrail_search.split(n bigint, tenant int, terms text)
    RETURNS TABLE (n bigint, tenant int, term text) LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT $1, $2, term FROM string_to_table($3, E'\\n') AS term WHERE term <> ''
$$;

CREATE FUNCTION handrail_search.entry_added() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO handrail_search.token (n, tenant, term)
        SELECT s.n, s.tenant, s.term FROM added a, handrail_search.split(a.n, a.tenant, a.terms) AS s;
    RETURN NULL;
END $$;

CREATE FUNCTION handrail_search.entry_gone() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM handrail_search.token t USING gone g, handrail_search.split(g.n, g.tenant, g.terms) AS s
        WHERE t.term = s.term AND t.n = s.n;
    RETURN NULL;
END $$;

CREATE FUNCTION handrail_search.entry_changed() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM handrail_search.token t USING (
        SELECT s.* FROM gone g, handrail_search.split(g.n, g.tenant, g.terms) AS s
        EXCEPT SELECT s.* FROM added a, handrail_search.split(a.n, a.tenant, a.terms) AS s) AS o
        WHERE t.term = o.term AND t.n = o.n;
    INSERT INTO handrail_search.token (n, tenant, term)
        SELECT s.* FROM added a, handrail_search.split(a.n, a.tenant, a.terms) AS s
        EXCEPT SELECT s.* FROM gone g, handrail_search.split(g.n, g.tenant, g.terms) AS s;
    RETURN NULL;
END $$;

CREATE FUNCTION handrail_search.remember() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO handrail_search.history (client, tenant, field, before, after)
        SELECT a.client, a.tenant, f.name, g.shown[f.position], a.shown[f.position]
        FROM gone g JOIN added a USING (n), handrail_search.field f
        WHERE f.history AND g.shown[f.position] IS DISTINCT FROM a.shown[f.position];
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(DOCUMENTS)
    op.execute(LINES)
    op.execute(KEPT_IN_STEP)
    op.execute("CREATE UNIQUE INDEX entry_client ON handrail_search.entry (client)")
    op.execute(
        "CREATE TRIGGER entry_remembered AFTER UPDATE ON handrail_search.entry"
        " REFERENCING OLD TABLE AS gone NEW TABLE AS added FOR EACH STATEMENT"
        " EXECUTE FUNCTION handrail_search.remember()"
    )


# A table that is followed would fail its application's writes with a trigger that calls what is no more.
AWAY = """
DO $do$
DECLARE one record;
BEGIN
    FOR one IN SELECT p.oid::regprocedure AS name FROM pg_catalog.pg_proc p
               WHERE p.pronamespace = 'handrail_search'::regnamespace AND p.proname LIKE 'follow\\_%' LOOP
        EXECUTE pg_catalog.format('DROP FUNCTION %s CASCADE', one.name);
    END LOOP;
    FOR one IN SELECT p.polrelid::regclass AS name FROM pg_catalog.pg_policy p
               WHERE p.polname = 'handrail_search_read' LOOP
        EXECUTE pg_catalog.format('DROP POLICY handrail_search_read ON %s', one.name);
    END LOOP;
END $do$
"""


def downgrade() -> None:
    op.execute(AWAY)
    op.execute("DROP TABLE handrail_search.entry, handrail_search.token, handrail_search.tenant,"
               " handrail_search.history, handrail_search.pending, handrail_search.state")  # fmt: skip
    op.execute("DROP FUNCTION handrail_search.remember(), handrail_search.entry_changed(),"
               " handrail_search.entry_gone(), handrail_search.entry_added(),"
               " handrail_search.split(bigint, int, text), handrail_search.note(text[]),"
               " handrail_search.catch_up(int), handrail_search.refresh_soon(text[]),"
               " handrail_search.refresh(text[]), handrail_search.fill(text[]), handrail_search.tenant_of(text),"
               " handrail_search.lines(text, text[]), handrail_search.documents(text[])")  # fmt: skip
    op.execute("DROP TABLE handrail_search.field")
