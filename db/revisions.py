"""Alembic revisions, applied one at a time inside a transaction that the caller holds (F60).

Each target has its own folder under migrations/versions and its own line of revisions. handrail's own lines are
stamped in schemas of their own, a target's in its public.alembic_version.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from db.errors import HandrailError

MIGRATIONS = Path(__file__).parent.parent / "migrations"
OWN = "handrail"
SEARCH = "search"
# lines of handrail's own, each in a schema that is its own too
SCHEMAS = {OWN: "handrail", SEARCH: "handrail_search"}


class RevisionUnknown(HandrailError):
    exit_code = 2


class RevisionOutOfTurn(HandrailError):
    """The database does not stand where the revision begins."""


def version_place(target: str) -> dict[str, Any]:
    """Where a line of revisions keeps its stamp: arguments of Alembic's configure()."""
    return {"version_table": "alembic_version", "version_table_schema": SCHEMAS.get(target)}


@cache
def line(target: str) -> ScriptDirectory:
    """The revisions of one target."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", str(MIGRATIONS / "versions" / target))
    return ScriptDirectory.from_config(config)


def find(target: str, revision: str) -> Script:
    try:
        found = line(target).get_revision(revision)
    except CommandError:
        found = None
    if found is None:
        raise RevisionUnknown(
            f"There is no revision {revision!r} for target {target}.",
            f"migrations/versions/{target} holds: {', '.join(known(target)) or 'none'}",
        )
    return found


def known(target: str) -> list[str]:
    """All revisions of a target, oldest first."""
    return [script.revision for script in reversed(list(line(target).walk_revisions()))]


def current(connection: Connection, target: str) -> str | None:
    """The revision that the database stands at; None before the first."""
    return MigrationContext.configure(connection, opts=version_place(target)).get_current_revision()


def upgrade(connection: Connection, target: str, revision: str) -> None:
    """Applies one revision and its stamp in the caller's open transaction; `connection` must be in one."""
    require_next(target, revision, current(connection, target))
    parent = _parent(find(target, revision)) or "base"
    _run(connection, target, lambda: line(target)._upgrade_revs(revision, parent))


def downgrade(connection: Connection, target: str, revision: str) -> None:
    """Takes one revision back, stamp included, in the caller's open transaction."""
    script = find(target, revision)
    _require(revision, wanted=revision, here=current(connection, target))
    _run(connection, target, lambda: line(target)._downgrade_revs(_parent(script) or "base", revision))


def upgrade_all(connection: Connection, target: str) -> None:
    """Brings a line to its newest revision; for handrail's own tables and a target's first revision."""
    for revision in known(target):
        here = current(connection, target)
        if here is None or revision in _after(target, here):
            upgrade(connection, target, revision)


def rendered(target: str, revision: str, *, down: bool = False) -> str:
    """The SQL of a revision without a database; empty where the revision cannot say it offline."""
    script, buffer = find(target, revision), io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # else every % would be shown twice
        opts={"as_sql": True, "output_buffer": buffer, "literal_binds": True, **version_place(target)},
    )
    with Operations.context(context):
        (script.module.downgrade if down else script.module.upgrade)()
    return buffer.getvalue().strip()


def source(target: str, revision: str) -> str:
    return Path(find(target, revision).path).read_text(encoding="utf-8")


def _parent(script: Script) -> str | None:
    parent = script.down_revision
    if parent is not None and not isinstance(parent, str):
        raise RevisionOutOfTurn(f"Revision {script.revision} joins two lines.", "Apply a merge by hand.")
    return parent


def _after(target: str, revision: str) -> list[str]:
    revisions = known(target)
    return revisions[revisions.index(revision) + 1 :] if revision in revisions else []


def require_next(target: str, revision: str, here: str | None) -> None:
    """Raises unless `revision` is the one that follows `here`."""
    _require(revision, wanted=_parent(find(target, revision)), here=here)


def _require(revision: str, *, wanted: str | None, here: str | None) -> None:
    if here != wanted:
        raise RevisionOutOfTurn(
            f"Revision {revision} needs the database at {wanted or 'its beginning'}, but it is at "
            f"{here or 'its beginning'}.",
            "Somebody ran revisions outside this run; bring the database back to where the run left it.",
        )


def _run(connection: Connection, target: str, steps: Callable[[], Any]) -> None:
    script_directory = line(target)

    def revisions(_heads: Any, _context: MigrationContext) -> Any:
        return steps()

    with EnvironmentContext(Config(), script_directory, fn=revisions) as environment:
        # configured inside the caller's transaction, so that Alembic leaves COMMIT to the caller (F60)
        environment.configure(connection=connection, **version_place(target))
        environment.run_migrations()
