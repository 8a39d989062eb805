"""backup: a dump is good when it was restored and is equal, and is still the file that was restored."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.engine import journey
from console.engine.errors import CheckFailed
from console.engine.plan import Plan
from db.session import Target
from tests.driving import ask, begun, drive, look, verdicts
from tests.servers import Server


def dumped(target: Target, plan: Plan) -> tuple[int, Path]:
    number = begun(target, plan)
    drive(target, lambda here: journey.forward(here, number, until="dump"))
    return number, Path(look(target, number).steps[1].progress["file"])


def test_the_dump_is_restored_compared_and_its_scratch_database_dropped(sample: Target, small: Plan) -> None:
    number, file = dumped(sample, small)
    kept = look(sample, number).steps[1].progress
    assert file.stat().st_size == kept["bytes"]
    assert kept["rows"] == 6000  # the people and the copy of them
    assert file.with_suffix(".sha256").read_text() == f"{kept['sha256']}  {file.name}\n"
    assert ask(sample, "SELECT count(*) FROM pg_database WHERE datname LIKE 'handrail_scratch%'") == 0


@pytest.mark.parametrize("damage", ["one bit", "cut", "gone"])
def test_a_damaged_dump_does_not_pass(sample: Target, small: Plan, damage: str) -> None:
    """FM-I2"""
    number, file = dumped(sample, small)
    whole = bytearray(file.read_bytes())
    if damage == "gone":
        file.unlink()
    else:
        whole[len(whole) // 2] ^= 1
        file.write_bytes(whole[:-1] if damage == "cut" else whole)
    with pytest.raises(CheckFailed, match="dump-whole"):
        drive(sample, lambda here: journey.forward(here, number, "one"))
    assert verdicts(sample, number)["dump-whole"].rows[0]["file"] == str(file)


def test_the_journal_is_not_in_the_dump(sample: Target, small: Plan) -> None:
    """FM-I6: a restore must not rewind the journal."""
    _, file = dumped(sample, small)
    assert b"handrail" not in file.read_bytes()


def test_a_dump_is_never_written_over(sample: Target, small: Plan) -> None:
    number, first = dumped(sample, small)
    whole = first.read_bytes()
    drive(sample, lambda here: journey.back(here, number, one=True))
    drive(sample, lambda here: journey.forward(here, number, until="dump"))
    second = Path(look(sample, number).steps[1].progress["file"])
    assert second != first
    assert first.read_bytes() == whole


def test_two_targets_of_one_name_do_not_meet(sample: Target, small: Plan, people: str, server: Server) -> None:
    _, first = dumped(sample, small)
    other = Target(server.create("other_people", people), "sample")
    ask(other, "UPDATE handrail.target SET identity = gen_random_uuid()")
    _, second = dumped(other, small)
    other.close()
    server.drop("other_people")
    assert first.parent != second.parent
