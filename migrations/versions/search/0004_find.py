"""Finding clients with bounded work for every term: the first rows of an ordered range, never all of them.

find() runs as handrail_finder, whom the policies bind to the tenants of the login that asked. Each word of the
question has arms, one a field that it may be found in: a prefix to begin the range with, and what else the client
must have. The word with the fewest terms leads; the others are looked for in the entries that it finds.
"""

from __future__ import annotations

from alembic import op

revision = "search_0004"
down_revision = "search_0003"

# A word's place in the order of the fields is its rank: found in the name before found in the address.
ARMS = """
CREATE FUNCTION handrail_search.arms(asked text, wanted text)
    RETURNS SETOF handrail_search.arm LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    WITH said AS (
        SELECT handrail_search.words(asked) AS pieces,
               CASE WHEN asked ~ '^[-+0-9()/. ]+$' THEN handrail_search.digits(asked) ELSE '' END AS number
    ), known AS (
        SELECT f.* FROM handrail_search.field f WHERE f.name = wanted OR wanted IS NULL AND f.anywhere
            OR wanted = 'tenant' AND f.name = (SELECT tenant_field FROM handrail_search.state)
    )
    SELECT position, name, code || ':' || lead,
           ARRAY(SELECT code || ':' || piece FROM unnest(pieces) AS piece WHERE piece <> lead)
    FROM known, said, LATERAL (SELECT piece AS lead FROM unnest(pieces) AS piece ORDER BY length(piece) DESC LIMIT 1) l
    WHERE kind = 'words'
    UNION ALL
    SELECT position, name, whole, '{}' FROM known, unnest(handrail_search.whole_terms(code, asked)) AS whole
    WHERE kind IN ('email', 'exact')
    UNION ALL
    SELECT position, name, code || way || digits, '{}'
    FROM known, said, LATERAL (
        VALUES (':', number), (':', ltrim(number, '0')), ('r:', reverse(number)),
               ('r:', CASE WHEN length(number) > 6 THEN reverse(ltrim(number, '0')) END)) AS ways (way, digits)
    WHERE kind = 'phone' AND length(digits) >= 2
    GROUP BY 1, 2, 3
    UNION ALL
    SELECT 0, 'id', 'i:' || translate(lower(left(asked, 80)), E'\n', ' '), '{}'
    WHERE wanted = 'id' OR wanted IS NULL AND asked ~ '^[0-9A-Za-z_-]{4,80}$'
$$
"""

# How many there may be, from the planner's figures, which only a volatile function may ask; for those who see every
# tenant, or it would tell of others. The arms of a word mostly find the same clients: the largest counts.
ABOUT = """
CREATE FUNCTION handrail_search.about(prefixes text[]) RETURNS bigint LANGUAGE plpgsql VOLATILE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one text;
    plan json;
    most bigint := 0;
BEGIN
    IF NOT handrail_search.sees_all() THEN
        RETURN NULL;
    END IF;
    FOREACH one IN ARRAY prefixes LOOP
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM handrail_search.token WHERE term >= %L AND term < %L',
                       one, one || chr(1114111)) INTO plan;
        most := greatest(most, (plan -> 0 -> 'Plan' ->> 'Plan Rows')::bigint);
    END LOOP;
    RETURN most;
END $$
"""

# The statements are put together from ranks, limits and quoted literals alone.
PIECES = r"""
CREATE FUNCTION handrail_search.holds(arms handrail_search.arm[]) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce('(' || string_agg(
        (SELECT string_agg(format('strpos(e.terms, %L) > 0', E'\n' || one), ' AND ')
         FROM unnest(a.prefix || a.checks) AS one), ' OR ') || ')', 'false')
    FROM unnest(arms) AS a
$$;

CREATE FUNCTION handrail_search.ranges(arms handrail_search.arm[], tenants int[], most int) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(CASE WHEN tenants IS NULL
        THEN format('(SELECT n, %s AS rank, term FROM handrail_search.token WHERE term >= %L AND term < %L'
                    ' ORDER BY term, n LIMIT %s)', a.rank, a.prefix, a.prefix || chr(1114111), most)
        ELSE format('(SELECT t.n, %s AS rank, t.term FROM unnest(%L::int[]) AS mine (id) CROSS JOIN LATERAL'
                    ' (SELECT n, term FROM handrail_search.token WHERE tenant = mine.id AND term >= %L AND term < %L'
                    ' ORDER BY term LIMIT %s) t LIMIT %s)',
                    a.rank, tenants, a.prefix, a.prefix || chr(1114111), most, most) END, ' UNION ALL ')
    FROM unnest(arms) AS a
$$
"""

