"""How soon the command answers, beside Python itself and beside its own libraries all loaded."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from bench.figure import Figure, median_ms


def figures() -> Iterator[Figure]:
    python = _takes("pass")
    everything = _takes("import textual.app, sqlalchemy.orm, psycopg, alembic.command, pydantic, pglast")
    yield Figure(
        "handrail --version", _takes("import console.cli; console.cli.main(['--version'])"), "python -c pass", python, 5
    )
    yield Figure(
        "what the first picture needs",
        _takes("import console.app, console.screens.home"),
        "all libraries",
        everything,
        0.6,
    )


def _takes(statement: str) -> float:
    return median_ms(
        lambda: subprocess.run([sys.executable, "-c", statement], check=True, stdout=subprocess.DEVNULL), 7
    )
