"""How text becomes what is searched: folded, split, and each piece under the letters of its field.

Case, accents, vowel points, ligatures, width and invisible characters make no difference. It is the same function
that folds what is written in a row and what somebody types, and it needs no extension.
"""

from __future__ import annotations

from alembic import op

revision = "search_0001"
down_revision: str | None = None

# What joins or marks other letters and is no letter itself: combining marks of Latin, Greek and Cyrillic, Hebrew and
# Arabic points, the tatweel, zero-width and bidirectional controls, variation selectors.
MARKS = (
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc"
    "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]+"
)
# Letters that stand for one, with the one; those that stand for two are replaced one by one.
SINGLE = ("øłđıðςħŧŋ", "oldidσhtn")
DOUBLE = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}
# Between words. NFKD has turned the wide forms of these into the narrow ones.
BETWEEN = (
    "\t\n\r\v\f\x1c\x1d\x1e\x1f\u0085\u2028\u2029"
    " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u00a1\u00a6\u00a7\u00ab\u00b0\u00b6\u00b7\u00bb\u00bf"
    "\u2010\u2011\u2012\u2013\u2014\u2015\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u2022\u2026\u2032\u2033\u2039\u203a"
    "\u05be\u060c\u061b\u061f\u06d4\u0964\u0965"
    "\u3001\u3002\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u30fb"
)

WORDS_OF_A_FIELD = 24
LONGEST_WORD = 40
LONGEST_ADDRESS = 120
LONGEST_NUMBER = 24

# The collation is the best that the server has: its own since 17, the C library's, ICU's; else only A to Z fold.
# The bodies are bound to their operators here and now, whatever stands on a caller's search_path (FM-P3), and so can
# be inlined.
FOLD = """
DO $do$
DECLARE
    best text := (SELECT quote_ident(collname) FROM pg_catalog.pg_collation
                  WHERE collname IN ('pg_c_utf8', 'C.utf8', 'C.UTF-8', 'en_US.utf8', 'und-x-icu')
                    AND collencoding IN (-1, pg_catalog.pg_char_to_encoding('UTF8'))
                  ORDER BY pg_catalog.array_position(
                      ARRAY['pg_c_utf8', 'C.utf8', 'C.UTF-8', 'en_US.utf8', 'und-x-icu']::name[], collname) LIMIT 1);
BEGIN
    EXECUTE pg_catalog.format($make$
CREATE FUNCTION handrail_search.fold(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE WHEN octet_length(written) = length(written) THEN lower(written COLLATE %1$s) ELSE {double} END
$make$, 'pg_catalog.' || coalesce(best, '"C"'));
END $do$
"""


def _quoted(characters: str) -> str:
    """As a SQL literal in pure ASCII."""
    escaped = "".join(f"\\{ord(char):04x}" for char in characters)
    return f"U&'{escaped}'"


def _folded() -> str:
    found = f"regexp_replace(lower(normalize(written, NFKD) COLLATE %1$s), {_quoted(MARKS)}, '', 'g')"
    for one, two in DOUBLE.items():
        found = f"replace({found}, {_quoted(one)}, '{two}')"
    return f"translate({found}, {_quoted(SINGLE[0])}, {_quoted(SINGLE[1])})"


WORDS = f"""
CREATE FUNCTION handrail_search.words(written text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN (SELECT coalesce(array_agg(word ORDER BY place), '{{}}')
    FROM (SELECT left(part, {LONGEST_WORD}) AS word, min(place) AS place
          FROM unnest(string_to_array(translate(handrail_search.fold(left(written, 4000)), {_quoted(BETWEEN)},
                                                repeat(' ', {len(BETWEEN)})), ' '))
               WITH ORDINALITY AS parts (part, place)
          WHERE part <> '' GROUP BY 1 ORDER BY 2 LIMIT {WORDS_OF_A_FIELD}) AS found)
"""

# digits alone; the same number written +49 (30) 12 and 4930-12 is one
DIGITS = """
CREATE FUNCTION handrail_search.digits(written text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN regexp_replace(normalize(written, NFKC), '[^0-9]+', '', 'g')
"""

# A function a kind: one that held them all would set up every branch for each value.
TERMS = f"""
CREATE FUNCTION handrail_search.word_terms(code text, written text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN ARRAY(SELECT code || ':' || word FROM unnest(handrail_search.words(written)) AS word);

CREATE FUNCTION handrail_search.number_terms(code text, number text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN CASE WHEN length(number) < 3 THEN '{{}}'::text[]
                ELSE ARRAY[code || ':' || number, code || 'r:' || reverse(number)] END;

CREATE FUNCTION handrail_search.whole_terms(code text, written text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    RETURN array_remove(ARRAY[code || ':' || left(btrim(translate(
        handrail_search.fold(left(written, 1000)), E'\\t\\n\\r\\x0b\\f', '     ')), {LONGEST_ADDRESS})], code || ':');

CREATE FUNCTION handrail_search.terms(code text, kind text, written text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE kind
        WHEN 'words' THEN handrail_search.word_terms(code, written)
        WHEN 'phone' THEN handrail_search.number_terms(
            code, right(handrail_search.digits(written), {LONGEST_NUMBER}))
        ELSE handrail_search.whole_terms(code, written) END
"""

# What may be shown of a value that is kept back: enough to recognise it with somebody who knows it.
MASK = """
CREATE FUNCTION handrail_search.mask(kind text, written text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN written IS NULL OR written = '' THEN written
        WHEN kind = 'email' AND strpos(written, '@') > 1 THEN
            left(written, 1) || U&'\\2022\\2022\\2022@' || left(split_part(split_part(written, '@', 2), '.', 1), 8)
            || U&'\\2026'
        WHEN kind = 'phone' AND length(handrail_search.digits(written)) > 5 THEN
            U&'\\2022\\2022\\2022\\2022' || right(handrail_search.digits(written), 2)
        ELSE U&'\\2022\\2022\\2022' END
"""


def upgrade() -> None:
    op.execute(FOLD.replace("{double}", _folded()))
    for statement in (WORDS, DIGITS, TERMS, MASK):
        op.execute(statement)


def downgrade() -> None:
    for function in (
        "mask(text, text)",
        "terms(text, text, text)",
        "whole_terms(text, text)",
        "number_terms(text, text)",
        "word_terms(text, text)",
        "digits(text)",
        "words(text)",
        "fold(text)",
    ):
        op.execute(f"DROP FUNCTION handrail_search.{function}")
