"""What an entry holds, worked out in one plan: a server before 18 plans an SQL function that it does not inline anew at
each call, and there were a dozen of these for each client.

What fill() asks of a client and of its terms can be written out in fill()'s own plan: each is one SELECT, not STRICT,
without settings, with rows only in FROM, and bound to its operators as before. All answer what they answered, so an
index that is there needs not be made again.
"""

from __future__ import annotations

import runpy
from pathlib import Path

from alembic import op

revision = "search_0006"
down_revision = "search_0005"

WORDS_BEFORE = runpy.run_path(str(Path(__file__).with_name("0001_words.py")))
ENTRIES_BEFORE = runpy.run_path(str(Path(__file__).with_name("0002_entries.py")))

# nothing still folds to nothing
FOLD = "ALTER FUNCTION handrail_search.fold(text) CALLED ON NULL INPUT"

WORDS = f"""
CREATE FUNCTION handrail_search.pieces(written text) RETURNS TABLE (word text, place bigint)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT left(part, {WORDS_BEFORE["LONGEST_WORD"]}), min(n)
    FROM unnest(string_to_array(translate(handrail_search.fold(left(written, 4000)),
                                          {WORDS_BEFORE["_quoted"](WORDS_BEFORE["BETWEEN"])},
                                          repeat(' ', {len(WORDS_BEFORE["BETWEEN"])})), ' '))
         WITH ORDINALITY AS parts (part, n)
    WHERE part <> '' GROUP BY 1 ORDER BY 2 LIMIT {WORDS_BEFORE["WORDS_OF_A_FIELD"]};
END;

CREATE OR REPLACE FUNCTION handrail_search.words(written text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN ARRAY(SELECT word FROM handrail_search.pieces(written) ORDER BY place)
"""

# OFFSET 0: a number is worked out once, though it is read three times
TERMS = f"""
DROP FUNCTION handrail_search.lines(text, text[]), handrail_search.terms(text, text, text),
    handrail_search.word_terms(text, text), handrail_search.number_terms(text, text);

CREATE OR REPLACE FUNCTION handrail_search.whole_terms(code text, written text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN written IS NOT NULL THEN array_remove(ARRAY[code || ':' || left(btrim(translate(
        handrail_search.fold(left(written, 1000)), E'\\t\\n\\r\\x0b\\f', '     ')),
        {WORDS_BEFORE["LONGEST_ADDRESS"]})], code || ':') END;

CREATE FUNCTION handrail_search.terms(code text, kind text, written text) RETURNS TABLE (term text, place bigint)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT code || ':' || word, place FROM handrail_search.pieces(written) WHERE kind = 'words'
    UNION ALL
    SELECT way.term, way.place
    FROM (SELECT right(handrail_search.digits(written), {WORDS_BEFORE["LONGEST_NUMBER"]}) AS number OFFSET 0) AS found,
         unnest(ARRAY[code || ':' || number, code || 'r:' || reverse(number)]) WITH ORDINALITY AS way (term, place)
    WHERE kind = 'phone' AND length(number) >= 3
    UNION ALL
    SELECT whole, 1 FROM unnest(handrail_search.whole_terms(code, written)) AS whole WHERE kind IN ('email', 'exact');
END
"""

LINES = """
CREATE FUNCTION handrail_search.lines(client text, written text[]) RETURNS SETOF text
    LANGUAGE sql STABLE ROWS 1 BEGIN ATOMIC
    SELECT E'\\ni:' || translate(lower(left(client, 80)), E'\\n', ' ') || E'\\n' || coalesce((
        SELECT string_agg(term || E'\\n', '' ORDER BY position, place)
        FROM handrail_search.field, handrail_search.terms(code, kind, written[position])), '');
END;

CREATE OR REPLACE FUNCTION handrail_search.split(n bigint, tenant int, terms text)
    RETURNS TABLE (n bigint, tenant int, term text) LANGUAGE sql IMMUTABLE BEGIN ATOMIC
    SELECT DISTINCT $1, $2, term FROM string_to_table($3, E'\\n') AS term WHERE term <> '';
END;

-- Its plan is kept for the session, and is the same for one client and for many. Compiling it would take longer (0.3 s)
-- than what it does for a thousand.
CREATE OR REPLACE FUNCTION handrail_search.fill(ids text[]) RETURNS bigint LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE fresh bigint;
BEGIN
    WITH made AS (
        INSERT INTO handrail_search.entry AS known (client, tenant, changed_at, terms, shown)
        SELECT d.client, handrail_search.tenant_of(left(coalesce(btrim(d.tenant), ''), 200)), d.changed_at, l.terms,
               ARRAY(SELECT left(one, 200) FROM unnest(d.written) WITH ORDINALITY AS u (one, place) ORDER BY place)
        FROM handrail_search.documents(ids) AS d, handrail_search.lines(d.client, d.written) AS l (terms)
        ON CONFLICT (client) DO UPDATE
            SET tenant = excluded.tenant, changed_at = excluded.changed_at, terms = excluded.terms,
                shown = excluded.shown
            WHERE (known.tenant, known.changed_at, known.terms, known.shown)
                  IS DISTINCT FROM (excluded.tenant, excluded.changed_at, excluded.terms, excluded.shown)
        RETURNING known.xmax = 0 AS added)
    SELECT count(*) FILTER (WHERE added) INTO fresh FROM made;
    RETURN fresh;
END $$
"""


def upgrade() -> None:
    for statement in (FOLD, WORDS, TERMS, LINES):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP FUNCTION handrail_search.lines(text, text[]), handrail_search.whole_terms(text, text),"
               " handrail_search.terms(text, text, text)")  # fmt: skip
    op.execute(_replaced(WORDS_BEFORE["WORDS"]))
    op.execute("DROP FUNCTION handrail_search.pieces(text)")
    op.execute("ALTER FUNCTION handrail_search.fold(text) STRICT")
    for statement in (WORDS_BEFORE["TERMS"], ENTRIES_BEFORE["LINES"], ENTRIES_BEFORE["KEPT_IN_STEP"]):
        op.execute(_replaced(statement))


def _replaced(statements: str) -> str:
    return statements.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
