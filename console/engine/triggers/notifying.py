"""Tells somebody of an incident: a command that gets the report on its standard input, an address that it is sent to.

What goes wrong with it is journalled, and changes nothing else. An address may hold a secret, and is never printed.
"""

from __future__ import annotations

import shlex
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SECONDS = 10.0
SCHEMES = ("http://", "https://")


@dataclass(frozen=True)
class Notify:
    """Where an incident is told. The command is run without a shell."""

    command: str | None = None
    url: str | None = None


@dataclass
class Told:
    """What became of it; `error` is empty where it arrived."""

    how: str
    error: str = ""


@contextmanager
def sending(notify: Notify, body: str) -> Iterator[list[Told]]:
    """Sends while what is inside goes on; when it has ended, each answer is there."""
    ways: list[tuple[str, Callable[[str, str], str], str]] = []
    if notify.command:
        ways.append(("command", _by_command, notify.command))
    if notify.url:
        ways.append(("url", _by_url, notify.url))
    told = [Told(how, f"no answer within {SECONDS:.0f} s") for how, _, _ in ways]

    def send(place: int) -> None:
        _, do, where = ways[place]
        told[place].error = do(where, body)

    threads = [threading.Thread(target=send, args=(place,), name="notify", daemon=True) for place in range(len(ways))]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        for thread in threads:
            thread.join(SECONDS + 1)


def _by_command(command: str, body: str) -> str:
    try:
        words = shlex.split(command)
        done = subprocess.run(
            words, input=body, text=True, timeout=SECONDS, check=False, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"the command took longer than {SECONDS:.0f} s"
    except (OSError, ValueError, IndexError) as error:
        return f"the command cannot be run: {getattr(error, 'strerror', None) or 'it is no command'}"
    return f"the command ended with {done.returncode}" if done.returncode else ""


def _by_url(url: str, body: str) -> str:
    if not url.startswith(SCHEMES):
        return "the address is neither http nor https"
    try:
        asked = urllib.request.Request(
            url, body.encode(), {"Content-Type": "text/plain; charset=utf-8"}, method="POST"
        )  # fmt: skip
        with urllib.request.urlopen(asked, timeout=SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        return f"the address answered {error.code}"
    except TimeoutError:
        return f"the address did not answer within {SECONDS:.0f} s"
    except urllib.error.URLError as error:
        # its own words may hold the address
        return f"the address cannot be reached: {type(error.reason).__name__}"
    except Exception as error:
        return f"the address cannot be used: {type(error).__name__}"
