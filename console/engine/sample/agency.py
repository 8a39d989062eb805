"""Rows for the client platform: from 10 clients to 10 million, in constant memory (A-04).

Everything follows from the seed and the row's number, so that two databases filled alike have the
same content, and a row can be pointed at without having been kept. Rows go by COPY, as text that
is put together in blocks: that is several times faster than value by value.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from console.engine.sample import dirt, words

Tell = Callable[[str, int, int], None]
"""Called after each block with the table, the rows written and the rows in all."""

Lines = Callable[[int], str]
"""The line of COPY for a row's number."""

EPOCH = datetime(2025, 9, 1, tzinfo=UTC)
"""The newest moment in the rows; no clock is read, or the content would differ from run to run."""

BLOCK = 2000
FEWEST = 6
"""Rows of a dependent, so that each of its kinds of dirt is there."""

MANAGERS = 8
ID_BITS = (1 << 120) - 1
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC9
MIX = 0xD1B54A32D192ED03
HALF = (1 << 64) - 1
NULL = "\\N"

DAYS = tuple(f"{EPOCH - timedelta(days=back):%Y-%m-%d}" for back in range(1, 1461))
HOURS = tuple(f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}+00" for s in range(0, 86_400, 17))

COLUMNS = {
    "auth.users": "id email raw_app_meta_data created_at updated_at",
    "clients": "id email created_at updated_at role last_login_at last_logout_at metadata preferences",
    "tenant_apps": "id client_id name domain status settings created_at updated_at",
    "client_customizations": "id client_id template_id customization notes created_at updated_at",
    "client_deployments": ("id client_id environment url status configuration deployed_at created_at updated_at"),
    "client_analytics": "id client_id metric amount details recorded_at",
    "deployment_tracking_events": "id deployment_id client_id event_type message details created_at",
}


def fill(connection: psycopg.Connection, rows: int, seed: int = 7, tell: Tell | None = None) -> None:
    """Writes `rows` clients with their dependents into an empty agency database, in one transaction."""
    made = _Rows(seed, rows)
    with connection.transaction():
        for table, (count, lines) in made.tables().items():
            _copy(connection, table, count, lines, tell)
        connection.execute("ANALYZE")


def _copy(connection: psycopg.Connection, table: str, count: int, lines: Lines, tell: Tell | None) -> None:
    schema, name = table.split(".") if "." in table else ("public", table)
    command = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(schema, name), sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table].split()))
    )
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            copy.write("".join(map(lines, range(start, stop))))
            if tell:
                tell(table, stop, count)


