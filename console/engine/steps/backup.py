"""backup: a dump that is known to restore.

The dump and the fingerprint that it must have are taken in one snapshot, so that writers need not wait. The dump is
restored into a scratch database of the same server, compared by fingerprint, and the scratch database dropped. The
schema `handrail` stays out: a restore must not rewind the journal (FM-I6); so does the index of clients, which is made
again. What that has put on the target's tables is commented out of the list beside the dump, by which it is restored:
pg_restore --use-list.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import ClassVar, Literal

from psycopg import conninfo
from sqlalchemy import Connection, text

from console.engine.errors import StepFailed
from console.engine.steps.common import Found, Sources, Step
from console.engine.work import Work
from db import fingerprint, postgres
from db.queries import runs
from db.session import Target

LIBPQ = {"host": "PGHOST", "hostaddr": "PGHOSTADDR", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD",
         "passfile": "PGPASSFILE", "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT",
         "sslkey": "PGSSLKEY", "service": "PGSERVICE"}  # fmt: skip
LEFT_OUT = ("--exclude-schema=handrail", "--exclude-schema=handrail_search")
OF_THE_INDEX = re.compile(r"^(\d+; \d+ \d+ (?:TRIGGER|POLICY) \S+ .* handrail_search_)", re.M)


class Backup(Step):
    transactional: ClassVar[bool] = False

    kind: Literal["backup"]

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        if back:
            return "-- nothing to undo: the dump stays where it is"
        return "-- pg_dump --format=custom, pg_restore into a scratch database, fingerprints compared"

    def apply(self, work: Work) -> Found:
        file = _free_name(work, self.id)
        major = _major(work.connection)
        before = _dump(work, file, major)
        seal(file)
        _restore_and_compare(work, file, major, before)
        rows = sum(rows for rows, _ in before.content.values())
        found = {"file": str(file), "bytes": file.stat().st_size, "sha256": digest(file), "rows": rows,
                 "tables": len(before.content), "fingerprint": before.digest}  # fmt: skip
        work.keep(**found)
        return found

    def take_back(self, work: Work) -> Found:
        return {}


def _free_name(work: Work, step: str) -> Path:
    """A name that no dump has yet: what was dumped before, by whomever, is never written over."""
    with work.transaction() as (session, _):
        identity = runs.target_identity(session)
    folder = postgres.home() / "backups" / f"{work.target.name}-{identity}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = (folder / f"run-{work.run}-{step}{f'-{again}' if again > 1 else ''}.dump" for again in count(1))
    return next(name for name in names if not name.exists())


def digest(file: Path) -> str:
    with file.open("rb") as dump:
        return hashlib.file_digest(dump, "sha256").hexdigest()


def seal(file: Path) -> None:
    """Writes the checksum beside the dump, in the form that sha256sum -c reads."""
    file.with_suffix(".sha256").write_text(f"{digest(file)}  {file.name}\n", encoding="ascii")


def _dump(work: Work, file: Path, major: int) -> fingerprint.Fingerprint:
    """Dumps the database; returns the fingerprint of the very snapshot that was dumped."""
    connection = work.connection
    with connection.begin():
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        _run(
            work,
            [str(postgres.binary("pg_dump", major)), "--format=custom", *LEFT_OUT, "--no-password",
             f"--snapshot={snapshot}", f"--file={file}", f"--dbname={_database(connection)}"],
        )  # fmt: skip
        return fingerprint.take(connection)


def _listed(work: Work, file: Path, major: int) -> Path:
    """What is in the dump, in the order of restoring."""
    path = file.with_suffix(".list")
    _run(work, [str(postgres.binary("pg_restore", major)), "--list", f"--file={path}", str(file)])
    path.write_text(OF_THE_INDEX.sub(r";\1", path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def _restore_and_compare(work: Work, file: Path, major: int, before: fingerprint.Fingerprint) -> None:
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


def _major(connection: Connection) -> int:
    with connection.begin():
        return int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10000


def _database(connection: Connection) -> str:
    return str(connection.execute(text("SELECT current_database()")).scalar_one())


def _run(work: Work, command: list[str]) -> None:
    """A program of PostgreSQL; the password goes by the environment, where `ps` does not show it (UX-C3)."""
    known = {LIBPQ[key]: str(value) for key, value in work.target.parameters.items() if key in LIBPQ and value}
    with subprocess.Popen(
        command, env={**os.environ, **known}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as program:
        while True:
            try:
                _, said = program.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if work.stopping.is_set():
                    program.terminate()
    work.stop_if_wanted()
    if program.returncode != 0:
        raise StepFailed(f"{Path(command[0]).name} failed: {_reason(said)}", "Mend the cause, then resume.")


def _reason(said: str) -> str:
    """The last line that says why; those below it quote the statement and the row (FM-E9)."""
    lines = said.strip().splitlines() or ["it said nothing"]
    return next((line for line in reversed(lines) if re.match(r"\S+: (error|fatal): ", line)), lines[-1])
