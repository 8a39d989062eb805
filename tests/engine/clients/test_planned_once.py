"""Older servers plan an SQL function that is not inlined at every call: none is left that is called for each client."""

from __future__ import annotations

import json
import random
import re

import psycopg
import pytest

from console.engine.clients import indexing
from db import revisions
from db.session import Target
from tests.driving import ask
from tests.engine.clients import crowd
from tests.engine.clients.stepping import in_step

REVISION = "search_0006"
SEED = 20_261_121
SCRIPTS = ((32, 127), (0xA0, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xA00), (0x1E00, 0x2070),
           (0x2100, 0x2400), (0x3000, 0x3200), (0xAC00, 0xAD00), (0xF900, 0xFFFE), (0x1D400, 0x1D800),
           (0x1F1E6, 0x1F9FF), (0xE0100, 0xE01F0), (1, 32), (0x10000, 0x110000))  # fmt: skip
BETWEEN = (" ", "  ", "\t", "\r\n", "\x0b", "\xa0", "\u200b", "-", "@", ".", "’", "،", "・", "\u3000", "\u202e", "")
EDGES = ("", " ", "\n\t", "\u0301", "ß", "ﷺ" * 300, "á" * 4001, "a" * 4000 + " b", "x " * 3000, "ab " * 30, "É.V@Example.COM ",
         " ".join(f"w{n}" for n in range(60)), "a" * 40 + "3 " + "a" * 40 + "4", "x" * 119 + " y", "x" * 120 + "y",
         "👩‍👩‍👧‍👦", "\u202eabc\u202c", "12", "123", "1" * 24, "1" * 25, "²" * 30, "+49 (30) 1234-5678", "١٢٣٤", "１２３４")  # fmt: skip

PLANS = ["SELECT l FROM handrail_search.entry, handrail_search.lines(client, shown) AS l",
         "SELECT s.term FROM handrail_search.entry e, handrail_search.split(e.n, e.tenant, e.terms) AS s"]  # fmt: skip


@pytest.mark.parametrize("question", PLANS, ids=["lines", "split"])
def test_what_an_entry_holds_is_one_plan(full: Target, question: str) -> None:
    plan = json.dumps(ask(full, f"EXPLAIN (VERBOSE, FORMAT JSON) {question}"))
    assert re.findall(r"handrail_search\.(\w+)\(", plan) == []


def test_no_write_waits_for_its_plan_to_be_compiled(full: Target) -> None:
    """That takes a third of a second, where the server's packages bring it."""
    if not ask(full, "SELECT pg_jit_available()"):
        pytest.skip("this server compiles nothing")
    told: list[str] = []
    with psycopg.connect(full.url, autocommit=True) as line:
        line.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        line.execute("LOAD 'auto_explain'")
        line.execute("SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;"
                     " SET auto_explain.log_analyze = on; SET client_min_messages = log")  # fmt: skip
        line.execute("INSERT INTO clients_enhanced (name) VALUES ('Compiled')")
    assert any("handrail_search.lines" in plan for plan in told)
    assert [plan for plan in told if "JIT:" in plan] == []


def texts() -> list[str | None]:
    chance = random.Random(SEED)

    def word() -> str:
        first, end = chance.choice(SCRIPTS)
        return "".join(chr(chance.randrange(first, end)) for _ in range(chance.choice([1, 2, 3, 8, 41])))

    made = [
        "".join(chance.choice([word(), chance.choice(crowd.FIRST)]) + chance.choice(BETWEEN) for _ in range(words))
        for words in chance.choices([1, 2, 3, 8, 30], k=600)
    ]
    return [None, *EDGES, *crowd.FIRST, *made]


ANSWERS = {
    "fold": "SELECT jsonb_agg(handrail_search.fold(t) ORDER BY n) FROM given",
    "words": "SELECT jsonb_agg(handrail_search.words(t) ORDER BY n) FROM given",
    "whole": "SELECT jsonb_agg(handrail_search.whole_terms('e', t) ORDER BY n) FROM given",
    "split": "SELECT jsonb_agg(s ORDER BY g.n, s.term) FROM given g, handrail_search.split(g.n, 1, g.t) AS s",
    # each in another field, so that each is met as every kind
    **{
        f"lines {place}": "SELECT jsonb_agg(l ORDER BY n) FROM (SELECT n, handrail_search.lines(t, array_fill(''::text,"
        f" ARRAY[{place}]) || t) AS l FROM given WHERE t IS NOT NULL) AS made"
        for place in range(8)
    },
}


def answers(target: Target) -> dict[str, object]:
    given = "WITH given AS (SELECT n, t FROM unnest(%s::text[]) WITH ORDINALITY AS g (t, n)) "
    return {name: ask(target, given + question, texts()) for name, question in ANSWERS.items()}


def before_it(target: Target) -> None:
    with target.executor_connection("test") as connection, connection.begin():
        for revision in reversed(revisions.known(revisions.SEARCH)):
            if revision >= REVISION:
                revisions.downgrade(connection, revisions.SEARCH, revision)


def test_every_text_is_answered_as_before(full: Target) -> None:
    """So that what was indexed before is found by what is folded now."""
    now = answers(full)
    before_it(full)
    before = answers(full)
    assert [name for name in ANSWERS if now[name] != before[name]] == []
    assert len(str(now)) > 1_000_000


FUNCTIONS = """
SELECT jsonb_object_agg(oid::regprocedure, jsonb_build_array(proowner::regrole, proacl, proconfig, prosecdef))
FROM pg_proc WHERE pronamespace = 'handrail_search'::regnamespace
"""


def test_an_index_that_is_there_goes_on(full: Target) -> None:
    """Made by the functions before, followed by those after; owned and granted as a new one."""
    functions = ask(full, FUNCTIONS)
    before_it(full)
    ask(full, "INSERT INTO clients_enhanced (name) VALUES ('Before')")
    assert in_step(full)
    indexing.make(full, crowd.AGENCY, "full")
    ask(full, "INSERT INTO clients_enhanced (name) VALUES ('Afterwards')")
    assert in_step(full)
    assert ask(full, FUNCTIONS) == functions
