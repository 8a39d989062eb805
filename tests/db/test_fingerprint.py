"""The fingerprint notices each kind of change and names the object; and nothing else changes it."""

from __future__ import annotations

import pytest

from db import fingerprint
from db.session import Target
from tests.driving import ask, fingerprinted

SCENE = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE pet (id int PRIMARY KEY, owner uuid REFERENCES person, name text DEFAULT 'x' NOT NULL, mood mood);
CREATE INDEX pet_name ON pet (name);
CREATE VIEW pets AS SELECT id, name FROM pet;
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER quiet BEFORE INSERT ON pet FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE pet ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON pet USING (true);
CREATE SEQUENCE counter;
"""

CHANGES = [
    ("a column more", "ALTER TABLE pet ADD COLUMN age int", "new: column public.pet.age"),
    ("a column renamed", "ALTER TABLE pet RENAME COLUMN name TO called", "gone: column public.pet.name"),
    ("another type", "ALTER TABLE pet ALTER mood TYPE text", "changed: column public.pet.mood"),
    ("a default gone", "ALTER TABLE pet ALTER name DROP DEFAULT", "changed: column public.pet.name"),
    ("null allowed", "ALTER TABLE pet ALTER name DROP NOT NULL", "changed: column public.pet.name"),
    ("an index more", "CREATE INDEX pet_mood ON pet (mood)", "new: index public.pet_mood"),
    ("an INVALID index (F50)", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pet_name'::regclass", "changed: index public.pet_name"),
    ("a constraint not valid", "ALTER TABLE pet ADD CHECK (id > 0) NOT VALID", "new: constraint public.pet.pet_id_check"),
    ("a foreign key gone", "ALTER TABLE pet DROP CONSTRAINT pet_owner_fkey", "gone: constraint public.pet.pet_owner_fkey"),
    ("a view changed", "CREATE OR REPLACE VIEW pets AS SELECT id, name FROM pet WHERE id > 1", "changed: view public.pets"),
    ("a view's invoker", "ALTER VIEW pets SET (security_invoker = true)", "changed: view public.pets"),
    ("a function's body", "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 2'", "changed: function public.one()"),
    ("a function's grant", "REVOKE EXECUTE ON FUNCTION one() FROM PUBLIC", "changed: function public.one()"),
    ("a trigger disabled", "ALTER TABLE pet DISABLE TRIGGER quiet", "changed: trigger public.pet.quiet"),
    ("a policy changed", "ALTER POLICY mine ON pet USING (id > 1)", "changed: policy public.pet.mine"),
    ("a policy gone", "DROP POLICY mine ON pet", "gone: policy public.pet.mine"),
    ("row security forced", "ALTER TABLE pet FORCE ROW LEVEL SECURITY", "changed: table public.pet"),
    ("a grant", "GRANT SELECT ON pet TO PUBLIC", "changed: table public.pet"),
    ("a grant on a column", "GRANT UPDATE (name) ON pet TO PUBLIC", "changed: column public.pet.name"),
    ("a comment", "COMMENT ON TABLE pet IS 'x'", "changed: table public.pet"),
    ("an enum value", "ALTER TYPE mood ADD VALUE 'fair'", "changed: type public.mood"),
    ("a sequence more", "CREATE SEQUENCE another", "new: sequence public.another"),
    ("a schema more", "CREATE SCHEMA extra", "new: schema extra"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "named"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_a_change_is_noticed_and_named(sample: Target, change: str, named: str) -> None:
    ask(sample, SCENE)
    before = fingerprinted(sample)
    ask(sample, change)
    assert named in fingerprint.differences(before, fingerprinted(sample))


@pytest.mark.parametrize(
    "harmless",
    ["SELECT nextval('counter')", "ANALYZE", "VACUUM person", "CREATE TABLE handrail.extra (a int)"],
)
def test_what_is_no_change_is_none(sample: Target, harmless: str) -> None:
    ask(sample, SCENE)
    before = fingerprinted(sample)
    ask(sample, harmless)
    assert fingerprinted(sample) == before


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM person WHERE email = 'Person1@example.org'",
        "INSERT INTO person (email) VALUES ('new')",
        "UPDATE person SET email = 'other' WHERE email = 'Person1@example.org'",
        "UPDATE person SET email = 'Person1@example.org' WHERE email IN ('Person2@example.org', 'Person3@example.org')",
    ],
)
def test_content_is_noticed(sample: Target, change: str) -> None:
    """F51: a sum and a count, since xor lets pairs cancel."""
    before = fingerprinted(sample)
    ask(sample, change)
    after = fingerprinted(sample)
    assert fingerprint.differences(before, after) == []
    assert list(fingerprint.content_differences(before, after)) == ["public.person"]


def test_the_order_of_rows_does_not_matter(sample: Target) -> None:
    before = fingerprinted(sample)
    ask(sample, "CREATE TABLE again AS SELECT * FROM person ORDER BY email DESC; TRUNCATE person")
    ask(sample, "INSERT INTO person SELECT * FROM again; DROP TABLE again")
    assert fingerprinted(sample) == before


def test_types_without_a_hash_are_compared_too(sample: Target) -> None:
    """F52"""
    ask(sample, "CREATE TABLE odd (a json, b point); INSERT INTO odd VALUES ('{}', '(1,2)')")
    before = fingerprinted(sample)
    ask(sample, "UPDATE odd SET b = '(1,3)'")
    assert list(fingerprint.content_differences(before, fingerprinted(sample))) == ["public.odd"]


@pytest.mark.parametrize("name", [" :person", "100% %s %(x)s", 'a"b; --', "[/red] \x1b[31m\u202e"])
def test_a_table_is_summed_whatever_its_name_is(sample: Target, name: str) -> None:
    quoted = name.replace('"', '""')
    ask(sample, f'CREATE TABLE "{quoted}" AS SELECT n FROM generate_series(1, 3) n')
    assert fingerprinted(sample).content[f"public.{name}"][0] == 3


def test_a_table_is_named_without_what_comes_and_goes_with_it(sample: Target) -> None:
    before = fingerprinted(sample)
    ask(sample, SCENE)
    after = fingerprinted(sample)
    assert [name for name in fingerprint.differences(before, after) if ".pet" in name] == [
        "new: index public.pet_name", "new: index public.pet_pkey", "new: table public.pet", "new: view public.pets",
    ]  # fmt: skip
    assert "gone: table public.pet" in fingerprint.differences(after, before)
