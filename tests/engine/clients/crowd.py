"""Two thousand clients of the agency, skewed and of every script, in two tables without a mirror between them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import psycopg

from console.engine import demo
from console.engine.clients import described, indexing
from console.engine.preparation import arrange
from console.engine.sample import people
from db.session import Target
from tests.servers import Server

AGENCY = described.load("agency")
ENHANCED = """
CREATE TABLE public.clients_enhanced (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, company_name text, email text, phone text,
    status text, tier text, assigned_manager uuid, industry text, updated_at timestamptz DEFAULT now())
"""
RIGHTS = """
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON public.clients, public.clients_enhanced TO authenticated;
CREATE POLICY any_row ON public.clients TO authenticated USING (true) WITH CHECK (true);
"""
FIRST = ("Anna", "Ana", "Anna-Lena", "Jürgen", "JURGEN", "Zoë", "Łukasz", "Đorđe", "Søren", "Þóra", "Œuvre", "Æsa", "İpek",
         "Iñaki", "Straße", "STRASSE", "GROẞ", "O'Brien", "O’Brien", "Anna\u00adMaria", "Ngũgĩ", "Nguyễn", "ﬁona", "Ｆｕｌｌ",
         "Анна", "АННА", "Йосиф", "Ёлкин", "Άννα", "ΣΩΚΡΑΤΗΣ", "Σωκράτης", "دَوُود", "محمـــد", "نور،سلمى", "דָּוִד", "בן־דוד",
         "צ׳רצ׳יל", "김민수", "각", "가나", "अनिता", "राम।श्याम", "田中", "タナカ", "ﾀﾅｶ", "王・小明", "Nadia🦊", "👩‍🚀", "1234", "v", "eva_v",
         "Å\u0301ngström", "A\u030angstrom", "a\tb\nc", "x\x1b[31my", "it's \"quoted\"", "100%", "a_b%c", "\\back\\slash", "½")  # fmt: skip
LAST = ("Smith", "Smith", "Smith", "Smithson", "Schmidt", "Müller", "van der Berg", "Garcia", "Ivanova", "Nakamura")
COMPANY = ("Blue Harbour GmbH", "Lantern BV", "North Group", "North-West Group", "Smith & Sons Group", "Группа Север",
           "Acme [EU] Ltd", "Étoile Group SARL", "x" * 50 + " Group", "")  # fmt: skip
WEIGHTS = (2, 2, 30, 10, 5, 1, 1, 3, 1, 1)
SEES = {"support1": ["*"], "support2": ["Blue Harbour GmbH", "Étoile Group SARL"], "support0": []}


def make(server: Server, name: str) -> None:
    """A template: filled, prepared, with people; not indexed yet."""
    target = Target(server.create(name), "agency")
    demo.fill(target, 600, 7, lambda words: None)
    with psycopg.connect(target.url) as connection:
        connection.execute(ENHANCED)
        connection.execute(RIGHTS.encode())
        fill(connection, 1400, random.Random(11))
        people.make_logins(connection)
        if connection.execute("SELECT FROM pg_roles WHERE rolname = 'support0'").fetchone() is None:
            connection.execute("CREATE ROLE support0 LOGIN")
    arrange(target, "agency")
    people.make_operators(target)
    with psycopg.connect(target.url) as connection:
        connection.execute("GRANT handrail_support TO support0")
    target.close()


def index(target: Target, profile: str) -> None:
    indexing.make(target, AGENCY, profile)
    with psycopg.connect(target.url) as connection:
        for login, tenants in SEES.items():
            for tenant in tenants:
                connection.execute("SELECT handrail_search.grant_tenant(%s, %s)", (login, tenant))


def fill(connection: psycopg.Connection, number: int, chance: random.Random) -> None:
    """A third each in the first table, in the second, and in both with other values."""
    for n, one in enumerate(rows(number, chance)):
        name, company, email, phone = one
        id = f"{chance.getrandbits(128):032x}"
        if n % 3 != 1:
            held = json.dumps({"name": name, "company": company, "phone": phone})
            connection.execute("INSERT INTO public.clients (id, email, metadata, role) VALUES (%s, %s, %s, %s)",
                               (id, email, held, chance.choice(["admin", "viewer", "Évaluateur v", None])))  # fmt: skip
        if n % 3 != 0:
            connection.execute("INSERT INTO public.clients_enhanced (id, name, company_name, email, phone, status, tier)"
                               " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                               (id, name[::-1] if n % 6 == 2 else name, company, email, phone,
                                chance.choice(["active", "paused", "lead"]), chance.choice(["basic", "premium"])))  # fmt: skip


def rows(number: int, chance: random.Random) -> Iterator[tuple[str, str, str, str]]:
    for _ in range(number):
        name = f"{chance.choice(FIRST)} {chance.choice(LAST)}"
        if chance.random() < 0.01:
            name += " " + " ".join(f"word{chance.randrange(99)}" for _ in range(60))
        (company,) = chance.choices(COMPANY, WEIGHTS)
        email = f"{chance.choice(['vera', 'Anna.Smith', 'é.v', '田中', 'a_b%'])}{chance.getrandbits(40)}@Example.com"
        digits = "".join(chance.choice("0123456789") for _ in range(chance.choice([2, 3, 7, 9, 11])))
        yield (
            name,
            company,
            email,
            chance.choice(["+49 (30) {}", "0{}", "{}", "+00{}", "ext. {}", "", "—"]).format(digits),
        )
