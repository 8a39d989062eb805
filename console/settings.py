"""What the environment says: HANDRAIL_TARGET, _PLANS, _PRIVATE, _ANCHOR_*; libpq's where no target is."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

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

    @field_validator("anchor_syslog", "private", mode="before")
    @classmethod
    def _yes(cls, said: str) -> bool:
        return str(said).strip().lower() not in NO


def libpq_says_where() -> bool:
    """Whether the environment names a database, as it would for psql."""
    return any(os.environ.get(name) for name in LIBPQ)
