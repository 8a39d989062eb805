"""Which database a command is about, and which run."""

from __future__ import annotations

import argparse
from pathlib import Path

from sqlalchemy.orm import Session

from console.engine import demo, journey
from console.engine.errors import UnknownRun
from console.engine.reading import PLANS
from console.settings import Settings, libpq_says_where
from db.errors import ConnectionFailed, HandrailError
from db.models import Run
from db.queries import runs
from db.session import Target


class NoTarget(HandrailError):
    exit_code = 2


class ServerDown(ConnectionFailed):
    pass


def url(options: argparse.Namespace) -> str:
    """Option before environment; a bare word is a target of the demo; nothing at all is libpq's own default."""
    named = options.target if options.target is not None else Settings().target
    login = options.as_login or demo.ON_CALL
    if options.as_login and (named is not None and ("=" in named or "://" in named)):
        raise NoTarget(
            "--as is for the demo's people.", "Name the login in the target: postgresql://LOGIN@host/database"
        )
    if options.as_login and options.as_login not in demo.logins():
        raise NoTarget(f"The demo has no {options.as_login!r}.", f"It has: {', '.join(demo.logins())}")
    if named is None:
        if libpq_says_where() and not options.as_login:
            return ""
        known = demo.targets(login)
        if len(known) == 1:
            return next(iter(known.values()))
        raise NoTarget("Which database?", "Name it with --target URL, or start the demo with: handrail demo")
    if "=" in named or "://" in named:
        return named
    known = demo.targets(login)
    if not known and named in demo.NAMES and demo.made():
        raise ServerDown("The demo's server does not run.", "Start it with: handrail demo --no-open")
    if named not in known:
        raise NoTarget(
            f"There is no target {named!r}.",
            f"The demo has: {', '.join(known)}" if known else "Give a URL, or start the demo with: handrail demo",
        )
    return known[named]


def target(options: argparse.Namespace) -> Target:
    return Target(url(options))


def open_run(session: Session, options: argparse.Namespace) -> Run:
    """The run of that number; the open one where none was given."""
    row = runs.open_one(session) if options.run is None else journey.found(session, options.run)
    if row is None:
        raise UnknownRun("No run is open on this target.", "Begin one with: handrail run PLAN")
    return row


def plans(options: argparse.Namespace) -> Path:
    """The folder of plan files."""
    folder = Path(options.plans) if options.plans else Settings().plans or PLANS
    if not folder.is_dir():
        raise NoTarget(f"There is no folder {folder}.", "Check --plans.")
    return folder
