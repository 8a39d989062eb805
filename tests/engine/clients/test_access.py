"""The access matrix: every right of every kind of login in handrail's own schemas is written down, and no other is
there (FM-P13, FM-P14). The privileges are asked of the catalog; test_tries.py tries what they are to keep back."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.engine import leaks
from db.session import Target
from tests import access
from tests.conftest import cloned
from tests.servers import Server

WRITTEN = (Path(__file__).parent / "access.txt").read_text()


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    yield from cloned(server, indexed)


def wrong(found: dict[access.Cell, bool]) -> list[str]:
    """What is otherwise than written: objects that came or went, and cells."""
    objects, held = access.read(WRITTEN)
    there = {cell[0] for cell in found}
    lines = [f"not written of: {one}" for one in sorted(there - objects)]
    lines += [f"gone: {one}" for one in sorted(objects - there)]
    for cell, may in found.items():
        if may != (cell in held):
            lines.append(f"{cell[3]} {'has' if may else 'has not'} {cell[2]} on {cell[0]} {cell[1]}".rstrip())
    return lines


def test_every_cell_is_as_written(target: Target) -> None:
    found = access.cells(target)
    assert len(found) > 10_000
    diff = "".join(difflib.unified_diff(WRITTEN.splitlines(True), access.written(found).splitlines(True), n=1))
    assert wrong(found) == [], f"as it is now:\n{diff}"


def test_no_cell_is_written_that_is_not_asked(target: Target) -> None:
    """A word of the file that is spelt wrongly would else be held by nobody, unnoticed."""
    asked = set(access.cells(target))
    assert {cell for cell in access.read(WRITTEN)[1] if cell not in asked} == set()


PLANTED = [
    ("CREATE TABLE handrail_search.more (a int)", "not written of: table handrail_search.more"),
    ("CREATE VIEW handrail.more AS SELECT 1 AS a", "not written of: view handrail.more"),
    ("CREATE SEQUENCE handrail_search.more", "not written of: sequence handrail_search.more"),
    ("CREATE FUNCTION handrail_search.more(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'", "no group has EXECUTE on function handrail_search.more(a integer)"),
    ("CREATE TYPE handrail_search.more AS ENUM ('a')", "not written of: type handrail_search.more"),
    ("GRANT SELECT ON handrail_search.entry TO handrail_support", "support of none has SELECT on table handrail_search.entry"),
    ("GRANT SELECT (shown) ON handrail_search.entry TO handrail_support", "support has SELECT on table handrail_search.entry shown"),
    ("GRANT UPDATE (owner) ON handrail_search.saved_search TO handrail_support", "support has UPDATE on table handrail_search.saved_search owner"),
    ("GRANT TRUNCATE ON handrail_search.history TO handrail_engineer", "engineer has TRUNCATE on table handrail_search.history"),
    ("GRANT REFERENCES ON handrail_search.entry TO service_role", "service role has REFERENCES on table handrail_search.entry"),
    ("GRANT TRIGGER ON handrail_search.entry TO anon", "anon has TRIGGER on table handrail_search.entry"),
    ("GRANT USAGE ON SEQUENCE handrail.run_id_seq TO handrail_approver", "approver has USAGE on sequence handrail.run_id_seq"),
    ("GRANT EXECUTE ON FUNCTION handrail_search.about(text[]) TO handrail_support", "support of two has EXECUTE on function handrail_search.about(prefixes text[])"),
    ("GRANT EXECUTE ON FUNCTION handrail_search.grant_tenant(text, text) TO PUBLIC", "no group has EXECUTE on function handrail_search.grant_tenant(to_login text, wanted text)"),
    ("GRANT USAGE ON SCHEMA handrail_search TO authenticated", "authenticated has USAGE on schema handrail_search"),
    ("GRANT handrail_admin TO handrail_support", "support has SELECT on table handrail_search.tenant_access"),
    ("REVOKE SELECT ON handrail_search.state FROM handrail_support", "support has not SELECT on table handrail_search.state"),
    ("DROP FUNCTION handrail_search.exported(text, int)", "gone: function handrail_search.exported(asked text, rows integer)"),
]  # fmt: skip


@pytest.mark.newest
@pytest.mark.parametrize(("statement", "said"), PLANTED, ids=[one[0] for one in PLANTED])
def test_what_nobody_wrote_down_turns_it_red(target: Target, statement: str, said: str) -> None:
    with psycopg.connect(target.url) as connection:
        connection.execute(statement.encode())
        assert said in wrong(access.asked_of(connection))
        connection.rollback()
    assert said not in wrong(access.cells(target))


def test_the_lints_find_nothing_in_our_own_schemas(target: Target) -> None:
    """FM-P1 to FM-P4, FM-P9, FM-P13: on a target whose clients are indexed."""
    with target.session() as session:
        assert leaks.look(session.connection()) == []
