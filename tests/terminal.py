"""A program in a real terminal: keys go in as a person types them, and the bytes that come out are kept."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import console

ROOT = Path(console.__file__).parent.parent
SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class Terminal:
    """What the program writes is kept, in `written`."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self.screen = screen
        self.written = b""
        self._typed = 0

    def listen(self, seconds: float) -> int:
        """How many bytes arrive meanwhile."""
        before, deadline = len(self.written), time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.screen], [], [], left)[0]:
                try:
                    self.written += os.read(self.screen, 65536)
                except OSError:
                    break
        return len(self.written) - before

    @property
    def reading(self) -> str:
        """What was written since keys were typed last, without sequences."""
        return SEQUENCE.sub("", self.written[self._typed :].decode(errors="replace"))

    def sees(self, *words: str, limit: float = 30) -> None:
        """Waits for each of the words, written since keys were typed last."""
        self._until(lambda: all(word in self.reading for word in words), str(words), limit)

    def types(self, keys: str) -> None:
        self._typed = len(self.written)
        os.write(self.screen, keys.encode())

    def ended(self, limit: float = 20) -> int:
        deadline = time.monotonic() + limit
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it is still there"
            self.listen(0.05)
        return self.process.returncode

    def _until(self, happened: Callable[[], bool], what: str, limit: float) -> None:
        deadline = time.monotonic() + limit
        while True:
            self.listen(0.05)
            if happened():
                return
            assert self.process.poll() is None, f"it ended with {self.process.returncode} before {what}: {self.reading}"
            assert time.monotonic() < deadline, f"not within {limit} s: {what}; there was: {self.reading[-4000:]!r}"


@contextmanager
def at_terminal(
    program: str, *words: str, size: tuple[int, int] = (80, 24), environment: dict[str, str] | None = None
) -> Iterator[Terminal]:
    """A program of Python with `words` as its arguments, in a terminal of so many columns and rows."""
    screen, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words], stdin=inner, stdout=inner, stderr=inner, cwd=ROOT,
        start_new_session=True,
        # said twice, as where the tests run COLUMNS may be set already, and goes before what the terminal says
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": f"{size[0]}", "LINES": f"{size[1]}", **(environment or {})},
    )  # fmt: skip
    os.close(inner)
    try:
        yield Terminal(process, screen)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
