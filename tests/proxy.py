"""A proxy between a console and its server that loses a COMMIT, or the answer to it (FM-A6).

It reads the client's side of the protocol and counts the COMMITs of executors' sessions; at the wanted one it either
swallows it, or lets it through and swallows what the server says; then both sides are closed.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

Lost = Literal["commit", "reply"]
EXECUTOR = b"handrail: executor"


class Proxy:
    """`lost` is what is lost at the `number`th COMMIT; `met` says whether that came, `commits` how many did."""

    def __init__(self, server: str, folder: Path, lost: Lost, number: int) -> None:
        self.lost, self.number = lost, number
        self.commits, self.met = 0, False
        self._server = server
        self._sockets: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / ".s.PGSQL.5432"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in (self._listening, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server)
                self._sockets += [client, server]
                threading.Thread(target=self._between, args=(client, server), daemon=True).start()

    def _between(self, client: socket.socket, server: socket.socket) -> None:
        swallowing = threading.Event()
        back = threading.Thread(target=_answers, args=(server, client, swallowing), daemon=True)
        with suppress(OSError):
            startup = _startup(client)
            server.sendall(startup)
            back.start()
            while message := _message(client):
                if EXECUTOR in startup and _is_commit(message):
                    self.commits += 1
                    if self.commits == self.number:
                        self.met = True
                        if self.lost == "reply":
                            swallowing.set()
                            server.sendall(message)
                            server.shutdown(socket.SHUT_WR)  # the server commits, answers, and reads the end
                            back.join(10)
                        break
                server.sendall(message)
        for one in (client, server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextmanager
def losing(url: str, lost: Lost, number: int) -> Iterator[tuple[str, Proxy]]:
    """The URL of a proxy before the server of `url`."""
    parts = urlsplit(url)
    server = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    with tempfile.TemporaryDirectory(prefix="handrail-") as folder:
        proxy = Proxy(server, Path(folder), lost, number)
        try:
            yield f"postgresql://postgres@{parts.path}?host={quote(folder)}&port=5432", proxy
        finally:
            proxy.close()


def _answers(server: socket.socket, client: socket.socket, swallowing: threading.Event) -> None:
    with suppress(OSError):
        while data := server.recv(65536):
            if not swallowing.is_set():
                client.sendall(data)
    if not swallowing.is_set():
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)


def _startup(client: socket.socket) -> bytes:
    """The first message has no type, only a length."""
    length = _exactly(client, 4)
    return length + _exactly(client, int.from_bytes(length) - 4)


def _message(client: socket.socket) -> bytes:
    kind = _exactly(client, 1)
    if not kind:
        return b""
    length = _exactly(client, 4)
    return kind + length + _exactly(client, int.from_bytes(length) - 4)


def _is_commit(message: bytes) -> bool:
    return message[:1] in (b"Q", b"P") and b"COMMIT\0" in message


def _exactly(client: socket.socket, number: int) -> bytes:
    data = b""
    while len(data) < number:
        more = client.recv(number - len(data))
        if not more:
            return b""
        data += more
    return data
