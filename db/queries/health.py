"""How the server is before a run begins: who holds what, what was left over, what stands between it and its replicas.

Every question is answered for any login: what a login may not see comes back as None, never as an error, since an
error would end the transaction in which these are asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

SERVER = text(
    """
    SELECT current_setting('server_version') AS version, quote_ident(current_user) AS login,
           pg_is_in_recovery() AS is_replica,
           current_setting('default_transaction_read_only')::bool AS read_only,
           pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all,
           current_setting('fsync')::bool AS fsync,
           current_setting('full_page_writes')::bool AS full_page_writes,
           current_setting('data_checksums')::bool AS data_checksums,
           current_setting('archive_mode') <> 'off' AND
               coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS archiving_fails,
           age(d.datfrozenxid) AS frozen_age,
           pg_database_size(d.oid) AS bytes,
           (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS data_directory,
           inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr() AS may_be_here
    FROM pg_database d, pg_stat_archiver a WHERE d.datname = current_database()
    """
)

SESSIONS = text(
    """
    SELECT pid, coalesce(usename, '') AS login, application_name AS application, backend_type AS kind, state, query,
           extract(epoch FROM clock_timestamp() - xact_start)::float AS seconds
    FROM pg_stat_activity
    WHERE datname = current_database() AND xact_start IS NOT NULL AND leader_pid IS NULL AND pid <> pg_backend_pid()
    ORDER BY xact_start
    """
)

PREPARED = text(
    """
    SELECT gid, owner, extract(epoch FROM clock_timestamp() - prepared)::float AS seconds
    FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared
    """
)


# A standby has standbys too; what it has received counts there.
REPLICAS = text(
    """
    SELECT application_name AS name, coalesce(client_addr::text, 'local') AS address,
           pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                           replay_lsn)::bigint AS bytes,
           extract(epoch FROM replay_lag)::float AS seconds
    FROM pg_stat_replication ORDER BY 1, 2
    """
)

SLOTS = text(
    """
    SELECT slot_name AS name,
           pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
                           restart_lsn)::bigint AS bytes
    FROM pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL ORDER BY 2 DESC
    """
)

EXTENSIONS = text("SELECT name, installed_version IS NOT NULL AS created FROM pg_available_extensions")


@dataclass(frozen=True)
class Server:
    """`login` is quoted as SQL wants it; `data_directory` is None for a login that may not know it."""

    version: str
    login: str
    is_replica: bool
    read_only: bool
    sees_all: bool
    fsync: bool
    full_page_writes: bool
    data_checksums: bool
    archiving_fails: bool
    frozen_age: int
    bytes: int
    data_directory: str | None
    may_be_here: bool


@dataclass(frozen=True)
class SessionRow:
    """A session of this database with a transaction open for `seconds`; `kind` is the server's word for it."""

    pid: int
    login: str
    application: str
    kind: str
    state: str | None
    query: str
    seconds: float


@dataclass(frozen=True)
class PreparedTransaction:
    gid: str
    owner: str
    seconds: float


@dataclass(frozen=True)
class Replica:
    name: str
    address: str
    bytes: int | None
    seconds: float | None


@dataclass(frozen=True)
class Slot:
    name: str
    bytes: int


def server(connection: Connection) -> Server:
    return Server(*connection.execute(SERVER).one())


def sessions(connection: Connection) -> list[SessionRow]:
    return [SessionRow(*row) for row in connection.execute(SESSIONS)]


def prepared(connection: Connection) -> list[PreparedTransaction]:
    return [PreparedTransaction(*row) for row in connection.execute(PREPARED)]


def replicas(connection: Connection) -> list[Replica]:
    return [Replica(*row) for row in connection.execute(REPLICAS)]


def idle_slots(connection: Connection) -> list[Slot]:
    return [Slot(*row) for row in connection.execute(SLOTS)]


def extensions(connection: Connection) -> dict[str, bool]:
    """Those that the server can make here, and whether they are made."""
    return {row.name: row.created for row in connection.execute(EXTENSIONS)}
