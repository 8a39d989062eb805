"""A mutant that no longer applies catches nothing: it is mended together with the code that it breaks."""

from __future__ import annotations

import pytest

from tests.mutants.__main__ import ROOT, Mutant, applied, mutants


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_it_applies_and_says_what_it_breaks(mutant: Mutant) -> None:
    checked = applied(mutant.patch, ROOT, "--check")
    assert checked.returncode == 0, checked.stderr
    assert "FM-" in mutant.about
    assert mutant.catching


def test_there_are_enough_of_them() -> None:
    assert len(mutants()) >= 8