ARM = "CREATE TYPE handrail_search.arm AS (rank int, field text, prefix text, checks text[])"

# asked: [{"text": "smi", "field": null, "not": false}, ...]; most: how many terms of the lead_arms word are followed.
# The answer: rows, count and whether it is exact, about, or a least; complete: no row is missing from a page that is
# not full; tried: whether a term was left out because it is no word at all.
FIND = r"""
CREATE FUNCTION handrail_search.find(asked jsonb, wanted_tenant text DEFAULT NULL, top int DEFAULT 50,
                                     most int DEFAULT 2000, after bigint DEFAULT 0)
    RETURNS jsonb LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off SET jit = off SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    everywhere boolean := handrail_search.sees_all();
    tenants int[];
    full_profile boolean;
    made text;
    piece jsonb;
    arms handrail_search.arm[];
    lead_arms handrail_search.arm[];
    fewest bigint;
    number bigint;
    guess bigint;
    fewest_guess bigint;
    pieces int := 0;
    filters text[] := '{}';
    why text[] := '{}';
    ignored text[] := '{}';
    source text;
    cells text := (SELECT string_agg(CASE WHEN masked THEN format('handrail_search.mask(%L, shown[%s])', kind, position)
                                          ELSE format('shown[%s]', position) END, ', ' ORDER BY position)
                   FROM handrail_search.field);
    tries int[];
    follow int;
    tried bigint;
    followed bigint;
    rows jsonb;
    total bigint;
    cut boolean := false;
    reads_all boolean;
    exactly CONSTANT int := 1000;
BEGIN
    SELECT profile = 'full', made_at::text INTO full_profile, made FROM handrail_search.state WHERE ready;
    IF full_profile IS NULL THEN
        RAISE EXCEPTION 'the clients are not indexed yet' USING ERRCODE = 'HR010';
    END IF;
    top := least(greatest(top, 1), 500);
    most := least(greatest(most, exactly), 100000);
    IF wanted_tenant IS NOT NULL THEN
        -- under the policy of this table: a tenant that is not seen is not there
        tenants := ARRAY(SELECT id FROM handrail_search.tenant WHERE name = wanted_tenant);
    ELSIF NOT everywhere THEN
        tenants := handrail_search.my_tenants();
    END IF;

    FOR piece IN SELECT * FROM jsonb_array_elements(asked) LOOP
        arms := ARRAY(SELECT a FROM handrail_search.arms(piece ->> 'text', piece ->> 'field') AS a
                      ORDER BY a.rank, a.prefix);
        IF arms = '{}' THEN
            ignored := ignored || (piece ->> 'text');
            CONTINUE;
        END IF;
        IF (piece ->> 'not')::boolean THEN
            filters := filters || ('NOT ' || handrail_search.holds(arms));
            CONTINUE;
        END IF;
        filters := filters || handrail_search.holds(arms);
        why := why || (SELECT 'CASE ' || string_agg(
            format('WHEN %s THEN %L', handrail_search.holds(ARRAY[a]), a.field), ' ' ORDER BY a.rank) || ' END'
            FROM unnest(arms) AS a);
        pieces := pieces + 1;
        IF full_profile THEN
            EXECUTE format('SELECT count(*) FROM (SELECT FROM (%s) AS one LIMIT %s) AS few',
                           handrail_search.ranges(arms, tenants, exactly + 1), exactly + 1) INTO number;
            guess := NULL;
            IF number > exactly THEN
                guess := handrail_search.about(ARRAY(SELECT prefix FROM unnest(arms)));
            END IF;
            IF lead_arms IS NULL OR number < fewest OR number = fewest AND guess < fewest_guess THEN
                lead_arms := arms;
                fewest := number;
                fewest_guess := guess;
            END IF;
        END IF;
    END LOOP;

    IF tenants IS NOT NULL THEN
        filters := filters || format('e.tenant = ANY (%L::int[])', tenants);
    END IF;
    IF after > 0 THEN
        filters := filters || format('e.n > %s', after);
    END IF;
    -- what is rare is followed to its end, and so counted exactly; what is common as far as it takes to fill the page
    cut := coalesce(fewest > exactly, false);
    reads_all := lead_arms IS NULL AND pieces > 0;  -- the lite profile has no terms to follow
    tries := CASE WHEN lead_arms IS NULL THEN ARRAY[most]
                  WHEN cut THEN ARRAY[4 * top, greatest(4 * top, most / cardinality(lead_arms))]
                  ELSE ARRAY[exactly] END;
    FOREACH follow IN ARRAY tries LOOP
        IF lead_arms IS NOT NULL THEN
            source := format('SELECT n, min(chr(65 + rank) || term COLLATE "C") AS place, count(*) AS times'
                             ' FROM (%s) AS one GROUP BY n',
                             handrail_search.ranges(lead_arms, tenants, follow));
        ELSIF reads_all THEN
            source := 'SELECT 0 AS times WHERE false';
        ELSE
            source := format('SELECT n, lpad(n::text, 20) AS place, 1 AS times FROM %s', CASE WHEN tenants IS NULL
                THEN format('(SELECT n FROM handrail_search.entry WHERE n > %s ORDER BY n LIMIT %s) AS e',
                            after, follow)
                ELSE format('unnest(%L::int[]) AS mine (id) CROSS JOIN LATERAL (SELECT n FROM handrail_search.entry'
                            ' WHERE tenant = mine.id AND n > %s ORDER BY n LIMIT %s) AS e',
                            tenants, after, follow) END);
        END IF;
        EXECUTE format(
            'WITH candidate AS MATERIALIZED (%s), met AS MATERIALIZED (SELECT e.n, e.client, e.tenant, e.changed_at,'
            ' e.shown, place, %s AS why FROM %s WHERE %s),'
            ' page AS (SELECT * FROM met ORDER BY place COLLATE "C", n LIMIT %s)'
            ' SELECT (SELECT jsonb_agg(jsonb_build_object(''n'', n, ''client'', client, ''tenant'', t.name,'
            ' ''changed_at'', changed_at, ''shown'', ARRAY[%s], ''why'', why) ORDER BY place COLLATE "C", n)'
            ' FROM page LEFT JOIN handrail_search.tenant t ON t.id = page.tenant),'
            ' (SELECT count(*) FROM met), count(*), coalesce(sum(times), 0) FROM candidate', source,
            CASE WHEN why = '{}' THEN '''{}''::text[]' ELSE 'ARRAY[' || array_to_string(why, ', ') || ']' END,
            CASE WHEN reads_all THEN '(SELECT *, lpad(n::text, 20) AS place FROM handrail_search.entry) AS e'
                 ELSE 'candidate JOIN handrail_search.entry e USING (n)' END,
            CASE WHEN filters = '{}' THEN 'true' ELSE array_to_string(filters, ' AND ') END, top, cells)
            INTO rows, total, tried, followed;
        EXIT WHEN total >= top OR followed < follow;
    END LOOP;
    -- no range was cut off: that was all there are
    cut := cut AND followed >= follow;
    IF lead_arms IS NULL AND pieces = 0 THEN
        -- browsing: a window of all there are
        cut := tried >= follow OR after > 0;
        guess := CASE WHEN full_profile AND cardinality(filters) = 0 THEN handrail_search.about(ARRAY['i:']) END;
    ELSIF cut AND cardinality(filters) = 1 AND NOT EXISTS (
        SELECT FROM unnest(lead_arms) WHERE checks <> '{}') THEN
        guess := fewest_guess;
    ELSIF cut THEN
        guess := (fewest_guess::numeric * total / greatest(tried, 1))::bigint;
    END IF;
    RETURN jsonb_build_object(
        'rows', coalesce(rows, '[]'), 'ignored', to_jsonb(ignored), 'made', made,
        'count', CASE WHEN NOT cut THEN total ELSE greatest(guess, total) END,
        'counted', CASE WHEN NOT cut THEN 'exact' WHEN guess IS NULL THEN 'at least' ELSE 'about' END,
        'complete', NOT cut OR coalesce(jsonb_array_length(rows), 0) >= top);
END $$
"""

