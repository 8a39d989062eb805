"""Pictures for the README, taken from the real program on a real server: python -m tests.screens.pictures [ROWS]"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg

import console
from console.engine import demo, executor, journey, reading
from console.engine.clients import described, indexing
from console.engine.decisions import answering
from console.engine.preparation import arrange
from console.engine.sample import people
from db.errors import GateClosed
from db.session import Target
from tests.screens.person import console as opened
from tests.servers import Server, serving
from tests.staffed import signed

FOLDER = Path(console.__file__).parent.parent / "docs" / "pictures"
PLAN = "schema-unification"
ROWS = 400_000
CELLS = (120, 34)
ON_CALL = people.ON_CALL.login


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory(prefix="handrail-") as home, serving(18) as server:
        os.environ["HANDRAIL_HOME"] = home
        target = _filled(server, rows)
        asyncio.run(_draw(target))
        asyncio.run(_draw_clients(target))


def _filled(server: Server, rows: int) -> Target:
    """The agency with its people, owned by the on-call engineer."""
    server.create("agency")
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        people.make_logins(connection)
        connection.execute(f"ALTER DATABASE agency OWNER TO {ON_CALL}".encode())
    demo.fill(Target(server.embedded.url("agency", ON_CALL), "agency"), rows, 7, print)
    target = Target(server.url("agency"), "agency")
    arrange(target, "agency")
    people.make_operators(target)
    return target


async def _draw(target: Target) -> None:
    engineer = Target(target.url.replace("postgres@", f"{ON_CALL}@"), "agency")
    await asyncio.to_thread(_onward, engineer, True)
    await asyncio.to_thread(signed, target, "dba1", 1, "backup", reason="restored it on my own machine")
    async with opened(target.url.replace("postgres@", "sec1@"), CELLS, plans=reading.PLANS) as person:
        await person.sees(PLAN)
        person.app.visit("checkpoint", 1, "backup")
        await person.sees("security: needed (you)")
        _save("checkpoint", person.app.export_screenshot())
    await asyncio.to_thread(_agreed, target, engineer)
    async with opened(engineer.url, CELLS, plans=reading.PLANS) as person:
        await person.sees(PLAN)
        person.app.visit("run", 1)
        await person.goes_on("Copy clients now?")
        await person.until(lambda: re.search(r"rows/s .* ends in", person.reading))
        _save("run", person.app.export_screenshot())
        await person.until(lambda: not person.app.driving, limit=600)


async def _draw_clients(target: Target) -> None:
    await asyncio.to_thread(indexing.make, target, described.load("agency"), "full")
    await asyncio.to_thread(people.open_tenants, target)
    async with opened(target.url.replace("postgres@", "support1@"), CELLS, plans=reading.PLANS) as person:
        await person.sees("found")
        await person.presses(*"jose smi")
        await person.sees("José Smith", "name")
        _save("clients", person.app.export_screenshot())


def _onward(engineer: Target, begins: bool = False) -> None:
    with executor.at(engineer) as here, suppress(GateClosed):
        if begins:
            journey.begin(here, reading.load(PLAN))
        journey.forward(here, 1, until="role-map")


def _agreed(target: Target, engineer: Target) -> None:
    """Everybody has signed, and the run stands before the copy."""
    signed(target, "sec1", 1, "backup")
    with engineer.session() as session:
        answering.answer(session, 1, journey.plan_of(journey.found(session, 1)), "roles", {})
    for login in ("owner1", "sec1"):
        signed(target, login, 1, "roles")
    _onward(engineer)


def _save(name: str, picture: str) -> None:
    """Without the web font that the exporter names: a picture fetches nothing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    plain = re.sub(r"@font-face\s*\{[^}]*\}", "", picture)
    (FOLDER / f"{name}.svg").write_text(plain, encoding="utf-8")
    print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
