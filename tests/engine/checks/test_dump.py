"""backup-verified: whole, restored, and not too old; each refusal in words of its own."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from console.engine.checks import Asking, measured
from console.engine.checks.dump import BackupVerified
from console.engine.plan import Plan
from db.models import Verdict
from db.session import Target
from tests.driving import ask, look
from tests.engine.steps.test_backup import dumped

pytestmark = pytest.mark.newest
BITS = 12


def said(target: Target, kept: dict[str, Any], younger_than: str | None = None) -> Verdict:
    """The verdict on what a step kept."""
    keys = {"younger_than": younger_than} if younger_than else {}
    check = BackupVerified(id="whole", title="whole", kind="backup-verified", step="dump", **keys)  # type: ignore[arg-type]
    with target.executor_connection("test") as connection:
        return measured(check, 1, Asking(connection, {}, {"dump": kept}))


@pytest.fixture
def kept(sample: Target, small: Plan) -> dict[str, Any]:
    number, _ = dumped(sample, small)
    return dict(look(sample, number).steps[1].progress)


def aged(kept: dict[str, Any], **ago: float) -> dict[str, Any]:
    return {**kept, "taken_at": (datetime.now(UTC) - timedelta(**ago)).isoformat()}


def test_each_of_twelve_flipped_bits_is_found(sample: Target, kept: dict[str, Any]) -> None:
    """FM-I2"""
    file, chosen = Path(kept["file"]), random.Random(6)
    whole = file.read_bytes()
    assert said(sample, kept).passed
    for bit in chosen.sample(range(8 * len(whole)), BITS):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        verdict = said(sample, kept)
        assert (verdict.passed, verdict.found[:20]) == (False, "another file: sha256"), bit
    file.write_bytes(whole)
    assert said(sample, kept).passed


def test_a_dump_that_is_gone(sample: Target, kept: dict[str, Any]) -> None:
    Path(kept["file"]).unlink()
    verdict = said(sample, kept)
    assert (verdict.passed, verdict.found.split(",")[0]) == (False, "the file is gone")


def test_a_checksum_that_is_gone(sample: Target, kept: dict[str, Any]) -> None:
    file = Path(kept["file"]).with_suffix(".sha256")
    file.unlink()
    verdict = said(sample, kept)
    assert (verdict.passed, verdict.found.split(",")[0]) == (False, f"its {file.name} is gone")


def test_a_checksum_that_says_another(sample: Target, kept: dict[str, Any]) -> None:
    file = Path(kept["file"]).with_suffix(".sha256")
    file.write_text(f"{'ab' * 32}  other.dump\n")
    verdict = said(sample, kept)
    assert (verdict.passed, verdict.found.split(",")[0]) == (False, f"its {file.name} says another: abababababab")


def test_no_dump_at_all(sample: Target) -> None:
    assert (said(sample, {}).passed, said(sample, {}).found) == (False, "none")


def test_the_age_is_counted_from_the_snapshot(sample: Target, kept: dict[str, Any]) -> None:
    before = ask(sample, "SELECT clock_timestamp()")
    assert datetime.fromisoformat(kept["taken_at"]) < before
    verdict = said(sample, kept, "12h")
    assert (verdict.passed, verdict.expected.endswith(", younger than 12 h")) == (True, True)
    assert verdict.found.endswith(" s old")


def test_an_old_dump(sample: Target, kept: dict[str, Any]) -> None:
    assert said(sample, aged(kept, hours=11, minutes=59), "12h").passed
    verdict = said(sample, aged(kept, hours=13), "12h")
    assert (verdict.passed, verdict.found.split(", ")[1]) == (False, "13 h old")
    assert said(sample, aged(kept, hours=13)).passed


def test_a_dump_from_the_future(sample: Target, kept: dict[str, Any]) -> None:
    verdict = said(sample, aged(kept, hours=-1), "12h")
    assert (verdict.passed, "taken in the future" in verdict.found) == (False, True)


def test_a_dump_of_which_nobody_kept_the_time(sample: Target, kept: dict[str, Any]) -> None:
    del kept["taken_at"]
    verdict = said(sample, kept, "12h")
    assert (verdict.passed, "nobody knows how old" in verdict.found) == (False, True)


def test_the_age_is_by_the_clock_of_the_server(sample: Target, kept: dict[str, Any]) -> None:
    before = ask(sample, "SELECT (clock_timestamp() - interval '90 s')::text")
    verdict = said(sample, {**kept, "taken_at": before}, "1h")
    assert (verdict.passed, verdict.found.split(", ")[1][:2]) == (True, "90")
