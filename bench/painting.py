"""From a key to painted rows, in a real terminal: what somebody waits who types."""

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
from collections.abc import Sequence

QUIET = 0.25
"""Seconds without a byte after which the screen stands."""

PAUSE = 0.02

FOUND = re.compile(rb"[0-9] found")


def key_to_rows(url: str, typed: Sequence[str]) -> list[float]:
    """Milliseconds from each key to the last byte of the answer, at 80x24; of keys that changed the rows."""
    screen, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    console = subprocess.Popen(
        [sys.executable, "-m", "console.cli", "--target", url], stdin=inner, stdout=inner, stderr=inner,
        start_new_session=True, env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(inner)
    try:
        _settled(screen, 3.0)
        taken = []
        os.write(screen, b"/")
        _settled(screen, 1.5)
        for word in typed:
            for key in word:
                began = time.perf_counter()
                os.write(screen, key.encode())
                last, written = _settled(screen, QUIET)
                if FOUND.search(written):
                    taken.append((last - began) * 1000)
            os.write(screen, b"\x15")  # ctrl+u empties the box
            _settled(screen, 0.6)
        return taken
    finally:
        console.kill()
        console.wait()
        os.close(screen)


def _settled(screen: int, quiet: float) -> tuple[float, bytes]:
    """When the answer stood there, and all that came, once nothing has for `quiet` seconds.

    A page that is completed in the background afterwards is another answer: a pause ends the first.
    """
    stood, written, last = time.perf_counter(), b"", 0.0
    while select.select([screen], [], [], quiet)[0]:
        found = FOUND.search(written)
        written += os.read(screen, 65536)
        now = time.perf_counter()
        if found is None or (now - last < PAUSE and stood == last):
            stood = now
        last = now
    return stood, written
