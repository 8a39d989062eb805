"""Whether a connection has a backend of its own. Behind a pooler in transaction mode it has another each time.

Then the session's lock and settings would be some other client's (FM-P5, F31), and the fence would hold nothing.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from console.engine.errors import RunRefused
from db.session import Target
from db.translation import translated

APPLICATION = "handrail: preflight"
PATIENCE = 3.0  # seconds


def require_own_backend(target: Target) -> None:
    """Raises RunRefused where backends are shared; connects twice, and leaves no setting in anybody's pool.

    While the second connection holds a transaction the first has to get its own backend again, and the second its
    own after it has let go: however a pool chooses, one of them meets the other's or a third.
    """
    with (
        closing(target.connect({}, APPLICATION)) as first,
        closing(target.connect({}, APPLICATION)) as second,
        translated(),
        _limited(first, second),
    ):
        before = _backend(first)
        with second.transaction():
            held = _asked(second)
            after = _backend(first)
        last = _backend(second)
    if before != after or held != last:
        raise _refused()


def _backend(connection: psycopg.Connection) -> int:
    """In a transaction of its own."""
    with connection.transaction():
        return _asked(connection)


def _asked(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _limited(*connections: psycopg.Connection) -> Iterator[None]:
    """Cuts the connections off after a while: a pool of one never answers the second of them.

    A pooler in statement mode says so itself: it refuses to begin a transaction.
    """
    cut = threading.Event()

    def cut_off() -> None:
        cut.set()
        for connection in connections:
            # the socket under it, not the connection: another thread is waiting inside
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(PATIENCE, cut_off)
    timer.start()
    try:
        yield
    except psycopg.OperationalError as error:
        if cut.is_set() or isinstance(error, psycopg.errors.ProtocolViolation):
            raise _refused() from None
        raise
    finally:
        timer.cancel()
        timer.join()


def _refused() -> RunRefused:
    return RunRefused(
        "A pooler in transaction mode is between: the session's lock and settings would belong to nobody.",
        "Connect to the server itself (port 5432) or use session mode.",
    )
