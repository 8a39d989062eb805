"""clients and tenants: looked up on the command line as on the screens, masked alike."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from console.commands import targeting
from console.commands.telling import line, say, tell
from console.engine.clients import exporting, finding, picturing, saved, tenants
from console.engine.clients.finding import Client, KnownField
from console.engine.clients.rights import told_right
from db import wording
from db.errors import ClientUnknown
from db.searching import Searching
from db.session import Target
from db.text import one_line

WIDTHS = (24, 24, 18, 10, 12)


def search(options: argparse.Namespace) -> int:
    """Found or not, it is an answer: exit code 0."""
    written = " ".join(options.text)
    with _searching(options) as (target, searching):
        asked = finding.read(searching, written, options.tenant)
        found = finding.find(searching, asked, options.top)
        if not found.complete:
            found = finding.find(searching, asked, options.top, most=finding.REFINED)
        meant = finding.meant(searching, asked) if asked.pieces and not found.count else []
        fields = finding.fields(searching)
        if options.export:
            with target.session() as session:
                exporting.tell(session, written, len(found.clients))
    if options.export:
        for one in exporting.lines(found.clients, fields, options.export):
            line(one)
    elif options.json:
        tell({"asked": written, **found.document(), "meant": meant})
    else:
        for client in found.clients:
            line(_row(client, fields))
    say(found.told + ("" if found.complete else ", and there may be more: add a word"))
    if meant:
        say(f"Did you mean: {', '.join(meant)}")
    return 0


def show(options: argparse.Namespace) -> int:
    with _searching(options) as (target, searching):
        picture = picturing.picture(searching, options.client)
        parts = [picturing.rows(searching, options.client, part) for part in picture.parts]
        with target.session() as session:
            migration = picturing.migration(session, parts)
    if options.json:
        told = [_part(part) for part in parts]
        tell({**picture.document(), "migration": migration, "parts": told})
        return 0
    line("  ".join(one_line(part) for part in (picture.name, picture.id, picture.tenant) if part))
    line(migration)
    for value in (one for one in picture.values if one.value):
        line(f"{one_line(value.title):<16} {one_line(value.value)}{'  masked' if value.masked else ''}")
    for change in picture.history:
        line(one_line(f"{change.at:%Y-%m-%d %H:%M}  {change.field}: {change.before} -> {change.after}"))
    for part in parts:
        rows = wording.counted(len(part.rows), "row") + (" and more" if part.more else "")
        line(one_line(f"{part.listed.title}: {rows if part.there else 'no such table here yet'}"))
        for row in part.rows:
            line("  " + one_line(" · ".join(value for value in row if value)))
    return 0


def _part(part: picturing.Rows) -> dict[str, Any]:
    rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    named = part.listed
    return {"relation": named.relation, "title": named.title, "there": part.there, "more": part.more, "rows": rows}


def reveal(options: argparse.Namespace) -> int:
    """On standard output alone, and nowhere else."""
    with _searching(options) as (target, searching):
        with target.session() as session:
            said = picturing.reveal(session, options.client, options.field, options.reason)
        value = picturing.revealed(searching, said)
    if options.json:
        tell({"client": options.client, "field": options.field, "value": value})
    else:
        line(one_line(value))
    return 0


def saved_searches(options: argparse.Namespace) -> int:
    with _asking(options) as session:
        kept = saved.searches(session)
    for one in kept:
        if options.json:
            tell({"owner": one.owner, "name": one.name, "asked": one.asked, "shared": one.shared,
                  "default": one.usual})  # fmt: skip
        else:
            how = ", ".join(word for word, so in (("shared", one.shared), ("default", one.usual)) if so)
            told = f"{one_line(one.owner):<16} {one_line(one.name):<24} {one_line(one.asked)}"
            line(f"{told}  {how}".rstrip())
    if not kept:
        say("None yet. Keep one with: handrail clients save NAME TEXT")
    return 0


def save(options: argparse.Namespace) -> int:
    with _asking(options) as session:
        saved.save(session, options.name, " ".join(options.text), shared=options.shared, usual=options.usual)
    say(one_line(f"Saved as {options.name}."))
    return 0


def forget(options: argparse.Namespace) -> int:
    with _asking(options) as session:
        saved.forget(session, options.name)
    say(one_line(f"{options.name} is kept no longer."))
    return 0


def tenants_list(options: argparse.Namespace) -> int:
    with _searching(options) as (_, searching):
        found = tenants.tenants(searching, options.text, options.after, options.top)
    for one in found:
        if options.json:
            tell(one.document())
        else:
            changed = f"{one.changed_at:%Y-%m-%d %H:%M}" if one.changed_at else ""
            line(f"{one_line(one.name) or '(no name)':<40} {one.size:>12}  {changed}".rstrip())
    if len(found) == options.top:
        say(one_line(f"More follow: handrail tenants list --after '{found[-1].name}'"))
    return 0


def tenant(options: argparse.Namespace) -> int:
    with _searching(options) as (_, searching):
        clients = tenants.size(searching, options.name)
        if not clients:
            raise ClientUnknown(
                f"No tenant {options.name!r} is to be seen by this login.", "See: handrail tenants list"
            )
        found = finding.find(searching, finding.read(searching, "", options.name), 20)
        fields = finding.fields(searching)
    if options.json:
        tell({"tenant": options.name, "count": clients, "clients": [one.document() for one in found.clients]})
        return 0
    line(one_line(f"{options.name}: {wording.counted(clients, 'client')}"))
    for client in found.clients:
        line(_row(client, fields))
    return 0


@contextmanager
def _searching(options: argparse.Namespace) -> Iterator[tuple[Target, Searching]]:
    target = targeting.target(options)
    searching = Searching(target)
    try:
        with told_right():
            yield target, searching
    finally:
        searching.close()
        target.close()


@contextmanager
def _asking(options: argparse.Namespace) -> Iterator[Session]:
    with told_right(), targeting.target(options).session() as session:
        yield session


def _row(client: Client, fields: list[KnownField]) -> str:
    cells: list[Any] = [one_line(client.shown.get(field.name, ""))[:40] for field in fields[: len(WIDTHS)]]
    why = ", ".join(dict.fromkeys(name for name in client.why if name))
    told = " ".join(f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=False))
    return f"{one_line(client.id)}  {told} {why}".rstrip()