class _Rows:
    """The rows of one seed; every method answers for a row's number alone."""

    def __init__(self, seed: int, clients: int) -> None:
        chance = random.Random(seed)
        self.clients = clients
        self.salt = chance.getrandbits(64)
        self.offset = {table: chance.getrandbits(120) for table in (*COLUMNS, "nobody")}
        self.some, self.half = max(FEWEST, clients * 3 // 10), max(FEWEST, clients // 2)

    def tables(self) -> dict[str, tuple[int, Lines]]:
        """Table -> rows, and the line of each; in the order in which they are written."""
        return {
            "auth.users": (max(1, self.clients // 10) + MANAGERS, self.user),
            "clients": (self.clients, self.client),
            "tenant_apps": (self.some, self.tenant_app),
            "client_customizations": (self.some, self.customization),
            "client_deployments": (self.some, self.deployment),
            "client_analytics": (self.half, self.analytic),
            "deployment_tracking_events": (self.half, self.event),
        }

    def user(self, n: int) -> str:
        """An administrator, managers, and then each tenth client under the client's own id."""
        at = self._at(self._bits(n))
        if n < MANAGERS:
            id, email = self._id("auth.users", n), f"staff{n}@example.com"
            claims = f'{{"role": "{"manager" if n else "admin"}"}}'
        else:
            client = (n - MANAGERS) * 10
            id, email, claims = self._id("clients", client), self._email(client, self._bits(client)), "{}"
        return f"{id}\t{email}\t{claims}\t{at}\t{at}\n"

    def client(self, n: int) -> str:
        h = self._bits(n)
        id, email, at = self._id("clients", n), self._email(n, h), self._at(h)
        if dirty := dirt.of_client(n):
            return dirt.line(dirty(n, id, email, at))
        name = f"{words.FIRST[h & 15][1]} {words.LAST[h >> 4 & 15][1]}"
        company = f"{words.COMPANY[h >> 12 & 15]} {words.FORM[h >> 16 & 7]}"
        changed = max(at, self._at(h >> 9))
        login = changed if h >> 22 & 3 else NULL
        logout = changed if h >> 22 & 1 else NULL
        return (
            f"{id}\t{email}\t{at}\t{changed}\t{words.ROLE[h >> 19 & 7]}\t{login}\t{logout}\t"
            f'{{"name": "{name}", "company": "{company}", "phone": "+49 30 {h >> 24 & 0xFFFFFF:08}"}}\t'
            f"{words.PREFERENCES[h >> 25 & 7]}\n"
        )

    def tenant_app(self, n: int) -> str:
        h, id = self._bits(n), self._id("tenant_apps", n)
        if n % dirt.EVERY == 1:
            return dirt.line([id, *[None] * 7])
        text = dirt.text_of(n) or f"{words.COMPANY[h & 15]} {n}"
        at = self._at(h)
        return (
            f"{id}\t{self._owner('tenant_apps', n)}\t{text}\tapp{n}.{words.DOMAIN[h >> 8 & 7]}\t"
            f"{words.STATUS[h >> 11 & 3]}\t{_details(n)}\t{at}\t{at}\n"
        )

    def customization(self, n: int) -> str:
        h, id = self._bits(n), self._id("client_customizations", n)
        if n % dirt.EVERY == 1:
            return dirt.line([id, *[None] * 6])
        text = dirt.text_of(n) or NULL
        at = self._at(h)
        return (
            f"{id}\t{self._owner('client_customizations', n)}\t{words.TEMPLATE[h & 3]}\t{_details(n)}\t"
            f"{text}\t{at}\t{at}\n"
        )

    def deployment(self, n: int) -> str:
        h, id = self._bits(n), self._id("client_deployments", n)
        if n % dirt.EVERY == 1:
            return dirt.line([id, *[None] * 8])
        url = dirt.text_of(n) or f"https://app{n}.{words.DOMAIN[h >> 8 & 7]}"
        at = self._at(h)
        return (
            f"{id}\t{self._owner('client_deployments', n)}\t{words.ENVIRONMENT[h & 3]}\t{url}\t"
            f"{words.DEPLOYED[h >> 2 & 3]}\t{_details(n)}\t{at if h >> 4 & 3 else NULL}\t{at}\t{at}\n"
        )

    def analytic(self, n: int) -> str:
        h, id = self._bits(n), self._id("client_analytics", n)
        if n % dirt.EVERY == 1:
            return dirt.line([id, *[None] * 5])
        return (
            f"{id}\t{self._owner('client_analytics', n)}\t{words.METRIC[h & 3]}\t"
            f"{h >> 40}.{h >> 8 & 63:02}\t{_details(n)}\t{self._at(h)}\n"
        )

    def event(self, n: int) -> str:
        """Some events name a deployment that there is not, or one that is itself an orphan."""
        h, id = self._bits(n), self._id("deployment_tracking_events", n)
        if n % dirt.EVERY == 1:
            return dirt.line([id, *[None] * 6])
        which = 0 if n == 3 else (h >> 16) % self.some
        deployment = self._id("nobody" if n % dirt.EVERY == 2 else "client_deployments", which)
        client = self._owner("client_deployments", which) if n % dirt.ORPHAN_EVERY else self._id("nobody", n)
        return (
            f"{id}\t{deployment}\t{client}\t{words.EVENT[h & 3]}\t{dirt.text_of(n) or NULL}\t"
            f"{_details(n)}\t{self._at(h)}\n"
        )

    def _id(self, table: str, n: int) -> str:
        """A random UUID's shape; no two numbers share one, since SPREAD is odd."""
        digits = f"{(n * SPREAD + self.offset[table]) & ID_BITS:030x}"
        return f"{digits[:12]}4{digits[12:15]}8{digits[15:]}"

    def _owner(self, table: str, n: int) -> str:
        """The client that a dependent's row names; each hundredth names none that there is."""
        if n % dirt.ORPHAN_EVERY == 0:
            return self._id("nobody", n + self.offset[table] % HALF)
        return self._id("clients", (self._bits(n) >> 5) % self.clients)

    def _bits(self, n: int) -> int:
        h = ((n ^ self.salt) * MIX) & HALF
        return ((h ^ h >> 31) * MIX & HALF) >> 8

    def _email(self, n: int, h: int) -> str:
        return f"{words.FIRST[h & 15][0]}.{words.LAST[h >> 4 & 15][0]}.{n}@{words.DOMAIN[h >> 8 & 7]}"

    def _at(self, h: int) -> str:
        """A moment in the four years before EPOCH."""
        return f"{DAYS[h % 1460]} {HOURS[h % 5083]}"


def _details(n: int) -> str:
    """jsonb; null as jsonb has it in each dependent's first row, which is an orphan: a copy must keep it."""
    return "null" if n % dirt.EVERY == 0 else f'{{"n": {n}}}'
