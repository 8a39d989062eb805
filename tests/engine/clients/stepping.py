"""Whether the index says what the tables say: every entry, every term, and nothing besides."""

from __future__ import annotations

from db.session import Target
from tests.driving import ask
from tests.engine.clients.brute import Crowd

WRITTEN = """
WITH wanted AS (
    SELECT d.client, left(coalesce(btrim(d.tenant), ''), 200) AS tenant, d.changed_at,
           handrail_search.lines(d.client, d.written) AS terms,
           ARRAY(SELECT left(one, 200) FROM unnest(d.written) WITH ORDINALITY AS u (one, place) ORDER BY place) AS shown
    FROM handrail_search.documents(%s) AS d
), held AS (
    SELECT e.client, t.name AS tenant, e.changed_at, e.terms, e.shown
    FROM handrail_search.entry e JOIN handrail_search.tenant t ON t.id = e.tenant
)
SELECT array_agg(format('%%s: %%s', side, client)) FROM (
    (SELECT 'missing' AS side, * FROM wanted EXCEPT SELECT 'missing', * FROM held)
    UNION ALL (SELECT 'too much', * FROM held EXCEPT SELECT 'too much', * FROM wanted)) AS different
"""
TERMS = """
WITH wanted AS (
    SELECT DISTINCT n, tenant, term FROM handrail_search.entry, string_to_table(terms, E'\\n') AS term WHERE term <> ''
)
SELECT array_agg(format('%s: %s %s', side, n, term)) FROM (
    (SELECT 'missing' AS side, n, tenant, term FROM wanted EXCEPT ALL
     SELECT 'missing', n, tenant, term FROM handrail_search.token)
    UNION ALL (SELECT 'too much', n, tenant, term FROM handrail_search.token EXCEPT ALL
     SELECT 'too much', n, tenant, term FROM wanted)) AS different
"""


def differences(target: Target) -> list[str]:
    """What is missing, what is too much; the fields of each client are checked against the tables themselves."""
    crowd = Crowd(target)
    found: list[str] = ask(target, WRITTEN, sorted(crowd.all)) or []
    if ask(target, "SELECT profile FROM handrail_search.state") == "full":
        found += ask(target, TERMS) or []
    names: list[str] = ask(target, "SELECT array_agg(name ORDER BY position) FROM handrail_search.field")
    shown = ask(target, "SELECT jsonb_object_agg(client, shown) FROM handrail_search.entry") or {}
    for id, values in crowd.values.items():
        wanted = [(values.get(name) or "")[:200] for name in names]
        if id in shown and [value or "" for value in shown[id]] != wanted:
            found.append(f"other values: {id}")
    return found


def in_step(target: Target) -> bool:
    ask(target, "SELECT handrail_search.catch_up(10000)")  # as the next write would
    found = differences(target)
    assert not found, f"{len(found)}, the first: {found[:5]}"
    waiting = ask(target, "SELECT jsonb_agg(p) FROM handrail_search.pending p")
    assert waiting is None, waiting
    return True