# Every spelling that is one slip away - a letter missing, too much, wrong, or two exchanged - and is there.
MEANT = """
CREATE FUNCTION handrail_search.meant(asked text) RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    everywhere boolean := handrail_search.sees_all();
    tenants int[] := CASE WHEN NOT everywhere THEN handrail_search.my_tenants() END;
    wrong text := (SELECT piece FROM unnest(handrail_search.words(asked)) AS piece ORDER BY length(piece) DESC LIMIT 1);
    letters text[];
BEGIN
    IF wrong IS NULL OR length(wrong) NOT BETWEEN 3 AND 24 THEN
        RETURN '{}';
    END IF;
    letters := ARRAY(
        SELECT DISTINCT letter FROM (
            SELECT substr(wrong, i, 1) AS letter FROM generate_series(1, length(wrong)) AS i
            UNION ALL SELECT chr(c) FROM generate_series(97, 122) AS c WHERE wrong ~ '[a-z]'
            UNION ALL SELECT chr(c) FROM generate_series(1072, 1119) AS c WHERE wrong ~ U&'[\\0430-\\045f]'
            UNION ALL SELECT chr(c) FROM generate_series(945, 969) AS c WHERE wrong ~ U&'[\\03b1-\\03c9]'
            UNION ALL SELECT chr(c) FROM generate_series(1488, 1514) AS c WHERE wrong ~ U&'[\\05d0-\\05ea]'
            UNION ALL SELECT chr(c) FROM generate_series(1569, 1610) AS c WHERE wrong ~ U&'[\\0621-\\064a]') AS known);
    RETURN ARRAY(
        WITH near AS (
            SELECT overlay(wrong PLACING '' FROM i FOR 1) AS word FROM generate_series(1, length(wrong)) AS i
            UNION SELECT overlay(wrong PLACING substr(wrong, i + 1, 1) || substr(wrong, i, 1) FROM i FOR 2)
                  FROM generate_series(1, length(wrong) - 1) AS i
            UNION SELECT overlay(wrong PLACING letter FROM i FOR 1)
                  FROM generate_series(1, length(wrong)) AS i, unnest(letters) AS letter
            UNION SELECT overlay(wrong PLACING letter FROM i FOR 0)
                  FROM generate_series(1, length(wrong) + 1) AS i, unnest(letters) AS letter
        ), there AS (
            SELECT near.word, found.term, f.position, found.term = f.code || ':' || near.word AS whole
            FROM near, handrail_search.field f CROSS JOIN LATERAL (
                (SELECT term FROM handrail_search.token WHERE tenants IS NULL
                     AND term >= f.code || ':' || near.word AND term < f.code || ':' || near.word || chr(1114111)
                 ORDER BY term LIMIT 1)
                UNION ALL
                (SELECT t.term FROM unnest(tenants) AS mine (id) CROSS JOIN LATERAL (
                     SELECT term FROM handrail_search.token WHERE tenant = mine.id
                     AND term >= f.code || ':' || near.word AND term < f.code || ':' || near.word || chr(1114111)
                     ORDER BY term LIMIT 1) t LIMIT 1)) AS found
            WHERE f.kind = 'words' AND f.anywhere AND near.word <> wrong AND length(near.word) > 1
        )
        SELECT word FROM there GROUP BY word
        ORDER BY bool_or(whole) DESC, (left(word, 1) = left(wrong, 1)) DESC, abs(length(word) - length(wrong)),
                 min(position), word LIMIT 3);
END $$
"""


def upgrade() -> None:
    for statement in (ARM, ARMS, ABOUT, PIECES, FIND, MEANT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION handrail_search.meant(text), handrail_search.find(jsonb, text, int, int, bigint),"
               " handrail_search.ranges(handrail_search.arm[], int[], int),"
               " handrail_search.holds(handrail_search.arm[]), handrail_search.about(text[]),"
               " handrail_search.arms(text, text)")  # fmt: skip
    op.execute("DROP TYPE handrail_search.arm")
