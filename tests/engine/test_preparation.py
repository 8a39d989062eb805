"""What `init` gives a database, and to whom it can: a superuser, a login that may make roles, one that may not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from console.engine.preparation import arrange, prepare
from db.session import Target
from tests.driving import ask
from tests.servers import Server, serving

OWNERS = """
SELECT array_agg(DISTINCT owner) FROM (
    SELECT relowner::regrole::text AS owner FROM pg_class WHERE relnamespace = 'handrail'::regnamespace
    UNION SELECT proowner::regrole::text FROM pg_proc WHERE pronamespace = 'handrail'::regnamespace) o
"""


@pytest.fixture(params=[18, 15], ids="postgres{}".format)
def bare(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of its own: roles belong to all of its databases."""
    with serving(request.param) as started:
        yield started


def owned_by(server: Server, login: str, rights: str) -> Target:
    """A database that belongs to a login."""
    target = Target(server.create(f"of_{login}"))
    ask(target, f"CREATE ROLE {login} LOGIN {rights}")
    ask(target, f"ALTER DATABASE of_{login} OWNER TO {login}")
    return Target(target.url.replace("postgres@", f"{login}@"))


def test_who_may_make_roles_needs_no_superuser(bare: Server) -> None:
    maker = owned_by(bare, "maker", "CREATEROLE")
    for _ in range(2):
        assert arrange(maker, "shop") == ""
    assert ask(maker, OWNERS) == ["handrail_owner", "handrail_witness"]
    # where somebody else made the groups, it makes the tables, and says what is left
    another = owned_by(bare, "another", "CREATEROLE")
    left = arrange(another, "shop")
    assert (left == "") == (bare.version < 16)
    assert ask(another, "SELECT name FROM handrail.target") == "shop"
    if left:
        assert "have not got their rights" in left


def test_who_may_not_makes_the_tables_and_says_what_is_left(bare: Server) -> None:
    plain = owned_by(bare, "plain", "")
    assert "The groups are not made: this login may not make roles." in arrange(plain, "shop")
    assert ask(plain, "SELECT name FROM handrail.target") == "shop"


def test_tables_of_an_older_time_are_given_to_the_owner(bare: Server) -> None:
    target = Target(bare.create("old"))
    prepare(target, "shop")
    assert ask(target, OWNERS) == ["postgres"]
    assert arrange(target, "shop") == ""
    assert ask(target, OWNERS) == ["handrail_owner", "handrail_witness"]
    assert ask(target, "SELECT array_agg(proname::text) FROM pg_proc WHERE pronamespace = 'handrail'::regnamespace"
                       " AND has_function_privilege('public', oid, 'EXECUTE')") == ["is_other"]  # fmt: skip
