"""clients and tenants on the command line: data on standard output, masked; one line for what is wrong; exit codes."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator

import pytest

from console.app import HandrailApp
from console.commands import opening
from console.words import parser
from db.session import Target
from tests.commands.calling import Said, at_terminal
from tests.conftest import cloned
from tests.driving import ask
from tests.searched import NOBODY, NONE, OWN
from tests.servers import Server
from tests.staffed import as_login

pytestmark = pytest.mark.newest

Call = Callable[..., Said]
CLEAR = "zoe.nowak.199@example.com"
MASKED = "z•••@example…"
REVEALED = "SELECT count(*) FROM handrail.event WHERE kind = 'revealed'"


@pytest.fixture(scope="module")
def target(server: Server, indexed: str) -> Iterator[Target]:
    yield from cloned(server, indexed)


@pytest.fixture
def support(target: Target, handrail: Call) -> Call:
    """As support that sees every tenant."""
    return lambda *words: handrail("--target", as_login(target, "support1").url, *words)


def zoe(target: Target) -> str:
    found: str = ask(target, "SELECT client FROM handrail_search.entry WHERE shown[3] = %s", CLEAR)
    return found


def test_search_as_text(target: Target, support: Call) -> None:
    said = support("clients", "search", "zoe", "nowak", "company:lantern")
    assert said.code == 0
    assert said.out.split() == [
        zoe(target),
        "Zoë",
        "Nowak",
        "Lantern",
        "BV",
        MASKED,
        "••••33",
        "admin",
        "name,",
        "company",
    ]
    assert said.err == "1 found\n"


def test_search_as_json(target: Target, support: Call) -> None:
    (said,) = support("clients", "search", "zoe.nowak.199", "--json").documents
    assert (said["asked"], said["count"], said["counted"], said["complete"]) == ("zoe.nowak.199", 1, "exact", True)
    (client,) = said["clients"]
    assert (client["client"], client["tenant"], client["email"], client["why"]) == (
        zoe(target),
        "Lantern BV",
        MASKED,
        ["email"],
    )


def test_found_or_not_is_an_answer(support: Call) -> None:
    said = support("clients", "search", "lantrn")
    assert (said.code, said.out) == (0, "")
    assert said.err == "0 found\nDid you mean: lantern, lanter\n" or said.err.startswith(
        "0 found\nDid you mean: lantern"
    )
    assert support("clients", "search", "lantrn", "--json").documents[0]["meant"][0] == "lantern"
    assert support("clients", "search", "--tenant", "no such", "zoe").err.startswith("0 found\n")
    said = support("clients", "search", "--tenant", "Lantern BV", "--top", "2")
    assert (said.err, len(said.out.splitlines())) == ("3 found, first 2 shown\n", 2)
    assert support("clients").err.startswith("300 found")


@pytest.mark.parametrize("words", [["--top", "0"], ["--top", "501"], ["--export", "xlsx"], ["x" * 401], ["word"] * 13])
def test_what_cannot_be_meant_is_2(support: Call, words: list[str]) -> None:
    said = support("clients", "search", *words)
    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)


def test_export_is_masked_and_said(target: Target, support: Call) -> None:
    before = ask(target, "SELECT count(*) FROM handrail.event WHERE kind = 'clients exported'")
    said = support("clients", "search", "tenant:lantern", "--export", "csv")
    header, *rows = csv.reader(said.out.splitlines())
    assert header[:5] == ["client", "tenant", "name", "company", "email"]
    assert len(rows) == 19
    assert any(MASKED in row for row in rows)
    said = support("clients", "search", "zoe.nowak.199", "--export", "jsonl")
    assert (said.documents[0]["email"], said.out.isascii()) == (MASKED, True)
    assert ask(target, "SELECT count(*) FROM handrail.event WHERE kind = 'clients exported'") == before + 2
    assert ask(target, "SELECT detail FROM handrail.event WHERE kind = 'clients exported' ORDER BY id DESC") == {
        "asked": "zoe.nowak.199",
        "rows": 1,
    }


def test_show(target: Target, support: Call) -> None:
    said = support("clients", "show", zoe(target))
    assert said.code == 0
    assert said.out.startswith(
        f"Zoë Nowak  {zoe(target)}  Lantern BV\nHas a login record. No migration is under way.\n"
    )
    assert f"E-mail           {MASKED}  masked\n" in said.out
    (shown,) = support("clients", "show", zoe(target), "--json").documents
    assert (shown["fields"]["email"], shown["parts"][0]["rows"][0]["email"]) == (MASKED, MASKED)
    assert shown["migration"].startswith("Has a login record.")
    assert CLEAR not in said.out + json.dumps(shown, ensure_ascii=False)


def test_reveal_wants_a_reason_and_is_said(target: Target, support: Call) -> None:
    before = ask(target, REVEALED)
    said = support("clients", "reveal", zoe(target), "email")
    assert (said.code, "--reason" in said.err) == (2, True)
    said = support("clients", "reveal", zoe(target), "email", "--reason", "  ")
    assert (said.code, said.out, "A clear value needs a reason." in said.err) == (2, "", True)
    assert ask(target, REVEALED) == before
    said = support("clients", "reveal", zoe(target), "email", "--reason", "she calls")
    assert (said.code, said.out, said.err) == (0, f"{CLEAR}\n", "")
    said = support("clients", "reveal", zoe(target), "phone", "--reason", "she calls", "--json")
    assert said.documents == [{"version": 1, "client": zoe(target), "field": "phone", "value": "+49 30 13763933"}]
    assert ask(target, REVEALED) == before + 2
    said = support("clients", "reveal", zoe(target), "no_such", "--reason", "she calls")
    assert (said.code, said.out, "a client has no field no_such" in said.err) == (1, "", True)


def test_a_client_that_is_not_to_be_seen_is_2(target: Target, handrail: Call) -> None:
    other = ask(target, "SELECT client FROM handrail_search.entry WHERE shown[1] = 'Ada Smith' ORDER BY n LIMIT 1")
    for login, client in (("support2", other), (NONE, zoe(target)), ("support1", "nobody")):
        url = as_login(target, login).url
        for words in (["show", client], ["reveal", client, "email", "--reason", "she calls"]):
            said = handrail("--target", url, "clients", *words)
            assert (said.code, said.out) == (2, "")
            assert (
                said.err
                == f"handrail: No client {client} is to be seen by this login. Look it up: handrail clients search TEXT\n"
            )


WORDS = [["clients", "search", "zoe"], ["clients", "show", "x"], ["clients", "saved"], ["clients", "save", "mine", "zoe"],
         ["clients", "forget", "mine"], ["clients", "reveal", "x", "email", "--reason", "she calls"],
         ["tenants", "list"], ["tenants", "show", "x"]]  # fmt: skip


@pytest.mark.parametrize("login", ["audit1", "dba1", "admin1", NOBODY])
def test_no_right_is_6(target: Target, handrail: Call, login: str) -> None:
    for words in WORDS:
        said = handrail("--target", as_login(target, login).url, *words)
        assert (said.code, said.out) == (6, ""), words
        assert said.err.startswith("handrail: This login may not look clients up."), words
        (document,) = handrail("--target", as_login(target, login).url, *words, "--json").err.splitlines() or ["{}"]
        assert "may not look clients up" in document


def test_not_indexed_is_2(agency: Target, handrail: Call) -> None:
    for words in WORDS:
        said = handrail("--target", agency.url, *words)
        assert (said.code, said.out) == (2, ""), words
        assert (
            said.err
            == "handrail: The clients of this target are not indexed yet. Make the index: handrail clients index\n"
        )


def test_index_is_asked_for_at_a_terminal(agency: Target, handrail: Call) -> None:
    said = at_terminal(agency, "n\n", "clients", "index")
    assert (said.code, said.out) == (0, "")
    assert "Follow public.clients" in said.err
    assert "Nothing was done." in said.err
    assert ask(agency, "SELECT to_regnamespace('handrail_search')") is None
    (made,) = handrail("--target", agency.url, "clients", "index", "--yes", "--json").documents
    assert (made["target"], made["profile"], made["clients"]) == ("agency", "lite", 300)
    said = handrail("--target", agency.url, "clients", "index", "--profile", "full", "--yes")
    assert (said.code, said.out.startswith("300 clients indexed (full) in ")) == (0, True)
    said = handrail("--target", agency.url, "clients", "index", "--description", "/nowhere", "--yes")
    assert (said.code, "No file says what a client of agency is." in said.err) == (2, True)


def test_searches_are_kept_shown_and_forgotten(lookup: Target, handrail: Call) -> None:
    mine, other = (["--target", as_login(lookup, login).url, "clients"] for login in ("support1", "support2"))
    assert handrail(*mine, "saved").err.startswith("None yet. Keep one with: handrail clients save NAME TEXT")
    assert handrail(*mine, "save", "admins", "role:admin", "--default").err == "Saved as admins.\n"
    assert handrail(*mine, "save", "editors", "role:editor", "zoe", "--shared").code == 0
    assert handrail(*mine, "save", "editors", "role:editor", "ada", "--shared", "--default").code == 0
    assert handrail(*mine, "saved", "--json").documents == [
        {"version": 1, "owner": "support1", "name": "admins", "asked": "role:admin", "shared": False, "default": False},
        {
            "version": 1,
            "owner": "support1",
            "name": "editors",
            "asked": "role:editor ada",
            "shared": True,
            "default": True,
        },
    ]
    assert [one["name"] for one in handrail(*other, "saved", "--json").documents] == ["editors"]
    said = handrail(*other, "forget", "editors")  # another's
    assert (said.code, "You have no saved search 'editors'." in said.err) == (2, True)
    assert handrail(*mine, "forget", "editors").err == "editors is kept no longer.\n"
    assert handrail(*mine, "save", "x" * 61, "zoe").code == 2
    assert [one["name"] for one in handrail(*mine, "saved", "--json").documents] == ["admins"]


def test_tenants(target: Target, support: Call, handrail: Call) -> None:
    said = support("tenants", "list", "LANTERN b")
    assert (said.code, said.out.split()[:3], said.err) == (0, ["Lantern", "BV", "3"], "")
    names = [one["tenant"] for one in support("tenants", "list", "--top", "500", "--json").documents]
    assert len(names) == ask(target, "SELECT count(*) FROM handrail_search.tenant")
    first = support("tenants", "list", "--top", "100", "--json")
    rest = support("tenants", "list", "--after", names[99], "--json", "--top", "500")
    assert [one["tenant"] for one in first.documents + rest.documents] == names
    assert first.err == f"More follow: handrail tenants list --after '{names[99]}'\n"
    said = support("tenants", "show", "Lantern BV")
    assert (said.code, said.out.splitlines()[0], len(said.out.splitlines())) == (0, "Lantern BV: 3 clients", 4)
    assert MASKED in said.out
    (shown,) = support("tenants", "show", "Lantern BV", "--json").documents
    assert (shown["tenant"], shown["count"], len(shown["clients"])) == ("Lantern BV", 3, 3)
    own = ["--target", as_login(target, "support2").url, "tenants"]
    assert [one["tenant"] for one in handrail(*own, "list", "--json").documents] == list(OWN)
    for name in ("no such", "Paper Crane GmbH"):
        said = handrail(*own, "show", name)
        assert (said.code, said.out) == (2, "")
        assert said.err == f"handrail: No tenant {name!r} is to be seen by this login. See: handrail tenants list\n"


def test_an_administrator_opens_tenants_and_closes_them(lookup: Target, handrail: Call) -> None:
    admin, none = (["--target", as_login(lookup, login).url] for login in ("admin1", NONE))
    said = handrail(*admin, "operator", "add", NONE, "--tenant", "Lantern BV", "--tenant", "Wren ApS", "--json")
    assert {one["login"]: one["tenants"] for one in said.documents}[NONE] == ["Lantern BV", "Wren ApS"]
    assert handrail(*none, "clients", "search", "tenant:lantern").err == "3 found\n"
    assert f"sees {', '.join(['Lantern BV', 'Wren ApS'])}" in handrail(*admin, "operator", "list").out
    assert handrail(*admin, "operator", "remove", NONE, "--tenant", "Lantern BV").code == 0
    assert handrail(*none, "clients", "search", "tenant:lantern").err == "0 found\n"
    # nobody opens any to themselves, and who is no administrator opens none
    assert handrail(*admin, "operator", "add", "admin1", "--person", "amir", "--tenant", "*").code == 6
    for login in ("support1", "audit1", "oncall1"):
        assert handrail("--target", as_login(lookup, login).url, "operator", "add", NONE, "--tenant", "*").code == 6
    assert ask(
        lookup,
        "SELECT array_agg(kind ORDER BY id) FROM handrail.event WHERE detail ->> 'tenant' = 'Lantern BV' AND by_login = 'admin1'",
    ) == ["tenant access given", "tenant access taken"]


@pytest.mark.parametrize(
    ("words", "environment", "meant"),
    [
        ([], None, False),
        (["--private"], None, True),
        (["demo", "--private"], None, True),
        (["--private", "demo"], None, True),
        (["demo"], None, False),
        ([], "1", True),
        ([], "yes", True),
        ([], "no", False),
        ([], "0", False),
        ([], "", False),
        (["--private"], "no", True),
    ],
)
def test_private_is_said_by_an_option_or_the_environment(
    monkeypatch: pytest.MonkeyPatch, words: list[str], environment: str | None, meant: bool
) -> None:
    """For a station that several people share: the console is opened, and told so behind its first picture."""
    told: list[bool] = []

    def run(app: HandrailApp) -> None:
        assert app._start is not None
        app._start(lambda _: None)
        told.append(app.private)

    monkeypatch.delenv("HANDRAIL_PRIVATE", raising=False)
    if environment is not None:
        monkeypatch.setenv("HANDRAIL_PRIVATE", environment)
    monkeypatch.setattr(HandrailApp, "run", run)
    assert opening.opened(parser().parse_args(words), lambda options, tell: "") == 0
    assert told == [meant]
