"""The words of looking clients up: `clients` and `tenants`. Only argparse is imported here."""

from __future__ import annotations

import argparse

from console.options import Words, agree, command, shown, text

FORMATS = ("csv", "jsonl")


def add(commands: argparse._SubParsersAction[Words]) -> None:
    clients = command(commands, "clients", "finding.search", "look a client up; personal fields are masked")
    clients.set_defaults(text=[], tenant="", top=50, export=None)
    parts = clients.add_subparsers(title="commands", metavar="COMMAND")
    search = command(parts, "search", "finding.search", "clients by name, company, e-mail, last digits, id")
    search.add_argument("text", nargs="*", metavar="TEXT", help="words, field:word, !not; all where none is said")
    search.add_argument("--tenant", default="", metavar="NAME", help="only this tenant's")
    search.add_argument("--top", type=shown, default=50, metavar="N", help="how many to show, 500 at most (50)")
    search.add_argument("--export", choices=FORMATS, help="as CSV or JSON lines, masked; the journal says so")
    show = command(parts, "show", "finding.show", "one client: fields, records, where the migration has got to")
    show.add_argument("client", metavar="ID")
    reveal = command(parts, "reveal", "finding.reveal", "the clear value of a masked field; the journal keeps why")
    reveal.add_argument("client", metavar="ID")
    reveal.add_argument("field", metavar="FIELD", help="such as email or phone")
    reveal.add_argument("--reason", required=True, type=text, metavar="TEXT", help="why it is needed")
    command(parts, "saved", "finding.saved_searches", "searches kept under a name: yours, and those that are shared")
    save = command(parts, "save", "finding.save", "keep a search under a name")
    save.add_argument("name", metavar="NAME", type=text)
    save.add_argument("text", nargs="+", metavar="TEXT")
    save.add_argument("--shared", action="store_true", help="everybody who may search sees it")
    save.add_argument("--default", dest="usual", action="store_true", help="what the console opens with")
    forget = command(parts, "forget", "finding.forget", "keep one of your saved searches no longer")
    forget.add_argument("name", metavar="NAME")
    index = command(parts, "index", "indexing.index", "make the search index, beside a target that is in use")
    index.add_argument("--profile", choices=["full", "lite"], help="lite: no index of terms; for some 20 000 clients")
    index.add_argument("--remove", action="store_true", help="take it away, with saved searches and tenant access")
    index.add_argument("--description", metavar="DIR", help="the folder of TOML files that say what a client is")
    agree(index, "do not ask first")

    tenants = command(commands, "tenants", "finding.tenants_list", "whose clients there are")
    tenants.set_defaults(text="", after=None, top=50)
    parts = tenants.add_subparsers(title="commands", metavar="COMMAND")
    listed = command(parts, "list", "finding.tenants_list", "tenants by name, their size and last change")
    listed.add_argument("text", nargs="?", default="", metavar="TEXT", help="letters that the name holds")
    listed.add_argument("--after", metavar="NAME", help="those that follow this name")
    listed.add_argument("--top", type=shown, default=50, metavar="N", help="how many, 500 at most (50)")
    one = command(parts, "show", "finding.tenant", "one tenant: how many clients, and the first of them")
    one.add_argument("name", metavar="NAME")
