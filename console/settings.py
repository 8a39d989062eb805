"""What the environment says: HANDRAIL_TARGET, HANDRAIL_PLANS; and libpq's own variables where no target is named."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

LIBPQ = ("PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE", "PGPORT", "PGUSER")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="HANDRAIL_", env_ignore_empty=True)

    target: str | None = None
    """A URL, libpq keywords or the name of a demo target."""

    plans: Path | None = None
    """The folder of plan files; the built-in ones if not set."""


def libpq_says_where() -> bool:
    """Whether the environment names a database, as it would for psql."""
    return any(os.environ.get(name) for name in LIBPQ)
