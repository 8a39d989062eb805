"""A plan beside an index of clients: the index follows what it does, and is no part of what is compared."""

from __future__ import annotations

import pytest

from console.engine import journey
from console.engine.clients import described, finding, health, indexing, picturing, removing
from db import fingerprint
from db.searching import Searching
from db.session import Target
from tests.driving import ask, done, drive, fingerprinted
from tests.migrations.unified import PLAN
from tests.staffed import as_login

pytestmark = pytest.mark.newest
AGENCY = described.load("agency")


def found(target: Target, written: str, login: str = "support1") -> finding.Found:
    searching = Searching(as_login(target, login))
    try:
        return finding.find(searching, finding.read(searching, written))
    finally:
        searching.close()


def standing(target: Target) -> list[str]:
    with target.session() as session:
        return [told for well, told, _ in health.look(session, "agency") if not well]


def test_up_index_again_and_down(lookup: Target) -> None:
    ask(lookup, f"ALTER DATABASE {lookup.parameters['dbname']} OWNER TO oncall1")
    engineer = as_login(lookup, "oncall1")  # who may not read the index, and backs up without it
    before = fingerprinted(lookup)
    number = done(engineer, PLAN)
    assert standing(lookup) == ["public.clients_enhanced is there now, and the index does not follow it"]
    indexing.make(lookup, AGENCY)
    assert standing(lookup) == []
    assert found(lookup, "tier:standard").count == ask(lookup, "SELECT count(*) FROM clients_enhanced")
    ask(lookup, "UPDATE clients_enhanced SET tier = 'premium' WHERE id = (SELECT min(id::text)::uuid FROM clients)")
    premium = found(lookup, "tier:premium")
    assert premium.count == 1
    searching = Searching(as_login(lookup, "support1"))
    picture = picturing.picture(searching, premium.clients[0].id)
    assert [(one.field, one.before, one.after) for one in picture.history] == [("tier", "standard", "premium")]
    rows = [picturing.rows(searching, picture.id, part) for part in picture.parts]
    with lookup.session() as session:
        assert picturing.migration(session, rows).startswith("Has a login record and a business record.")
    searching.close()
    drive(engineer, lambda here: journey.back(here, number))
    assert fingerprint.differences(before, fingerprinted(lookup)) == []
    assert "public.clients_enhanced is gone, and the index still asks it" in standing(lookup)
    ask(lookup, "UPDATE clients SET email = 'written@example.com' WHERE id = %s::uuid", picture.id)
    assert any("could not be looked up (42P01)" in told for told in standing(lookup))
    indexing.make(lookup, AGENCY)
    assert standing(lookup) == []
    assert found(lookup, "written@example").count == 1
    assert found(lookup, "tier:premium").count == 0


def test_taken_away_nothing_is_left(agency: Target, lookup: Target) -> None:
    names = "SELECT string_agg(relacl::text, ' ') FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert "handrail_finder" in ask(lookup, names)
    removing.remove(lookup)
    assert "handrail_finder" not in ask(lookup, names)
    marks = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'handrail%%'"
    assert ask(lookup, marks) == ask(lookup, "SELECT count(*) FROM pg_policy WHERE polname LIKE 'handrail%%'") == 0
    assert ask(lookup, "SELECT to_regnamespace('handrail_search')") is None
    assert removing.remove(lookup) == []
