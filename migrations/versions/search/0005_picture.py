"""One client's whole picture, tenants, clear values with a reason, and saved searches.

A part is a table that says something of a client: which columns are shown, and which of those are masked. What no
description names is found by its foreign key, with every text masked.
"""

from __future__ import annotations

from alembic import op

revision = "search_0005"
down_revision = "search_0004"

SAVED = """
CREATE TABLE handrail_search.part (
    position int PRIMARY KEY,
    title    text NOT NULL,
    relation text NOT NULL UNIQUE,
    key      text NOT NULL,
    key_type text NOT NULL,
    columns  text[] NOT NULL,
    masks    text[] NOT NULL,
    newest   text,
    source   boolean NOT NULL,
    CHECK (cardinality(columns) = cardinality(masks))
);

CREATE TABLE handrail_search.saved_search (
    owner   text NOT NULL DEFAULT session_user,
    name    text NOT NULL CHECK (name ~ '[^[:space:]]' AND length(name) <= 60),
    asked   text NOT NULL CHECK (length(asked) <= 400),
    shared  boolean NOT NULL DEFAULT false,
    usual   boolean NOT NULL DEFAULT false,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (owner, name)
);
CREATE UNIQUE INDEX saved_search_usual ON handrail_search.saved_search (owner) WHERE usual;
ALTER TABLE handrail_search.saved_search ENABLE ROW LEVEL SECURITY;
CREATE POLICY saved_search_read ON handrail_search.saved_search FOR SELECT USING (owner = session_user OR shared);
CREATE POLICY saved_search_add ON handrail_search.saved_search FOR INSERT WITH CHECK (owner = session_user);
CREATE POLICY saved_search_change ON handrail_search.saved_search FOR UPDATE
    USING (owner = session_user) WITH CHECK (owner = session_user);
CREATE POLICY saved_search_remove ON handrail_search.saved_search FOR DELETE USING (owner = session_user)
"""

# Whose it is decides: an entry that the policies hide is not there, whatever its id.
PICTURE = r"""
CREATE FUNCTION handrail_search.seen(wanted text) RETURNS handrail_search.entry LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE found_entry handrail_search.entry;
BEGIN
    SELECT * INTO found_entry FROM handrail_search.entry WHERE client = wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no client % is to be seen by this login', left(wanted, 80) USING ERRCODE = 'HR011';
    END IF;
    RETURN found_entry;
END $$;

CREATE FUNCTION handrail_search.client(wanted text) RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here handrail_search.entry := handrail_search.seen(wanted);
BEGIN
    RETURN jsonb_build_object(
        'client', here.client, 'changed_at', here.changed_at,
        'tenant', (SELECT name FROM handrail_search.tenant WHERE id = here.tenant),
        'fields', (SELECT jsonb_agg(jsonb_build_object('name', name, 'title', title, 'masked', masked,
                       'value', CASE WHEN masked THEN handrail_search.mask(kind, here.shown[position])
                                     ELSE here.shown[position] END) ORDER BY position)
                   FROM handrail_search.field),
        'history', (SELECT coalesce(jsonb_agg(jsonb_build_object('field', h.field, 'before',
                        CASE WHEN f.masked THEN handrail_search.mask(f.kind, h.before) ELSE h.before END, 'after',
                        CASE WHEN f.masked THEN handrail_search.mask(f.kind, h.after) ELSE h.after END,
                        'at', h.at) ORDER BY h.id DESC), '[]')
                    FROM (SELECT * FROM handrail_search.history WHERE client = here.client
                          ORDER BY id DESC LIMIT 50) h JOIN handrail_search.field f ON f.name = h.field),
        'parts', (SELECT coalesce(jsonb_agg(jsonb_build_object('relation', relation, 'title', title, 'source', source)
                      ORDER BY position), '[]') FROM handrail_search.part));
END $$;

CREATE FUNCTION handrail_search.part_of(wanted text, of_relation text, top int DEFAULT 20) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here handrail_search.entry := handrail_search.seen(wanted);
    one handrail_search.part;
    there text[];
    cells text;
    made jsonb;
BEGIN
    SELECT * INTO one FROM handrail_search.part WHERE relation = of_relation;
    -- a migration may have dropped the table, made another under its name, or dropped columns of it
    there := ARRAY(SELECT attname::text FROM pg_attribute
                   WHERE attrelid = to_regclass(one.relation) AND attnum > 0 AND NOT attisdropped);
    IF NOT FOUND OR one.key <> ALL (there) OR NOT has_table_privilege(to_regclass(one.relation), 'SELECT') THEN
        RETURN jsonb_build_object('there', false, 'rows', '[]'::jsonb);
    END IF;
    SELECT array_agg(name ORDER BY place), string_agg(CASE WHEN mask = '' THEN format('left(t.%I::text, 2000)', name)
                           ELSE format('handrail_search.mask(%L, t.%I::text)', mask, name) END, ', ' ORDER BY place)
        INTO one.columns, cells FROM unnest(one.columns, one.masks) WITH ORDINALITY AS u (name, mask, place)
        WHERE name = ANY (there);
    EXECUTE format('SELECT jsonb_agg(to_jsonb(ARRAY[%s]::text[])) FROM (SELECT * FROM %s t WHERE t.%I = $1::%s'
                   ' %s LIMIT %s) t',
                   cells, one.relation::regclass, one.key, one.key_type,
                   CASE WHEN one.newest = ANY (there) THEN format('ORDER BY t.%I DESC NULLS LAST', one.newest)
                        ELSE '' END,
                   least(greatest(top, 1), 500) + 1)
        INTO made USING here.client;
    RETURN jsonb_build_object('there', true, 'columns', to_jsonb(coalesce(one.columns, '{}')),
                              'rows', coalesce(made, '[]'));
END $$;

-- In two transactions: who asks in one, and takes it back, has been told nothing. This one says why, and answers with
-- the number of the event.
CREATE FUNCTION handrail_search.reveal(wanted text, of_field text, reason text) RETURNS bigint LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here handrail_search.entry := handrail_search.seen(wanted);
    place int := (SELECT position FROM handrail_search.field WHERE name = of_field);
BEGIN
    IF place IS NULL THEN
        RAISE EXCEPTION 'a client has no field %', left(of_field, 40) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF coalesce(length(btrim(reason)), 0) < 4 THEN
        RAISE EXCEPTION 'a clear value needs a reason' USING ERRCODE = 'HR012';
    END IF;
    RETURN handrail_search.say('revealed', jsonb_build_object(
        'client', here.client, 'field', of_field, 'reason', left(btrim(reason), 400),
        'transaction', pg_current_xact_id()::text));
END $$;

CREATE FUNCTION handrail_search.revealed(number bigint) RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said jsonb := handrail_search.stands(number);
    here handrail_search.entry;
BEGIN
    IF said IS NULL THEN
        RAISE EXCEPTION 'a clear value needs a reason that stands in the journal' USING ERRCODE = 'HR012';
    END IF;
    here := handrail_search.seen(said ->> 'client');
    RETURN here.shown[(SELECT position FROM handrail_search.field WHERE name = said ->> 'field')];
END $$;

CREATE FUNCTION handrail_search.exported(asked text, rows int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM handrail_search.say('clients exported', jsonb_build_object('asked', left(asked, 400), 'rows', rows));
END $$
"""

