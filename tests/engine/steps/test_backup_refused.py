"""backup: what is no backup is refused with its reason, and what was dumped says where it came from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from console.engine import dumping, journey
from console.engine.errors import StepFailed
from console.engine.executor import Executor
from console.engine.plan import Plan
from console.engine.steps import Backup
from console.engine.work import Work
from db import fingerprint
from db.postgres import home
from db.session import Target
from tests.driving import ask, begun, drive, events, look, tiny
from tests.engine.steps.test_backup import dumped
from tests.servers import Server
from tests.staffed import as_login

# what no row of a restored table meets
ELSEWHERE_WRONG = """CREATE FUNCTION here() RETURNS bool LANGUAGE sql IMMUTABLE AS
$$ SELECT current_database() !~ '^handrail_scratch' $$"""
DUMP = tiny('id = "one"\nkind = "backup"')


def work_of(here: Executor, number: int, plan: Plan, step: str) -> Work:
    item = plan.item(step)
    assert isinstance(item.what, Backup)
    return here.given(number, plan, item, item.what)


def restored(target: Target, number: int, plan: Plan, file: Path, major: int) -> None:
    def do(here: Executor) -> None:
        with here.connection.begin():
            before = fingerprint.take(here.connection)
        dumping.restore_and_compare(work_of(here, number, plan, "dump"), file, major, before)

    drive(target, do)


def test_a_dump_that_is_cut_does_not_restore(sample: Target, small: Plan, server: Server) -> None:
    """FM-I2, FM-I3: pg_restore itself refuses it."""
    number, file = dumped(sample, small)
    whole = file.read_bytes()
    restored(sample, number, small, file, server.version)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StepFailed, match="pg_restore failed: "):
        restored(sample, number, small, file, server.version)
    assert ask(sample, "SELECT count(*) FROM pg_database WHERE datname LIKE 'handrail_scratch%'") == 0


@pytest.mark.newest
def test_one_that_did_not_pass_is_not_called_a_dump(sample: Target, small: Plan) -> None:
    ask(sample, ELSEWHERE_WRONG)
    ask(sample, "ALTER TABLE person ADD CHECK (here())")
    number, before = begun(sample, small), set(home().rglob("*"))
    with pytest.raises(StepFailed, match="pg_restore failed"):
        drive(sample, lambda here: journey.forward(here, number, until="dump"))
    assert {path.suffix for path in set(home().rglob("run-*")) - before} == {".unproven", ".list"}


@pytest.mark.newest
def test_a_dump_of_other_rows_differs(sample: Target, small: Plan, server: Server) -> None:
    number, file = dumped(sample, small)
    ask(sample, "UPDATE person SET n = n + 1 WHERE id = (SELECT id FROM person LIMIT 1) RETURNING id")
    with pytest.raises(StepFailed, match=r"differs from the database in 1 places: public\.person"):
        restored(sample, number, small, file, server.version)


@pytest.fixture
def clerk(staff: Target) -> Iterator[Target]:
    """An engineer who owns the people, and whom row-level security binds as any other."""
    with psycopg.connect(staff.url, autocommit=True) as connection:
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'clerk1'").fetchone() is None:
            connection.execute("CREATE ROLE clerk1 LOGIN IN ROLE handrail_engineer")
        connection.execute("GRANT ALL ON SCHEMA public TO clerk1")
        connection.execute(f"GRANT CREATE ON DATABASE {connection.info.dbname} TO clerk1".encode())
        connection.execute("ALTER TABLE person OWNER TO clerk1; ALTER TABLE person ENABLE ROW LEVEL SECURITY")
    clerk = as_login(staff, "clerk1")
    yield clerk
    clerk.close()


def refusal(clerk: Target) -> str:
    """What a login is told that takes a dump; nothing is dumped before it is told."""
    number = begun(clerk, DUMP)
    before = set(home().rglob("*.dump"))
    with pytest.raises(StepFailed) as refused:
        drive(clerk, lambda here: journey.forward(here, number))
    assert set(home().rglob("*.dump")) == before or "create database" in str(refused.value)
    return str(refused.value)


def test_a_login_that_force_binds_is_told_what_is_missing(staff: Target, clerk: Target) -> None:
    """FM-I4"""
    ask(staff, "ALTER TABLE person FORCE ROW LEVEL SECURITY")
    said = refusal(clerk)
    assert "hide rows of 1 table from the dump (public.person)" in said
    assert "clerk1 is their owner and FORCE binds it, and has no BYPASSRLS" in said
    assert "ALTER ROLE clerk1 BYPASSRLS" in said


def test_a_login_that_does_not_own_the_table_too(staff: Target, clerk: Target) -> None:
    ask(staff, "ALTER TABLE person OWNER TO postgres")
    ask(staff, "GRANT SELECT ON person TO clerk1")
    assert "clerk1 is not their owner, and has no BYPASSRLS" in refusal(clerk)


def test_an_owner_whom_force_does_not_bind_is_not(clerk: Target) -> None:
    """What is missing then is the right to make the scratch database."""
    assert "permission denied to create database" in refusal(clerk)


def test_who_bypasses_takes_a_dump_that_is_whole(staff: Target) -> None:
    ask(staff, "ALTER TABLE person ENABLE ROW LEVEL SECURITY")
    ask(staff, "ALTER TABLE person FORCE ROW LEVEL SECURITY")
    engineer = as_login(staff, "oncall1")
    number = begun(engineer, DUMP)
    drive(engineer, lambda here: journey.forward(here, number))
    kept = look(staff, number).steps[0].progress
    assert (kept["rows"], kept["globals"][-12:]) == (3000, ".globals.sql")
    engineer.close()


def test_row_security_is_never_switched_on() -> None:
    said = Path(str(dumping.__file__)).read_text() + Path("console/engine/steps/backup.py").read_text()
    assert [line for line in said.splitlines() if "enable-row-security" in line and '"' in line.split("#")[0]] == [
        '    """FM-I4: never --enable-row-security, which would leave rows out and say nothing."""'
    ]


def test_versions_and_roles_are_kept_beside_it(sample: Target, small: Plan, server: Server) -> None:
    """FM-I5"""
    ask(
        sample,
        "DO $$ BEGIN IF to_regrole('guarded1') IS NULL THEN CREATE ROLE guarded1 PASSWORD 'secret'; END IF; END $$",
    )
    number, file = dumped(sample, small)
    kept = look(sample, number).steps[1].progress
    assert kept["server"].split(".")[0] == str(server.version)
    assert int(kept["pg_dump"].split(".")[0]) >= server.version
    roles = file.with_suffix(".globals.sql")
    assert (kept["globals"], roles.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (roles.name, 0o600, 0o600)
    assert "CREATE ROLE postgres" in roles.read_text()
    assert "CREATE ROLE guarded1" in roles.read_text()
    assert "PASSWORD '" not in roles.read_text()
    told = next(event.detail for event in events(sample, number) if event.kind == "step done" and event.step == "dump")
    assert (told["server"], told["globals"]) == (kept["server"], roles.name)


@pytest.mark.newest
def test_roles_that_may_not_be_read_are_said_and_no_error(staff: Target, tmp_path: Path) -> None:
    engineer, file = as_login(staff, "oncall1"), tmp_path / "some.dump"
    number = begun(engineer, DUMP)

    def do(here: Executor) -> str:
        ask(staff, "REVOKE SELECT ON pg_catalog.pg_roles FROM PUBLIC")
        said = dumping.write_globals(work_of(here, number, DUMP, "one"), file, 18)
        ask(staff, "GRANT SELECT ON pg_catalog.pg_roles TO PUBLIC")
        return said

    said = drive(engineer, do)
    assert said.startswith("not written: pg_dumpall failed: ")
    assert not list(tmp_path.iterdir())
    engineer.close()
