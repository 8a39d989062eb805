"""Every answer is what a search of all rows by hand finds, whoever asks and however the index was made.

10 000 questions on the newest server; on an older one a tenth, since it runs the same SQL.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.configuration import set_hypothesis_home_dir

from console.engine.clients import finding
from console.engine.clients.finding import REFINED, Found
from console.engine.errors import SearchRefused
from db.searching import Searching
from db.session import Target
from tests.driving import ask
from tests.engine.clients import typed
from tests.engine.clients.brute import FIELDS, Crowd, Wanted, whole
from tests.engine.clients.crowd import SEES
from tests.staffed import as_login

# The same questions each time, but for a few: hypothesis also tries numbers that stand in the modules that are loaded.
# How long drawing them takes is the machine's affair.
SETTINGS = settings(derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(autouse=True, scope="module")
def nothing_is_kept(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without a database hypothesis still keeps what it read from the sources, in the current folder unless told."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@contextmanager
def searching_as(target: Target, login: str) -> Iterator[Searching]:
    searching = Searching(as_login(target, login))
    yield searching
    searching.close()


def check(crowd: Crowd, wanted: list[Wanted], tenants: list[str] | None, found: Found, top: int) -> None:
    """What is claimed of an answer is so."""
    expected = crowd.find(wanted, tenants)
    ids = [client.id for client in found.clients]
    said = f"{typed.written(wanted)!r}: {found.told}"
    assert len(set(ids)) == len(ids) <= top, said
    assert set(ids) <= expected, f"{said}: too much: {set(ids) - expected}"
    if found.complete and len(ids) < top:
        assert set(ids) == expected, f"{said}: missing: {sorted(expected - set(ids))[:5]}"
    assert found.complete or len(ids) < top, said
    if found.counted == "exact":
        assert found.count == len(expected), f"{said}, there are {len(expected)}"
    elif found.counted == "at least":
        assert found.count <= len(expected), said
    holders = cache(crowd.in_field)
    sought = [one for one in wanted if not one.excluded and crowd.has(one) is not None]
    for client in found.clients[:3]:
        assert len(client.why) == len(sought), said
        for field, one in zip(client.why, sought, strict=True):
            assert client.id in (holders(one.text, field) or ()), f"{said}: {client.id} not by its {field}"


def compare(target: Target, login: str, number: int, top: int = 50, most: int = REFINED, complete: bool = True) -> None:
    """Asks so many questions as a login on one connection; `complete` where every answer must be."""
    crowd, tenants = Crowd(target), None if SEES[login] == ["*"] else SEES[login]
    newest = ask(target, "SELECT current_setting('server_version_num')::int >= 180000")
    with searching_as(target, login) as searching:

        @seed(f"{login} {top} {most}")  # else each login would be asked the same
        @settings(SETTINGS, max_examples=number if newest else number // 10)
        @given(typed.questions(crowd, crowd.find([], tenants)))
        def answered(wanted: list[Wanted]) -> None:
            found = finding.find(searching, finding.read(searching, typed.written(wanted)), top, most)
            check(crowd, wanted, tenants, found, top)
            assert found.complete or not complete, f"{typed.written(wanted)!r}: {found.told}: not complete"

        answered()


def test_whoever_sees_all_finds_what_is_there(full: Target) -> None:
    compare(full, "support1", 4000)


def test_two_tenants_are_all_that_is_found(full: Target) -> None:
    compare(full, "support2", 2500)


def test_nobody_s_tenants_find_nothing(full: Target) -> None:
    compare(full, "support0", 200)


def test_short_pages_and_little_followed_claim_nothing_untrue(full: Target) -> None:
    """The first answer while somebody types: incomplete is said, and never more than is there."""
    compare(full, "support1", 1500, top=5, most=1, complete=False)
    compare(full, "support1", 500, top=300, most=1, complete=False)
    compare(full, "support2", 300, top=1, most=1, complete=False)


def test_the_lite_profile_finds_the_same(lite: Target) -> None:
    compare(lite, "support1", 600)
    compare(lite, "support2", 300, top=5, most=1)
    compare(lite, "support0", 100)


MANY = "INSERT INTO clients_enhanced (name, company_name) SELECT %s, %s FROM generate_series(1, %s::int)"


@pytest.mark.parametrize(("login", "counted"), [("support1", "about"), ("support2", "at least")])
def test_what_was_not_followed_to_its_end_is_not_called_complete(full: Target, login: str, counted: str) -> None:
    """Two words that many clients have each, and three have both, the last ones that the index meets."""
    for name, number in (("Qqq One", 1200), ("Www Two", 1200), ("Qqq Www", 3)):
        ask(full, MANY, name, "Blue Harbour GmbH", number)
    crowd, wanted = Crowd(full), [Wanted("qqq"), Wanted("www")]
    tenants = None if SEES[login] == ["*"] else SEES[login]
    with searching_as(full, login) as searching:
        asked = finding.read(searching, "qqq www")
        first, refined = finding.find(searching, asked, 50, 1), finding.find(searching, asked, 50, REFINED)
        alone = finding.find(searching, finding.read(searching, "!qqq"), 50, 1)
    for found in (first, refined):
        check(crowd, wanted, tenants, found, 50)
    check(crowd, [Wanted("qqq", "", True)], tenants, alone, 50)
    assert (first.complete, first.counted, len(first.clients)) == (False, counted, 0)
    assert (refined.complete, refined.counted, refined.count, len(refined.clients)) == (True, "exact", 3, 3)


def test_a_window_goes_on_where_the_one_before_ended(full: Target, lite: Target) -> None:
    for target, (login, tenants) in itertools.product((full, lite), SEES.items()):
        crowd = Crowd(target)
        met: list[str] = []
        after = 0
        with searching_as(target, login) as searching:
            while window := finding.find(searching, finding.read(searching, ""), 300, after=after).clients:
                met += [client.id for client in window]
                after = window[-1].n
        assert sorted(met) == sorted(crowd.find([], None if tenants == ["*"] else tenants))


def test_a_tenant_narrows_and_one_that_is_not_seen_is_not_there(full: Target) -> None:
    crowd = Crowd(full)
    with searching_as(full, "support2") as searching:
        for tenant in ("Blue Harbour GmbH", "Lantern BV", "blue harbour gmbh", "none", "*", "%"):
            asked = finding.read(searching, "", tenant)
            found = finding.find(searching, asked, 500, REFINED)
            seen = [tenant] if tenant in SEES["support2"] else []
            assert {client.id for client in found.clients} == crowd.find([], seen)


HOSTILE = ("'", '"', "''", "%", "_", "\\", "\\'", "'; DROP TABLE handrail_search.entry; --", "$$", "$1", "%s", "%(a)s", "{}",
           '{"a": "b"}', '"}]', "\\u0000", "\x00", "\ud800", "\udfff\x00", "\u202e", "\U0010ffff", "\ufffe", "\n:\n", "n:smith",
           "i:", "!", "!!", ":", "::", "!:", "tenant:", "\nn:smith", "a\x00b", "NULL", "E'\\n'", "\u200b", "-" * 400, "١٢٣",
           "x" * 401, "x " * 200, "'" * 1_000_000, "\x1b[31m", "１２３４")  # fmt: skip


def test_nothing_that_is_typed_is_obeyed(full: Target, lite: Target) -> None:
    """FM-E5, FM-E7: in every field, quoted, shut out, as a tenant; it is refused, or it is looked for."""
    for target, forms in ((full, ("{}{}", '{}"{}"', "!{}{}", "{}smi{}")), (lite, ("{}{}",))):
        with searching_as(target, "support1") as searching:
            for hostile, form, field in itertools.product(HOSTILE, forms, ("", *FIELDS, "id", "tenant")):
                _asked_of(searching, form.format(f"{field}:" if field else "", hostile), "")
            for hostile in HOSTILE:
                _asked_of(searching, "smith", hostile)
                _asked_of(searching, "", hostile)
            assert finding.find(searching, finding.read(searching, "smith")).count > 0


def _asked_of(searching: Searching, written: str, tenant: str) -> None:
    try:
        asked = finding.read(searching, written, tenant)
        found = finding.find(searching, asked)
        if not asked.pieces or not asked.pieces[0].field:
            finding.meant(searching, asked)
    except SearchRefused:
        return
    assert not tenant or not found.count


def test_a_line_end_in_a_word_finds_nothing_across_fields(lite: Target) -> None:
    """Terms stand between line ends; what was typed cannot hold one."""
    with searching_as(lite, "support1") as searching:
        found = finding.find(searching, finding.read(searching, '"viewer\nn:anna" role:"viewer\nn:"'))
    assert found.clients == []


def test_whole_values_are_folded_alike_on_both_sides(full: Target) -> None:
    assert whole("Évaluateur v") == "evaluateur v"
    with searching_as(full, "support1") as searching:
        assert finding.find(searching, finding.read(searching, "role:viewer")).count > 0
        assert finding.find(searching, finding.read(searching, "role:ÉVALUATEUR")).count > 0
