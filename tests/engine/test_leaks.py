"""Each way past row security and grants is found where it was planted, and nothing else is."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from console import cli
from console.engine import doctor, leaks
from db.session import Target
from tests.driving import ask

# Tight as it should be: nothing in it is a finding.
SCENE = """
CREATE SCHEMA shop;
CREATE TABLE shop.client (id int, owner text, public boolean);
ALTER TABLE shop.client OWNER TO keeper;
ALTER TABLE shop.client ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON shop.client USING (owner = current_user);
CREATE POLICY all_of_them ON shop.client TO teller USING (true);
CREATE POLICY not_secret ON shop.client AS RESTRICTIVE USING (public);
CREATE VIEW shop.mine WITH (security_invoker = true) AS SELECT * FROM shop.client;
CREATE TABLE shop.plain (a int);
CREATE VIEW shop.plainly AS SELECT * FROM shop.plain;
CREATE MATERIALIZED VIEW shop.kept AS SELECT * FROM shop.client;
CREATE FUNCTION shop.count() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = shop, pg_temp
    AS 'SELECT count(*) FROM client';
REVOKE EXECUTE ON FUNCTION shop.count() FROM PUBLIC;
CREATE FUNCTION shop.anyone() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT USAGE ON SCHEMA shop TO teller;
"""

PLANTED = [
    ("FM-P1", "CREATE VIEW shop.theirs AS SELECT * FROM shop.client", "view", "shop.theirs"),
    ("FM-P1, said to be off", "ALTER VIEW shop.mine SET (security_invoker = off)", "view", "shop.mine"),
    ("FM-P1, by way of another", 'CREATE VIEW shop."The mine" AS SELECT * FROM shop.mine', "view", 'shop."The mine"'),
    ("FM-P1, in a sub-select", "CREATE VIEW shop.how_many AS SELECT (SELECT count(*) FROM shop.client)", "view", "shop.how_many"),
    ("FM-P2", "GRANT SELECT ON shop.kept TO teller", "materialized view", "shop.kept"),
    ("FM-P2, a column", "GRANT SELECT (owner) ON shop.kept TO teller", "materialized view", "shop.kept"),
    ("FM-P2, everybody", "GRANT SELECT ON shop.kept TO PUBLIC", "materialized view", "shop.kept"),
    ("FM-P3, none", "ALTER FUNCTION shop.count() RESET search_path", "search path", "shop.count()"),
    ("FM-P3, without pg_temp", "ALTER FUNCTION shop.count() SET search_path = public", "search path", "shop.count()"),
    ("FM-P3, empty", "ALTER FUNCTION shop.count() SET search_path = ''", "search path", "shop.count()"),
    ("FM-P3, pg_temp first", "ALTER FUNCTION shop.count() SET search_path = pg_temp, shop", "search path", "shop.count()"),
    ("FM-P3, one odd name", "ALTER FUNCTION shop.count() SET search_path = 'shop, pg_temp'", "search path", "shop.count()"),
    ("FM-P13", "GRANT EXECUTE ON FUNCTION shop.count() TO PUBLIC", "execute", "shop.count()"),
    ("FM-P13, by default", "CREATE FUNCTION shop.more(a text) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'SELECT 1'", "execute", "shop.more(a text)"),
    ("FM-P9", "CREATE POLICY open ON shop.client USING (true)", "policy", "open on shop.client"),
    ("FM-P9, one command", "CREATE POLICY open ON shop.client FOR SELECT USING (true)", "policy", "open on shop.client"),
    ("FM-P9, what is written", "CREATE POLICY open ON shop.client FOR INSERT WITH CHECK (true)", "policy", "open on shop.client"),
    ("FM-P9, by membership", "CREATE POLICY tellers ON shop.client TO intern USING (id = 1)", "policy", "all_of_them on shop.client"),
    ("FM-P9, row security off", "ALTER TABLE shop.client DISABLE ROW LEVEL SECURITY", "policies unused", "shop.client"),
    ("FM-P4", "ALTER TABLE shop.client OWNER TO teller", "no force", "shop.client"),
    ("FM-P4, no use in FORCE", "ALTER TABLE shop.client OWNER TO postgres", "owner", "shop.client"),
]  # fmt: skip

TIGHT = [
    "ALTER FUNCTION shop.count() SET search_path = \"$user\", shop, pg_temp",
    "ALTER FUNCTION shop.count() SECURITY INVOKER RESET search_path",
    "ALTER TABLE shop.client FORCE ROW LEVEL SECURITY; ALTER TABLE shop.client OWNER TO teller",
    "GRANT SELECT ON shop.kept TO teller; REVOKE USAGE ON SCHEMA shop FROM teller",
    "GRANT SELECT ON shop.kept TO pg_read_all_data, keeper",
    "CREATE POLICY open ON shop.client AS RESTRICTIVE USING (true)",
    "CREATE POLICY open ON shop.plain USING (true); ALTER TABLE shop.plain ENABLE ROW LEVEL SECURITY, OWNER TO keeper;"
    " DROP VIEW shop.plainly",
]  # fmt: skip


@pytest.fixture
def shop(sample: Target) -> Target:
    for role in ("keeper", "teller LOGIN", "intern"):
        ask(sample, f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    ask(sample, "GRANT teller TO intern")
    ask(sample, SCENE)
    return sample


def found(target: Target) -> list[tuple[str, str]]:
    with target.session() as session:
        return [(one.kind, one.object) for one in leaks.elsewhere(session.connection())]


@pytest.mark.parametrize(("planted", "kind", "name"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_what_is_planted_is_found(shop: Target, planted: str, kind: str, name: str) -> None:
    ask(shop, planted)
    assert found(shop) == [(kind, name)]


def test_what_is_tight_is_not(shop: Target) -> None:
    assert found(shop) == []


@pytest.mark.parametrize("change", TIGHT)
def test_what_only_looks_like_it_is_not(shop: Target, change: str) -> None:
    ask(shop, change)
    assert found(shop) == []


def test_handrails_own_schema_has_none(staff: Target, sample: Target) -> None:
    """With groups and without."""
    for target in (staff, sample):
        with target.session() as session:
            assert leaks.look(session.connection()) == []


@pytest.mark.newest
def test_every_sentence_says_what_to_do(shop: Target) -> None:
    for case in PLANTED:
        ask(shop, "DROP SCHEMA shop CASCADE")
        ask(shop, SCENE)
        ask(shop, case[1])
        with shop.session() as session:
            [one] = leaks.elsewhere(session.connection())
        assert one.sentence.startswith(one.object)
        assert one.hint.endswith(".")
        assert "{" not in one.sentence + one.hint


@pytest.mark.newest
def test_doctor_warns_of_the_targets_own_and_fails_for_ours(shop: Target) -> None:
    def states() -> dict[str, str]:
        return {one.about: one.state for one in doctor.about_target(shop) if one.about.startswith("leak")}

    assert states() == {"leak": "ok"}
    ask(shop, PLANTED[0][1])
    assert states() == {"leak: view": "warning"}
    ask(shop, "GRANT EXECUTE ON FUNCTION handrail.me() TO PUBLIC")
    assert states() == {"leak: view": "warning", "leak: execute": "wrong"}


@pytest.mark.newest
def test_doctor_finds_what_it_cannot_read(shop: Target) -> None:
    """The catalog is anybody's to ask."""
    ask(shop, PLANTED[0][1])
    teller = Target(shop.url.replace("postgres@", "teller@"))
    assert found(teller) == [("view", "shop.theirs")]
    with teller.session() as session:
        assert session.scalar(text("SELECT current_user")) == "teller"
    teller.close()


@pytest.mark.newest
def test_a_database_that_is_not_prepared_is_looked_at_too(shop: Target) -> None:
    ask(shop, "DROP SCHEMA handrail CASCADE")
    ask(shop, PLANTED[0][1])
    assert [one.state for one in doctor.about_target(shop) if one.about == "leak: view"] == ["warning"]


@pytest.mark.newest
def test_hundreds_that_leak_alike_are_told_in_few_lines(shop: Target, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(9):
        ask(shop, f"CREATE VIEW shop.v{number} AS SELECT * FROM shop.client")
    cli.main(["--target", shop.url, "doctor"])
    told = [line for line in capsys.readouterr().out.splitlines() if "leak: view" in line]
    assert len(told) == 6
    assert told[-1].endswith("and 4 more  See all with: handrail doctor --json")
    cli.main(["--target", shop.url, "--json", "doctor"])
    assert capsys.readouterr().out.count("leak: view") == 9
