"""The server itself: whether it may be written, whether it keeps what it is given, and who follows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from console.engine.doctor import REFUSED, Finding
from console.engine.preflight.wording import size
from db.queries import health
from db.wording import counted, lasting

LAG_BYTES = 100_000_000
LAG_SECONDS = 60.0
SLOT_BYTES = 1_000_000_000
FROZEN_AGE = 1_500_000_000  # of 2 147 483 648; the server stops taking writes at the end


def of_server(server: health.Server) -> Iterator[Finding]:
    yield Finding("ok", "server", f"PostgreSQL {server.version}")
    if server.is_replica:
        yield Finding("wrong", "server", "this is a replica", "Connect to its primary", REFUSED)
    elif server.read_only:
        hint = "Take default_transaction_read_only off this login, database or server"
        yield Finding("wrong", "server", "its transactions are read-only", hint, REFUSED)
    for setting, on in (("fsync", server.fsync), ("full_page_writes", server.full_page_writes)):
        if not on:
            hint = f"ALTER SYSTEM SET {setting} = on, then SELECT pg_reload_conf()"
            yield Finding("warning", setting, "off: a power cut may destroy the database", hint)
    checksums = "on" if server.data_checksums else "off: the server does not notice a page that its disk has spoilt"
    yield Finding("ok", "data checksums", checksums, "pg_amcheck is not run here; it looks for corruption")
    if server.frozen_age > FROZEN_AGE:
        found = f"{counted(server.frozen_age, 'transaction')} since the database was frozen"
        yield Finding("warning", "wraparound", found, "VACUUM (FREEZE) its oldest tables first")
    if not server.sees_all:
        hint = f"GRANT pg_read_all_stats TO {server.login}"
        yield Finding("ok", "sessions", "not known: this login sees no sessions but its own", hint)


def of_replication(
    replicas: Sequence[health.Replica], slots: Sequence[health.Slot], server: health.Server
) -> Iterator[Finding]:
    for replica in replicas:
        if not server.sees_all:
            hint = f"GRANT pg_read_all_stats TO {server.login}"
            yield Finding("ok", "replica", f"not known how far {replica.name} is behind", hint)
        elif (replica.bytes or 0) > LAG_BYTES or (replica.seconds or 0) > LAG_SECONDS:
            time = f" and {lasting(replica.seconds)}" if replica.seconds else ""
            found = f"{replica.name} ({replica.address}) is {size(replica.bytes or 0)}{time} behind"
            yield Finding("warning", "replica", found, "Wait until it has caught up: a backfill makes it later still")
    for slot in slots:
        if slot.bytes > SLOT_BYTES:
            hint = f"Nobody reads it. Drop it if nobody will: SELECT pg_drop_replication_slot('{slot.name}')"
            yield Finding("warning", "replication slot", f"{slot.name} keeps {size(slot.bytes)} of WAL", hint)
    if server.archiving_fails:
        hint = "See pg_stat_archiver and the server's log: until it works, WAL fills the server's disk"
        yield Finding("warning", "WAL archiving", "the last try failed", hint)


def of_extensions(wanted: Sequence[str], available: dict[str, bool]) -> Iterator[Finding]:
    for name in wanted:
        if name not in available:
            found, hint = "the server does not have it", "Install it on the server's machine"
            yield Finding("wrong", f"extension {name}", found, hint, REFUSED)
        elif not available[name]:
            yield Finding("wrong", f"extension {name}", "not created here", f'CREATE EXTENSION "{name}"', REFUSED)
        else:
            yield Finding("ok", f"extension {name}", "yes")
