"""What the tests of commands share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from console.cli import main
from tests.commands.calling import Said


@pytest.fixture
def handrail(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """handrail in this process, without a terminal."""

    def call(*words: str) -> Said:
        capsys.readouterr()
        try:
            code = main(words)
        except SystemExit as left:  # argparse's own way to say no
            code = int(str(left.code))
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call
