"""How a target is reached: libpq's own rules, and one line where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import InvalidRequestError

from db import session
from db.errors import ConnectionFailed
from db.queries import runs
from db.session import Target, transaction
from tests.driving import ask


def named(target: Target) -> str | None:
    with target.session() as asked:
        return runs.target_name(asked)


def test_keywords_service_and_environment_lead_there(
    sample: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UX-C3"""
    known = {key: str(sample.parameters[key]) for key in ("host", "port", "user", "dbname")}
    keywords = " ".join(f"{key}='{value}'" for key, value in known.items())
    assert named(Target(keywords)) == "sample"

    services = tmp_path / "services.conf"
    services.write_text("[here]\n" + "\n".join(f"{key}={value}" for key, value in known.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert named(Target("service=here")) == "sample"
    monkeypatch.setenv("PGSERVICE", "here")
    assert named(Target("")) == "sample"
    monkeypatch.delenv("PGSERVICE")

    for key, variable in (("host", "PGHOST"), ("port", "PGPORT"), ("user", "PGUSER"), ("dbname", "PGDATABASE")):
        monkeypatch.setenv(variable, known[key])
    assert named(Target("")) == "sample"


def test_a_server_that_is_too_old_is_refused(sample: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "OLDEST", 99)
    with pytest.raises(ConnectionFailed, match=r"The server is PostgreSQL 1\d"):
        named(Target(sample.url))


def test_a_label_tells_no_login_and_no_password() -> None:
    label = Target("postgresql://me:secret@db1:5433/shop").label
    assert label == "shop@db1"
    assert "secret" not in repr(Target("postgresql://me:secret@db1/shop"))


def test_a_transaction_begins_at_once_and_stands_alone(sample: Target) -> None:
    """Else a statement on the connection would begin one, which a session only joins and never commits."""
    with sample.executor_connection("test") as connection:
        with transaction(connection) as asked:
            connection.execute(text("CREATE TABLE kept (a int)"))
            assert runs.target_name(asked) == "sample"
        connection.execute(text("SELECT 1"))
        with pytest.raises(InvalidRequestError), transaction(connection):
            pass
    assert ask(sample, "SELECT to_regclass('kept')::text") == "kept"
