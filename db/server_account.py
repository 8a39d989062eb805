"""PostgreSQL refuses to run as root: who runs it then, and how that account reaches its folders."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from db.errors import ServerNotStarted

ACCOUNT = "pgserver"


def server_account(pgdata: Path) -> pwd.struct_passwd | None:
    """None for an ordinary user, who runs it; for root, the owner of the folder or `pgserver`."""
    if os.geteuid() != 0:
        return None
    if pgdata.exists() and pgdata.stat().st_uid != 0:
        return pwd.getpwuid(pgdata.stat().st_uid)
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        return _made_account()


def let_through(account: pwd.struct_passwd | None, *paths: Path) -> None:
    """Open the way to these paths for root's stand-in: folders above may be passed, not listed."""
    if account is None:
        return
    for folder in {folder for path in paths for folder in path.absolute().parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH and folder.stat().st_uid != account.pw_uid:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def let_read(account: pwd.struct_passwd | None, programs: Path) -> None:
    """A wheel that was installed under umask 077 is closed to others: its programs, its libraries."""
    if account is None or (programs / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    package = programs.parents[1]
    roots = [root for root in (package, package.with_suffix(".libs")) if root.exists()]
    for path in [path for root in roots for path in (root, *root.rglob("*"))]:
        mode = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))


def run(
    command: Sequence[str | Path], account: pwd.struct_passwd | None, folder: Path
) -> subprocess.CompletedProcess[str]:
    """Run as the account, in a folder that it can enter, in English, and without a PG* of ours.

    PGPORT or PGDATA, set for another server, would move this one; PGPASSWORD is not its business.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return subprocess.run(
        command,
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
        cwd=folder,
        env=environment | {"LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _made_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", ACCOUNT]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        reason = made.stderr.strip()
    except OSError as error:
        reason = f"{command[0]}: {error.strerror}"
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise ServerNotStarted(
            f"PostgreSQL does not run as root, and the user {ACCOUNT} could not be made: {reason}",
            "Run handrail as an ordinary user.",
        ) from None
