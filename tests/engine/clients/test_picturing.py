"""One client's picture: what is masked, what is clear and for what reason, and whose clients one sees at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.engine.audit import verifying
from console.engine.clients import described, finding, indexing, picturing, tenants
from console.engine.clients.picturing import Listed, Rows
from console.engine.plan import Plan
from db.errors import ClientUnknown, HandrailError, ReasonMissing, RightMissing, StatementFailed
from db.searching import Searching
from db.session import Target
from tests.driving import ask
from tests.engine.clients import crowd
from tests.staffed import as_login, psql, refused

HERS, OTHERS = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
CLEAR = "clear.value@example.com"
ADD = "INSERT INTO clients_enhanced (id, name, company_name, email, phone, status) VALUES (%s, 'Ada Clear', %s, %s, %s, 'lead')"


@pytest.fixture
def known(full: Target) -> Target:
    """Two clients, one of a tenant that support2 sees."""
    ask(full, ADD, HERS, "Blue Harbour GmbH", CLEAR, "+49 30 123456")
    ask(full, ADD, OTHERS, "Lantern BV", CLEAR, "+49 30 123456")
    return full


@pytest.fixture
def searching(known: Target) -> Iterator[Searching]:
    made = Searching(as_login(known, "support2"))
    yield made
    made.close()


def rows(searching: Searching, client: str, relation: str, top: int = 20) -> Rows:
    return picturing.rows(searching, client, Listed(relation, "", False), top)


def test_fields_are_told_and_the_personal_ones_masked(searching: Searching) -> None:
    found = picturing.picture(searching, HERS)
    told = {value.field: value.value for value in found.values}
    assert (found.id, found.name, found.tenant) == (HERS, "Ada Clear", "Blue Harbour GmbH")
    assert (told["email"], told["phone"]) == ("c•••@example…", "••••56")
    assert {value.field for value in found.values if value.masked} == {"email", "phone"}
    assert CLEAR not in str(found.document())
    assert found.changed_at is not None


def test_records_are_masked_as_the_description_says(searching: Searching) -> None:
    (row,) = rows(searching, HERS, "public.clients_enhanced").rows
    assert CLEAR not in str(row)
    assert "c•••@example…" in row
    assert rows(searching, HERS, "public.clients").rows == ()


@pytest.mark.parametrize(
    "client", [OTHERS, "nobody", "", "'; --", "\x00", "\ud800", "x" * 100_000, "%", HERS.upper()[:-1]], ids=ascii
)
def test_a_client_of_another_tenant_is_not_there(searching: Searching, client: str) -> None:
    """Nor is one that there is not: the answer is the same."""
    for question in (picturing.picture, lambda s, c: rows(s, c, "public.clients")):
        with pytest.raises(ClientUnknown):
            question(searching, client)


def test_a_clear_value_wants_a_reason_and_is_journalled(known: Target) -> None:
    hers = as_login(known, "support2")
    for reason in ("", "   ", "abc", " a  "):
        with pytest.raises(ReasonMissing), hers.session() as session:
            picturing.reveal(session, HERS, "email", reason)
    with pytest.raises(StatementFailed, match="no field"), hers.session() as session:
        picturing.reveal(session, HERS, "password", "the caller asked")
    assert ask(known, "SELECT count(*) FROM handrail.event WHERE kind = 'revealed'") == 0
    with hers.session() as session:
        number = picturing.reveal(session, HERS, "email", "  caller\x00 asked  ")
    searching = Searching(hers)
    assert picturing.revealed(searching, number) == CLEAR
    searching.close()
    said = ask(
        known, "SELECT jsonb_build_array(by_login, detail - 'transaction') FROM handrail.event WHERE kind = 'revealed'"
    )
    assert said == ["support2", {"client": HERS, "field": "email", "reason": "caller\ufffd asked"}]
    with known.session() as session:
        assert verifying.verify(session).whole


def test_a_clear_value_of_another_tenant_is_not_told(known: Target) -> None:
    with pytest.raises(ClientUnknown), as_login(known, "support2").session() as session:
        picturing.reveal(session, OTHERS, "email", "the caller asked")
    assert refused(known, "support2", f"SELECT handrail_search.reveal('{OTHERS}', 'email', 'curious')").startswith(
        "HR011"
    )


def test_no_value_without_its_event(known: Target) -> None:
    """Where the journal cannot be written there is no answer either; nor in a transaction that only reads."""
    with psql(known, "support2") as line:
        line.execute("SET default_transaction_read_only = on")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            line.execute("SELECT handrail_search.reveal(%s, 'email', 'curious')", (HERS,))
    ask(known, "ALTER TABLE handrail.event ADD CONSTRAINT full_ CHECK (kind <> 'revealed') NOT VALID")
    with pytest.raises(HandrailError), as_login(known, "support2").session() as session:
        picturing.reveal(session, HERS, "email", "the caller asked")


def test_a_table_found_by_its_foreign_key_is_masked(known: Target) -> None:
    """Whatever may hold text; what refers to another column, or has no plain name, does no harm."""
    ask(
        known,
        "ALTER TABLE clients_enhanced ADD UNIQUE (email, id), ADD UNIQUE (phone, id), ADD COLUMN number int UNIQUE",
    )
    ask(
        known,
        'CREATE TABLE public."Notes of" (id int, client uuid REFERENCES clients_enhanced, note text, at date, extra jsonb)',
    )
    ask(known, "CREATE TABLE public.by_number (number int REFERENCES clients_enhanced (number), note text)")
    ask(known, f"INSERT INTO public.\"Notes of\" VALUES (1, '{HERS}', 'secret', '2026-01-02', '{{\"a\": \"secret\"}}')")
    indexing.make(known, crowd.AGENCY, "full")
    searching = Searching(as_login(known, "support2"))
    (listed,) = [part for part in picturing.picture(searching, HERS).parts if "otes" in part.title]
    found = picturing.rows(searching, HERS, listed)
    assert found.rows == (("1", HERS, "•••", "2026-01-02", "•••"),)
    assert not [part for part in picturing.picture(searching, HERS).parts if "number" in part.title]
    searching.close()


def test_what_a_migration_took_away_is_left_out(known: Target, searching: Searching) -> None:
    """A column, the right to a table that was made anew, and the table."""
    ask(known, "ALTER TABLE clients_enhanced DROP COLUMN industry, DROP COLUMN tier")
    found = rows(searching, HERS, "public.clients_enhanced")
    assert found.there
    assert "tier" not in found.columns
    assert len(found.rows[0]) == len(found.columns)
    ask(known, "ALTER TABLE client_deployments RENAME TO away")
    assert not rows(searching, HERS, "public.client_deployments").there
    ask(known, "CREATE TABLE client_deployments (LIKE away)")
    assert not rows(searching, HERS, "public.client_deployments").there
    assert not rows(searching, HERS, "public.nothing").there


def test_no_more_rows_than_asked_for_and_the_newest_first(known: Target, searching: Searching) -> None:
    ask(known, "INSERT INTO client_deployments (client_id, environment, created_at) SELECT %s, n::text, now() + n * interval '1 s'"
               " FROM generate_series(1, 30) n", HERS)  # fmt: skip
    found = rows(searching, HERS, "public.client_deployments", 5)
    assert ([row[0] for row in found.rows], found.more) == (["30", "29", "28", "27", "26"], True)
    assert not rows(searching, HERS, "public.client_deployments", 30).more


MASKED = """\
tenant = "company"
[[source]]
table = "public.clients_enhanced"
title = "Record"
id = "id"
fields = { company = "company_name", email = "email", tier = "tier" }
shows = []
[[field]]
name = "company"
title = "Company"
code = "c"
kind = "words"
[[field]]
name = "email"
title = "E-mail"
code = "e"
kind = "email"
masked = true
history = true
[[field]]
name = "tier"
title = "Tier"
code = "t"
kind = "exact"
masked = true
"""


def test_what_is_masked_is_masked_in_its_history_and_among_the_filters(known: Target, tmp_path: Path) -> None:
    (tmp_path / "masked.toml").write_text(MASKED)
    indexing.make(known, described.load("masked", tmp_path), "full")
    ask(known, "UPDATE clients_enhanced SET email = 'other@example.com', tier = 'secret' WHERE id = %s", HERS)
    searching = Searching(as_login(known, "support2"))
    (change,) = picturing.picture(searching, HERS).history
    assert (change.before, change.after) == ("c•••@example…", "o•••@example…")
    assert finding.filters(searching) == []
    searching.close()


def test_where_the_migration_has_got_to_in_words(sample: Target, small: Plan) -> None:
    login = Rows(Listed("a", "Login record", True), True, (), (("x",),), False)
    business = Rows(Listed("b", "Business record", True), True, (), (), False)
    later = Rows(Listed("c", "Later", True), False, (), (), False)
    with sample.session() as session:
        assert picturing.migration(session, [login, business, later]) == (
            "Has a login record; not yet a business record. No migration is under way."
        )
        assert picturing.migration(session, [later]) == "Has no record any more. No migration is under way."


def test_tenants_are_those_that_are_seen(known: Target, searching: Searching) -> None:
    named = [one.name for one in tenants.tenants(searching)]
    assert named == sorted(crowd.SEES["support2"])
    assert [one.name for one in tenants.tenants(searching, "HARBOUR")] == ["Blue Harbour GmbH"]
    assert tenants.tenants(searching, "lantern") == []
    there = ask(known, "SELECT count(*) FROM handrail_search.entry e JOIN handrail_search.tenant t ON t.id = e.tenant"
                       " WHERE t.name = 'Blue Harbour GmbH'")  # fmt: skip
    assert (tenants.size(searching, "Blue Harbour GmbH"), tenants.size(searching, "Lantern BV")) == (there, 0)


def test_a_support_login_reads_nothing_but_answers(known: Target) -> None:
    for relation in (
        "handrail_search.entry",
        "handrail_search.token",
        "handrail_search.history",
        "public.clients_enhanced",
    ):
        with pytest.raises(RightMissing), as_login(known, "support2").session() as session:
            session.connection().exec_driver_sql(f"SELECT * FROM {relation}")
