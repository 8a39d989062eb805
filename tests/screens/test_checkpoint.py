"""A checkpoint: verdict first, failures first, expected beside found, the rows at fault one key away."""

from __future__ import annotations

from tests.screens.person import Person, console
from tests.screens.sample import HOSTILE, execute

Size = tuple[int, int]


async def failed(person: Person) -> None:
    """A run whose second checkpoint has failed, opened."""
    await person.starts_run()
    await person.goes_on("", "c")
    await person.sees("✓ passed")
    await person.goes_on("", "c")
    await person.sees("✗ failed", "n measures again")
    await person.until(lambda: not person.app.driving)
    await person.presses("enter")
    await person.sees("1 of 2 checks passed")


async def test_says_what_failed_first_and_shows_its_rows(url: str, size: Size) -> None:
    execute(url, f"UPDATE person SET name = NULL, email = '{HOSTILE}' WHERE id IN (5, 9)")
    async with console(url, size) as person:
        await failed(person)
        await person.sees("✗ FAILED", "expected", "found", "no rows", "2 rows", "Rows at fault", "name (null)")
        assert person.reading.index("nobody without a name") < person.reading.index("there are people")
        await person.presses("enter")
        await person.until(lambda: person.place == "RowsScreen")
        await person.sees("row 2", "email [/] [@click=app.quit]x[/] ␛]52;c;eA==␇")
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(person.reading)


async def test_s_shows_what_the_check_asks(url: str) -> None:
    execute(url, "UPDATE person SET name = NULL WHERE id = 5")
    async with console(url) as person:
        await failed(person)
        await person.presses("s")
        await person.sees("SELECT id, name, email FROM person WHERE name IS NULL")
        assert not person.can("sql")


async def test_r_measures_again_what_was_mended(url: str, size: Size) -> None:
    execute(url, "UPDATE person SET name = NULL WHERE id = 5")
    async with console(url, size) as person:
        await failed(person)
        execute(url, "UPDATE person SET name = 'somebody' WHERE id = 5")
        await person.until(lambda: person.can("again"))
        await person.presses("r")
        await person.sees("✓ PASSED", "2 of 2 checks passed")
        await person.until(lambda: not person.can("again"))
        await person.presses("escape")
        await person.sees("2 of 2", "tell support")


async def test_not_measured_yet(url: str) -> None:
    async with console(url) as person:
        await person.starts_run()
        await person.presses("down", "enter")
        await person.sees("· not measured", "there are people")
        assert not person.can("again")
