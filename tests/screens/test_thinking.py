"""FM-C5, I-11: while a person thinks, in whatever place and before whatever question, no session of ours idles in a transaction."""

from __future__ import annotations

import pytest

from tests.screens.person import Person, console
from tests.screens.sample import execute
from tests.screens.waiting import ask, held, ladder

IDLE = """
SELECT pid, xact_start FROM pg_stat_activity
WHERE application_name LIKE 'handrail%' AND state LIKE 'idle in transaction%' AND datname = current_database()
"""


class Thinking:
    def __init__(self, person: Person, url: str) -> None:
        self.person = person
        self.url = url
        self.places: list[str] = []

    async def here(self, *words: str) -> None:
        """The person reads; what was open in the middle of a look has ended when they look up."""
        await self.person.sees(*words)
        before = set(ask(self.url, IDLE))
        await self.person.until(lambda: not before & set(ask(self.url, IDLE)), limit=3)
        self.places.append(self.person.place)

    async def before(self, key: str, question: str) -> None:
        """Presses a key, thinks about the question, and does nothing."""
        place = self.person.place
        await self.person.presses(key)
        await self.person.is_asked(question)
        await self.here(question)
        await self.person.presses("escape")
        await self.person.until(lambda: self.person.place == place)

    async def at(self, key: str, *words: str) -> None:
        """Opens a place, thinks, and goes back."""
        place = self.person.place
        await self.person.presses(key)
        await self.person.until(lambda: self.person.place != place)
        await self.here(*words)
        await self.person.presses("escape")
        await self.person.until(lambda: self.person.place == place)


async def test_nothing_is_open_between_the_steps(url: str) -> None:
    execute(url, "UPDATE person SET name = NULL WHERE id = 5")
    async with console(url) as person:
        thinks = Thinking(person, url)
        await thinks.here("People get")
        await person.until(lambda: person.app.focused and person.app.focused.id == "plans")
        await person.presses("enter")
        await person.until(lambda: person.can("start"))
        await thinks.here("what is sent")
        await thinks.before("S", "Start a run of walk on sample?")
        await person.presses("escape")
        await person.starts_run()
        await thinks.before("n", "Do step 1")
        await thinks.before("c", "Go on up to checkpoint ready to copy?")
        await person.goes_on("", "c")
        await person.until(lambda: person.can("back"))
        await thinks.before("k", "Undo checkpoint ready to copy?")
        await thinks.at("R", "Type walk to roll back:")
        await thinks.at("s", "forward")
        await thinks.at("b", "Nobody is in the way.")
        await thinks.at("question_mark", "esc closes")
        execute(url, "CREATE TABLE sneaked (id int)")
        await thinks.before("n", "Somebody else changed the schema")
        await person.goes_on("Somebody else changed the schema", "c")
        await person.sees("✗ failed")
        await person.until(lambda: not person.app.driving)
        await person.presses("enter")
        await thinks.here("1 of 2 checks passed")
        await thinks.at("enter", "row 1")
        assert set(thinks.places) == {
            "HomeScreen", "PlanScreen", "RunScreen", "QuestionDialog", "RollbackScreen", "SqlScreen", "BlockersScreen",
            "HelpScreen", "CheckpointScreen", "RowsScreen",
        } - {"RunScreen"}  # fmt: skip


async def test_nothing_is_open_while_a_step_waits_for_its_next_try(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ladder(monkeypatch, (0.3, 600.0), (0.3, 0.0))
    async with console(url) as person:
        thinks = Thinking(person, url)
        await person.starts_run()
        with held(url):
            await person.goes_on("Do step 1")
            await thinks.here("lock not granted: try 1 of 2", "blocked by pid")
            await thinks.before("x", "Stop step 1")
            await person.opens_blockers()
            await person.until(lambda: person.can("terminate"))
            await thinks.before("t", "Terminate the session")
            await person.presses("escape")
            await person.until(lambda: person.place == "RunScreen")
            await thinks.before("q", "Stop what runs here, and leave?")
            async with console(url) as watching:
                await watching.opens_run()
                await watching.until(lambda: watching.can("take_over"))
                await Thinking(watching, url).before("T", "Take run 1 over")
            await person.presses("x")
            await person.agrees("Stop step 1")
            await person.until(lambda: not person.app.driving)
