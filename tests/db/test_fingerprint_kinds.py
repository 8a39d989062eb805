"""What pg_dump or an older fingerprint misses is noticed, named, and equal again once it is taken back (FM-H3)."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text

from db import fingerprint
from db.fingerprint import Fingerprint, first, surroundings
from db.session import Target
from tests.driving import ask, fingerprinted, session_of
from tests.servers import Server

SCENE = """
CREATE TABLE pet (id int PRIMARY KEY, name text NOT NULL UNIQUE, owner uuid REFERENCES person, age int);
CREATE SEQUENCE counter;
CREATE TABLE year (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE year_1 (id int, at date);
ALTER TABLE year ATTACH PARTITION year_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE odd (a int, b int) PARTITION BY RANGE (a, (a + b));
CREATE TABLE plain (id int);
CREATE TABLE child (id int);
CREATE DOMAIN mail AS text CONSTRAINT at CHECK (value LIKE '%@%');
CREATE TYPE pair AS (a int, b text);
CREATE TYPE span AS RANGE (subtype = int4);
CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION same(pet, pet) RETURNS bool LANGUAGE sql AS 'SELECT $1.id = $2.id';
CREATE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE OPERATOR === (leftarg = pet, rightarg = pet, procedure = same);
CREATE STATISTICS together ON id, age FROM pet;
CREATE RULE quiet AS ON DELETE TO plain DO INSTEAD NOTHING;
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION told();
CREATE PUBLICATION news FOR TABLE pet WITH (publish = 'insert');
CREATE COLLATION order_ (lc_collate = 'C', lc_ctype = 'C');
"""
# each server of the tests has them once, whichever test is the first
ROLES = """
DO $$ BEGIN
    CREATE ROLE keeper; CREATE ROLE staff;
EXCEPTION WHEN duplicate_object THEN NULL; END $$
"""

# what was done, the statement, what takes it back, what is said
CHANGES = [
    ("a partition detached", "ALTER TABLE year DETACH PARTITION year_1", "ALTER TABLE year ATTACH PARTITION year_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')", "gone: inheritance of public.year_1"),
    ("a partition's bound", "ALTER TABLE year DETACH PARTITION year_1; ALTER TABLE year ATTACH PARTITION year_1 FOR VALUES FROM ('2026-01-01') TO ('2028-01-01')", "ALTER TABLE year DETACH PARTITION year_1; ALTER TABLE year ATTACH PARTITION year_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')", "changed: inheritance of public.year_1"),
    ("a partitioning", "ALTER TABLE year DETACH PARTITION year_1; DROP TABLE year; CREATE TABLE year (id int, at date) PARTITION BY LIST (at)", "DROP TABLE year; CREATE TABLE year (id int, at date) PARTITION BY RANGE (at); ALTER TABLE year ATTACH PARTITION year_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')", "changed: partitioning of public.year"),
    ("a partitioning by an expression", "DROP TABLE odd; CREATE TABLE odd (a int, b int) PARTITION BY RANGE (a, (a - b))", "DROP TABLE odd; CREATE TABLE odd (a int, b int) PARTITION BY RANGE (a, (a + b))", "changed: partitioning of public.odd"),
    ("statistics of an expression", "CREATE STATISTICS odd ON id, (age + 1) FROM pet", "DROP STATISTICS odd", "new: statistics public.odd"),
    ("inheritance", "ALTER TABLE child INHERIT plain", "ALTER TABLE child NO INHERIT plain", "new: inheritance of public.child"),
    ("a domain's check", "ALTER DOMAIN mail DROP CONSTRAINT at; ALTER DOMAIN mail ADD CONSTRAINT at CHECK (value LIKE '%.%')", "ALTER DOMAIN mail DROP CONSTRAINT at; ALTER DOMAIN mail ADD CONSTRAINT at CHECK (value LIKE '%@%')", "changed: check of domain public.mail.at"),
    ("a domain's check gone", "ALTER DOMAIN mail DROP CONSTRAINT at", "ALTER DOMAIN mail ADD CONSTRAINT at CHECK (value LIKE '%@%')", "gone: check of domain public.mail.at"),
    ("a domain's null", "ALTER DOMAIN mail SET NOT NULL", "ALTER DOMAIN mail DROP NOT NULL", "changed: domain public.mail"),
    ("a domain's default", "ALTER DOMAIN mail SET DEFAULT 'a@b'", "ALTER DOMAIN mail DROP DEFAULT", "changed: domain public.mail"),
    ("a column's collation", "ALTER TABLE plain ADD name text; ALTER TABLE plain ALTER name TYPE text COLLATE \"C\"", "ALTER TABLE plain DROP name", "new: storage of column public.plain.name"),
    ("a column's storage", "ALTER TABLE pet ALTER name SET STORAGE external", "ALTER TABLE pet ALTER name SET STORAGE extended", "new: storage of column public.pet.name"),
    ("a column's compression", "ALTER TABLE pet ALTER name SET COMPRESSION pglz", "ALTER TABLE pet ALTER name SET COMPRESSION default", "new: storage of column public.pet.name"),
    ("a column's statistics", "ALTER TABLE pet ALTER name SET STATISTICS 500", "ALTER TABLE pet ALTER name SET STATISTICS -1", "new: storage of column public.pet.name"),
    ("a column's options", "ALTER TABLE pet ALTER name SET (n_distinct = 5)", "ALTER TABLE pet ALTER name RESET (n_distinct)", "new: storage of column public.pet.name"),
    ("replica identity", "ALTER TABLE pet REPLICA IDENTITY FULL", "ALTER TABLE pet REPLICA IDENTITY DEFAULT", "new: replica identity of public.pet"),
    ("replica identity by an index", "ALTER TABLE pet REPLICA IDENTITY USING INDEX pet_name_key", "ALTER TABLE pet REPLICA IDENTITY DEFAULT", "new: replica identity of public.pet"),
    ("clustered on", "ALTER TABLE pet CLUSTER ON pet_pkey", "ALTER TABLE pet SET WITHOUT CLUSTER", "new: placement of public.pet"),
    ("a toast option", "ALTER TABLE pet SET (toast.autovacuum_enabled = false)", "ALTER TABLE pet RESET (toast.autovacuum_enabled)", "new: placement of public.pet"),
    ("foreign keys not enforced", "ALTER TABLE pet DISABLE TRIGGER ALL", "ALTER TABLE pet ENABLE TRIGGER ALL", "new: enforcement of public.pet.pet_owner_fkey"),
    ("a rule disabled", "ALTER TABLE plain DISABLE RULE quiet", "ALTER TABLE plain ENABLE RULE quiet", "new: state of rule public.plain.quiet"),
    ("a sequence's step", "ALTER SEQUENCE counter INCREMENT 5", "ALTER SEQUENCE counter INCREMENT 1", "changed: options of sequence public.counter"),
    ("a sequence's owner column", "ALTER SEQUENCE counter OWNED BY plain.id", "ALTER SEQUENCE counter OWNED BY NONE", "changed: options of sequence public.counter"),
    ("a function's owner", "ALTER FUNCTION one() OWNER TO keeper", "ALTER FUNCTION one() OWNER TO CURRENT_USER", "changed: owner of function public.one()"),
    ("a type's owner", "ALTER TYPE pair OWNER TO keeper", "ALTER TYPE pair OWNER TO CURRENT_USER", "changed: owner of type public.pair"),
    ("a type's grant", "GRANT USAGE ON TYPE pair TO keeper", "UPDATE pg_type SET typacl = NULL WHERE typname = 'pair'", "changed: owner of type public.pair"),
    ("a schema's owner", "ALTER SCHEMA public OWNER TO keeper", "ALTER SCHEMA public OWNER TO pg_database_owner", "changed: owner of schema public"),
    ("a type's attributes", "ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint", "ALTER TYPE pair ALTER ATTRIBUTE a TYPE int", "changed: attributes of type public.pair"),
    ("a range's type", "DROP TYPE span; CREATE TYPE span AS RANGE (subtype = int8)", "DROP TYPE span; CREATE TYPE span AS RANGE (subtype = int4)", "changed: range of type public.span"),
    ("an aggregate's state", "CREATE OR REPLACE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '7')", "CREATE OR REPLACE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0')", "changed: aggregate public.total(integer)"),
    ("an aggregate's function", "CREATE OR REPLACE AGGREGATE total (int) (sfunc = int4mul, stype = int, initcond = '0')", "CREATE OR REPLACE AGGREGATE total (int) (sfunc = int4pl, stype = int, initcond = '0')", "changed: aggregate public.total(integer)"),
    ("extended statistics", "DROP STATISTICS together", "CREATE STATISTICS together ON id, age FROM pet", "gone: statistics public.together"),
    ("an extended statistics' target", "ALTER STATISTICS together SET STATISTICS 50", "ALTER STATISTICS together SET STATISTICS -1", "changed: statistics public.together"),
    ("an event trigger disabled", "ALTER EVENT TRIGGER watch DISABLE", "ALTER EVENT TRIGGER watch ENABLE", "changed: event trigger watch"),
    ("a publication's table", "ALTER PUBLICATION news ADD TABLE plain", "ALTER PUBLICATION news DROP TABLE plain", "changed: publication news"),
    ("a publication's columns", "ALTER PUBLICATION news SET TABLE pet (id)", "ALTER PUBLICATION news SET TABLE pet", "changed: publication news"),
    ("a publication's rows", "ALTER PUBLICATION news SET TABLE pet WHERE (id > 5)", "ALTER PUBLICATION news SET TABLE pet", "changed: publication news"),
    ("what a publication sends", "ALTER PUBLICATION news SET (publish = 'insert, delete')", "ALTER PUBLICATION news SET (publish = 'insert')", "changed: publication news"),
    ("a subscription", "CREATE SUBSCRIPTION feed CONNECTION 'dbname=none' PUBLICATION news WITH (connect = false, slot_name = NONE)", "DROP SUBSCRIPTION feed", "new: subscription feed"),
    ("default privileges", "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO keeper", "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM keeper", "new: default privileges of {me} in public for r"),
    ("a cast", "CREATE CAST (pair AS mail) WITH INOUT", "DROP CAST (pair AS mail)", "new: cast pair as mail"),
    ("an operator", "CREATE OPERATOR !== (leftarg = pet, rightarg = pet, procedure = same)", "DROP OPERATOR !== (pet, pet)", "new: operator public.!==(pet, pet)"),
    ("an operator's estimate", "ALTER OPERATOR === (pet, pet) SET (restrict = eqsel)", "ALTER OPERATOR === (pet, pet) SET (restrict = NONE)", "changed: operator public.===(pet, pet)"),
    ("a collation", "DROP COLLATION order_; CREATE COLLATION order_ (lc_collate = 'POSIX', lc_ctype = 'POSIX')", "DROP COLLATION order_; CREATE COLLATION order_ (lc_collate = 'C', lc_ctype = 'C')", "changed: collation public.order_"),
    ("an extension's version", "UPDATE pg_extension SET extversion = '0.9' WHERE extname = 'plpgsql'", "UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'plpgsql'", "changed: version of extension plpgsql"),
    ("a database's setting", "ALTER DATABASE {here} SET work_mem = '9MB'", "ALTER DATABASE {here} RESET work_mem", "new: setting work_mem"),
    ("a role's setting here", "ALTER ROLE keeper IN DATABASE {here} SET work_mem = '9MB'", "ALTER ROLE keeper IN DATABASE {here} RESET work_mem", "new: setting work_mem of keeper"),
    ("a role's setting", "ALTER ROLE keeper SET work_mem = '9MB'", "ALTER ROLE keeper RESET work_mem", "new: role setting work_mem of keeper"),
    ("a membership", "GRANT staff TO keeper", "REVOKE staff FROM keeper", "new: membership of keeper in staff"),
    ("a database's grant", "REVOKE CONNECT ON DATABASE {here} FROM PUBLIC", "GRANT CONNECT ON DATABASE {here} TO PUBLIC", "changed: database itself"),
    ("a comment on an index", "COMMENT ON INDEX pet_pkey IS 'x'", "COMMENT ON INDEX pet_pkey IS NULL", "new: comment on index public.pet_pkey"),
    ("a comment on a constraint", "COMMENT ON CONSTRAINT pet_owner_fkey ON pet IS 'x'", "COMMENT ON CONSTRAINT pet_owner_fkey ON pet IS NULL", "new: comment on table constraint pet_owner_fkey on public.pet"),
    ("a comment on a schema", "COMMENT ON SCHEMA public IS 'x'", "COMMENT ON SCHEMA public IS 'standard public schema'", "changed: comment on schema public"),
    ("a comment on a type", "COMMENT ON TYPE pair IS 'x'", "COMMENT ON TYPE pair IS NULL", "new: comment on type public.pair"),
]  # fmt: skip


@pytest.fixture(scope="module")
def scene(server: Server, people: str) -> Iterator[Target]:
    """One database for all changes: each is taken back."""
    target = Target(server.create("scene", people))
    ask(target, SCENE)
    ask(target, ROLES)
    yield target
    target.close()
    server.drop("scene")


def looked(target: Target) -> Fingerprint:
    """All that can be seen, of the server too."""
    with target.executor_connection("test") as connection, connection.begin():
        return fingerprint.take(connection, content=False, server=True)


@pytest.mark.parametrize(("change", "undo", "named"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_a_change_is_noticed_and_its_undo_too(scene: Target, change: str, undo: str, named: str) -> None:
    here, me = ask(scene, "SELECT current_database()"), ask(scene, "SELECT quote_ident(current_user)")
    before = looked(scene)
    ask(scene, change.replace("{here}", here))
    try:
        found = fingerprint.differences(before, looked(scene))
    finally:
        ask(scene, undo.replace("{here}", here))
    assert named.replace("{me}", me) in found
    assert fingerprint.differences(before, looked(scene)) == []


def test_every_kind_has_a_change(sample: Target) -> None:
    """`extension` alone has none: an extension's schema."""
    named = {case[3].split(": ", 1)[1] for case in CHANGES}
    beyond = (fingerprint.KINDS | fingerprint.SERVER_KINDS) - first.KINDS
    assert {kind for kind in beyond if not any(name.startswith(f"{kind} ") for name in named)} == {"extension"}
    assert "extension plpgsql" in fingerprinted(sample).objects


def test_no_kind_begins_with_another() -> None:
    """Else an object's name would not tell its kind."""
    kinds = fingerprint.KINDS | fingerprint.SERVER_KINDS
    assert [(a, b) for a in kinds for b in kinds if b.startswith(f"{a} ")] == []


def test_what_others_do_on_the_server_is_no_change_of_a_database(sample: Target) -> None:
    """Somebody is given a role while a run is under way: it is taken back nevertheless."""
    ask(sample, ROLES)
    before = fingerprinted(sample)
    ask(sample, "GRANT staff TO keeper; ALTER ROLE keeper SET work_mem = '9MB'")
    try:
        assert fingerprinted(sample) == before
        assert looked(sample).objects.keys() >= {"membership of keeper in staff", "role setting work_mem of keeper"}
    finally:
        ask(sample, "REVOKE staff FROM keeper; ALTER ROLE keeper RESET work_mem")


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE FUNCTION two() RETURNS int LANGUAGE sql AS 'SELECT 1'", ["function public.two()"]),
        ("CREATE SEQUENCE other", ["sequence public.other"]),
        ("CREATE TYPE other AS (a int)", ["type public.other"]),
        ("CREATE DOMAIN other AS int CONSTRAINT small CHECK (value < 5)", ["check of domain public.other.small", "type public.other"]),
        ("CREATE SCHEMA other", ["schema other"]),
    ],
)  # fmt: skip
def test_what_is_new_is_named_once(sample: Target, made: str, named: list[str]) -> None:
    before = fingerprinted(sample)
    ask(sample, made)
    after = fingerprinted(sample)
    assert fingerprint.differences(before, after) == [f"new: {name}" for name in named]
    assert fingerprint.differences(after, before) == [f"gone: {name}" for name in named]


