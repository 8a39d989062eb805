"""Pictures for the README, taken from the real program on a real server: python -m tests.screens.pictures [ROWS]"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import console
from console.asking import Asking
from console.engine import demo, journey, reading
from console.engine.executor import Executor
from console.engine.preparation import prepare
from db.session import Target
from tests.screens.person import console as opened
from tests.servers import serving

FOLDER = Path(console.__file__).parent.parent / "docs" / "pictures"
PLAN = "schema-unification"
ROWS = 400_000
CELLS = (120, 34)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with serving(18) as server:
        url = server.create("agency")
        demo.fill(Target(url, "agency"), rows, 7, print)
        prepare(Target(url), "agency")
        asyncio.run(_draw(url))


async def _draw(url: str) -> None:
    asking = Asking(url)
    await asking.drive(_up_to_the_copy)
    asking.close()
    async with opened(url, CELLS, plans=reading.PLANS) as person:
        await person.sees(PLAN)
        person.app.visit("run", 1)
        await person.goes_on("Copy clients now?")
        await person.until(lambda: re.search(r"rows/s .* ends in", person.reading))
        _save("run", person.app.export_screenshot())
        await person.until(lambda: not person.app.driving, limit=600)


def _up_to_the_copy(executor: Executor) -> None:
    run = journey.begin(executor, reading.load(PLAN))
    journey.forward(executor, run, until="create")


def _save(name: str, picture: str) -> None:
    """Without the web font that the exporter names: a picture fetches nothing."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    plain = re.sub(r"@font-face\s*\{[^}]*\}", "", picture)
    (FOLDER / f"{name}.svg").write_text(plain, encoding="utf-8")
    print(FOLDER / f"{name}.svg")


if __name__ == "__main__":
    main()
