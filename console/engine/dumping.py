"""A dump of the target, restored and compared, by PostgreSQL's own programs of the server's version or a newer one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import conninfo
from sqlalchemy import Connection, text

from console.engine import outside
from console.engine.errors import StepFailed
from console.engine.work import Work
from db import fingerprint, postgres
from db.errors import ToolMissing
from db.session import Target
from db.wording import counted

LIBPQ = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
         "passfile": "PGPASSFILE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
         "sslkey": "PGSSLKEY", "service": "PGSERVICE"}  # fmt: skip
LEFT_OUT = ("--exclude-schema=handrail", "--exclude-schema=handrail_search")
OURS = re.compile(r"^(\d+; \d+ \d+ (?:TRIGGER|POLICY) \S+ .* handrail_(?:search|capture)_)", re.M)
# What pg_dump is refused, since it switches row security off; handrail's own schemas are not dumped.
BOUND = text(
    """
    SELECT format('%I.%I', n.nspname, c.relname) AS name, pg_has_role(c.relowner, 'USAGE') AS owned,
           quote_ident(current_user) AS login
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND row_security_active(c.oid)
      AND n.nspname NOT IN ('handrail', 'handrail_search')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
    ORDER BY 1
    """
)


def require_unbound(connection: Connection) -> None:
    """FM-I4: never --enable-row-security, which would leave rows out and say nothing."""
    with connection.begin():
        bound = connection.execute(BOUND).all()
    if not bound:
        return
    names, login = [one.name for one in bound], bound[0].login
    few = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    owner = "is their owner and FORCE binds it" if all(one.owned for one in bound) else "is not their owner"
    raise StepFailed(
        f"Row-level security would hide rows of {counted(len(names), 'table')} from the dump ({few}): "
        f"{login} {owner}, and has no BYPASSRLS.",
        f"As a superuser: ALTER ROLE {login} BYPASSRLS; or run the step as an owner whom FORCE does not bind.",
    )


def dump(work: Work, file: Path, major: int) -> tuple[fingerprint.Fingerprint, str]:
    """Dumps the database; returns the fingerprint of the very snapshot that was dumped, and the server's time of it."""
    connection = work.connection
    with connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        taken_at = now(connection)
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        file.touch(mode=0o600, exist_ok=False)
        try:
            _run(
                work,
                [str(postgres.binary("pg_dump", major)), "--format=custom", *LEFT_OUT, "--no-password",
                 f"--snapshot={snapshot}", f"--file={file}", f"--dbname={_database(connection)}"],
            )  # fmt: skip
        except StepFailed:
            file.unlink(missing_ok=True)
            raise
        return fingerprint.take(connection), taken_at


def write_globals(work: Work, file: Path, major: int) -> str:
    """Roles without their passwords, beside the dump (FM-I5): the file's name, or why there is none."""
    path = file.with_suffix(".globals.sql")
    path.touch(mode=0o600)
    with work.connection.begin():
        database = _database(work.connection)
    try:
        _run(
            work,
            [str(postgres.binary("pg_dumpall", major)), "--globals-only", "--no-role-passwords", "--no-password",
             f"--file={path}", f"--database={database}"],
        )  # fmt: skip
    except (StepFailed, ToolMissing) as error:
        path.unlink(missing_ok=True)
        return f"not written: {error.message}"
    return path.name


def _listed(work: Work, file: Path, major: int) -> Path:
    """What is in the dump, in the order of restoring."""
    path = file.with_suffix(".list")
    _run(work, [str(postgres.binary("pg_restore", major)), "--list", f"--file={path}", str(file)])
    path.write_text(OURS.sub(r";\1", path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def restore_and_compare(work: Work, file: Path, major: int, before: fingerprint.Fingerprint) -> None:
    """Raises StepFailed where the dump does not restore, or restores to something else."""
    scratch = f"handrail_scratch_{work.run}"
    with _scratch_database(work, scratch):
        _run(
            work,
            [str(postgres.binary("pg_restore", major)), "--single-transaction", "--exit-on-error", "--no-password",
             f"--use-list={_listed(work, file, major)}", f"--dbname={scratch}", str(file)],
        )  # fmt: skip
        url = conninfo.make_conninfo(work.target.url, dbname=scratch)
        with Target(url, scratch).executor_connection("handrail: compare a restored dump") as restored:
            after = fingerprint.take(restored)
    wrong = [*fingerprint.differences(before, after), *fingerprint.content_differences(before, after)]
    if wrong:
        raise StepFailed(
            f"The restored dump differs from the database in {len(wrong)} places: {', '.join(wrong[:5])}.",
            "Do not go on without a backup; look at the dump and take it again.",
        )


@contextmanager
def _scratch_database(work: Work, name: str) -> Iterator[None]:
    with work.autocommit() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE template0'))
    try:
        yield
    finally:
        with work.autocommit() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def major_of(connection: Connection) -> int:
    with connection.begin():
        return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10000


def versions(work: Work, major: int) -> dict[str, str]:
    """Of the server, and of the program that dumped it: a restore elsewhere wants to know (FM-I5)."""
    with work.connection.begin():
        server = str(work.connection.execute(text("SHOW server_version")).scalar_one()).split()[0]
    ended = outside.run([str(postgres.binary("pg_dump", major)), "--version"], work.stopping, seconds=10)
    found = re.search(r"\(PostgreSQL\) (\S+)", ended.said)
    return {"server": server, "pg_dump": found[1] if found else "unknown"}


def now(connection: Connection) -> str:
    """The server's clock, in ISO and UTC."""
    return str(connection.execute(text("SELECT clock_timestamp()")).scalar_one().isoformat())


def _database(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_database()")).scalar_one())


def _run(work: Work, command: list[str]) -> None:
    """A program of PostgreSQL; the password goes by the environment, where `ps` does not show it (UX-C3)."""
    known = {LIBPQ[key]: str(value) for key, value in work.target.parameters.items() if key in LIBPQ and value}
    ended = outside.run(command, work.stopping, known=known)
    work.stop_if_wanted()
    if ended.code != 0:
        raise StepFailed(f"{Path(command[0]).name} failed: {_reason(ended.said)}", "Mend the cause, then resume.")


def _reason(said: str) -> str:
    """The last line that says why; those below it quote the statement and the row (FM-E9)."""
    lines = said.strip().splitlines() or ["it said nothing"]
    return next((line for line in reversed(lines) if re.match(r"\S+: (error|fatal): ", line)), lines[-1])