@pytest.mark.parametrize(
    "own",
    [
        "GRANT handrail_engineer TO keeper",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA handrail GRANT SELECT ON TABLES TO keeper",
        "COMMENT ON COLUMN handrail.run.id IS 'x'; COMMENT ON CONSTRAINT run_pkey ON handrail.run IS 'y'",
        "GRANT CONNECT ON DATABASE {here} TO handrail_engineer",
        "CREATE SEQUENCE handrail.one; CREATE FUNCTION handrail.two() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE handrail.run REPLICA IDENTITY FULL",
    ],
)
def test_what_handrail_keeps_is_left_out(sample: Target, own: str) -> None:
    ask(sample, ROLES)
    ask(sample, "DO $$ BEGIN CREATE ROLE handrail_engineer; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    before = fingerprinted(sample)
    ask(sample, own.replace("{here}", ask(sample, "SELECT current_database()")))
    assert fingerprinted(sample) == before
    ask(sample, "REVOKE handrail_engineer FROM keeper")


def test_what_is_beyond_the_first_kinds_waits_for_no_lock(sample: Target) -> None:
    """But where a partition key or a statistic is an expression, which is deparsed under a lock."""
    ask(sample, SCENE + "DROP TABLE odd")
    relations = ask(
        sample,
        "SELECT string_agg(oid::regclass::text, ', ') FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p', 'v')",
    )
    with session_of(sample) as application, sample.executor_connection("test") as connection, connection.begin():
        application.execute(f"LOCK TABLE {relations}".encode())
        connection.execute(text("SET LOCAL lock_timeout = '100ms'"))
        for query in (*fingerprint.QUERIES, surroundings.SERVER):
            connection.execute(text(query)).all()


def test_an_older_fingerprint_is_compared_by_the_kinds_that_it_knew(sample: Target) -> None:
    """A run that an older handrail began kept no kinds."""
    ask(sample, SCENE)
    now = fingerprinted(sample)
    stored = {"objects": now.of(first.KINDS), "content": now.content}
    older = Fingerprint.restored(stored)
    assert older.kinds == first.KINDS
    assert fingerprint.differences(older, now) == []
    ask(sample, "ALTER FUNCTION one() RENAME TO two; ALTER SEQUENCE counter INCREMENT 7")
    assert fingerprint.differences(older, fingerprinted(sample)) == [
        "new: function public.two()", "gone: function public.one()"
    ]  # fmt: skip


def test_a_newer_fingerprint_may_know_more_kinds(sample: Target) -> None:
    now = fingerprinted(sample)
    newer = {**now.stored(), "kinds": [*sorted(now.kinds), "planet"], "objects": {**now.objects, "planet mars": "x"}}
    assert fingerprint.differences(now, Fingerprint.restored(newer)) == []


def test_what_is_stored_comes_back(sample: Target) -> None:
    now = fingerprinted(sample)
    assert Fingerprint.restored(now.stored()) == now


def test_a_hash_made_in_another_way_says_nothing(sample: Target) -> None:
    """An older handrail's: then the rows are counted."""
    now = fingerprinted(sample)
    older = Fingerprint(now.objects, {"public.person": [now.content["public.person"][0], "17"]})
    assert fingerprint.content_differences(older, now) == {}
    ask(sample, "DELETE FROM person WHERE email = 'Person1@example.org'")
    assert fingerprint.content_differences(older, fingerprinted(sample)) == {"public.person": [3000, 2999]}


def test_another_database_has_settings_of_its_own(sample: Target, server: Server) -> None:
    """A restored dump lacks them, and is none the worse."""
    name = ask(sample, "SELECT current_database()")
    ask(sample, f"ALTER DATABASE {name} SET work_mem = '9MB'")
    before = fingerprinted(sample)
    sample.close()
    copy = Target(server.create(f"{name}_copy", name))
    try:
        after = fingerprinted(copy)
        assert fingerprint.differences(before, after) == []
        assert fingerprint.differences(before, after, apart=True) == ["gone: setting work_mem"]
        assert before.content == after.content
    finally:
        copy.close()
        server.drop(f"{name}_copy")


def test_a_login_without_rights_may_see_all_of_it(sample: Target) -> None:
    ask(sample, SCENE)
    ask(sample, ROLES)
    with sample.executor_connection("test") as connection, connection.begin():
        mine = fingerprint.take(connection, content=False)
        connection.execute(text("SET LOCAL ROLE keeper"))
        assert fingerprint.take(connection, content=False) == mine


def test_hostile_names_are_objects_like_others(sample: Target) -> None:
    name = 'a"b; -- :x %s [/red] \x1b[31m'
    with psycopg.connect(sample.url, autocommit=True) as connection:
        quoted = psycopg.sql.Identifier(name)
        connection.execute(psycopg.sql.SQL("CREATE SEQUENCE {}").format(quoted))
    assert 'options of sequence public."a""b; -- :x %s [/red] \x1b[31m"' in fingerprinted(sample).objects