# A thousand are counted, more are told as more: counting all of a large tenant is what its own page is for.
TENANTS = r"""
CREATE FUNCTION handrail_search.tenants(begins text DEFAULT '', after text DEFAULT NULL, top int DEFAULT 50)
    RETURNS TABLE (name text, clients bigint, changed_at timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
    SELECT t.name, (SELECT count(*) FROM (SELECT FROM handrail_search.entry e WHERE e.tenant = t.id LIMIT 1001) AS few),
           (SELECT e.changed_at FROM handrail_search.entry e WHERE e.tenant = t.id AND e.changed_at IS NOT NULL
            ORDER BY e.changed_at DESC LIMIT 1)
    FROM (SELECT id, name FROM handrail_search.tenant
          WHERE (after IS NULL OR name > after)
            AND (begins = '' OR strpos(handrail_search.fold(name), handrail_search.fold(begins)) > 0)
          ORDER BY name LIMIT least(greatest(top, 1), 500)) AS t
    ORDER BY t.name
$$;

-- The first values that a field has among the clients that are seen, one index probe each.
CREATE FUNCTION handrail_search.values_of(of_field text, top int DEFAULT 12) RETURNS text[] LANGUAGE plpgsql STABLE
    SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    tenants int[] := CASE WHEN NOT handrail_search.sees_all() THEN handrail_search.my_tenants() END;
    prefix text := (SELECT code || ':' FROM handrail_search.field WHERE name = of_field AND kind = 'exact'
                        AND NOT masked);
    last text := prefix;
    found_values text[] := '{}';
BEGIN
    WHILE cardinality(found_values) < top LOOP
        IF tenants IS NULL THEN
            SELECT term INTO last FROM handrail_search.token
                WHERE term > last AND term < prefix || chr(1114111) ORDER BY term LIMIT 1;
        ELSE
            SELECT min(t.term) INTO last FROM unnest(tenants) AS mine (id) CROSS JOIN LATERAL (
                SELECT term FROM handrail_search.token WHERE tenant = mine.id
                    AND term > last AND term < prefix || chr(1114111) ORDER BY term LIMIT 1) t;
        END IF;
        EXIT WHEN last IS NULL;
        found_values := found_values || substr(last, length(prefix) + 1);
    END LOOP;
    RETURN found_values;
END $$;

CREATE FUNCTION handrail_search.tenant_size(wanted text) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT count(*) FROM handrail_search.entry e
    WHERE e.tenant = (SELECT id FROM handrail_search.tenant WHERE name = wanted)
$$
"""


def upgrade() -> None:
    for statement in (SAVED, PICTURE, TENANTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION handrail_search.values_of(text, int), handrail_search.tenant_size(text),"
               " handrail_search.tenants(text, text, int),"
               " handrail_search.exported(text, int), handrail_search.revealed(bigint),"
               " handrail_search.reveal(text, text, text),"
               " handrail_search.part_of(text, text, int), handrail_search.client(text),"
               " handrail_search.seen(text)")  # fmt: skip
    op.execute("DROP TABLE handrail_search.saved_search, handrail_search.part")
