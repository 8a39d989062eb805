"""What the environment says: HANDRAIL_TARGET, _PLANS, _PRIVATE, _ANCHOR_*, _NOTIFY_*; libpq's where no target is.

HANDRAIL_HOME is read in db/postgres.py and HANDRAIL_COMMANDS in console/engine/outside.py, where they are obeyed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

if TYPE_CHECKING:
    from console.engine.triggers.notifying import Notify

NO = ("0", "no", "n", "off", "false", "f")
LIBPQ = ("PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE", "PGPORT", "PGUSER")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", env_ignore_empty=True)

    target: str | None = None
    """A URL, libpq keywords or the name of a demo target."""

    plans: Path | None = None
    """The folder of plan files; the built-in ones if not set."""

    private: bool = False
    """Whether the console keeps no history of searches. Whatever is not a no is a yes."""

    anchor_syslog: bool = False
    """Whether each anchor of the audit goes to syslog too. Whatever is not a no is a yes."""

    anchor_command: str | None = None
    """A command, run without a shell, that is given each anchor as a line on its standard input."""

    notify_command: str | None = None
    """A command, run without a shell, that is given the report on its standard input when a trigger stops a run."""

    notify_url: SecretStr | None = None
    """An http or https address to which the same report is posted as plain text. It is never printed."""

    def notify(self) -> Notify:
        """Whom the report of an incident goes to."""
        from console.engine.triggers.notifying import Notify  # the first paint needs these settings, and no engine

        return Notify(self.notify_command, self.notify_url.get_secret_value() if self.notify_url else None)

    @field_validator("anchor_syslog", "private", mode="before")
    @classmethod
    def _yes(cls, said: str) -> bool:
        return str(said).strip().lower() not in NO


def libpq_says_where() -> bool:
    """Whether the environment names a database, as it would for psql."""
    return any(os.environ.get(name) for name in LIBPQ)
