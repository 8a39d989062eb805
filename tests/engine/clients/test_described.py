"""The description of a client: what is in a file that may be one, and where the first fault of another is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.engine.clients import described
from console.engine.errors import DescriptionWrong

GOOD = """\
tenant = "company"

[[source]]
table = "public.people"
title = "People"
id = "id"
changed = "at"
fields = { name = "called", company = "more.company" }
shows = ["called"]
masks = { called = "text" }

[[field]]
name = "name"
title = "Name"
code = "n"
kind = "words"

[[field]]
name = "company"
title = "Company"
code = "c"
kind = "words"
"""


def load(folder: Path, words: str) -> described.Description:
    (folder / "sample.toml").write_text(words, encoding="utf-8")
    return described.load("sample", folder)


def test_a_description_says_what_is_in_the_file(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD)
    (source,) = found.source
    assert (found.tenant, source.table, source.columns) == (
        "company",
        "public.people",
        ["called", "more.company", "at"],
    )
    assert (source.part.title, source.part.key, source.part.masks) == ("People", "id", {"called": "text"})
    assert [field.anywhere for field in found.field] == [True, True]
    assert described.known(tmp_path) == ["sample"]


FAULTS = {
    "tenant is no field": ('tenant = "company"', 'tenant = "town"', "tenant names no field: town"),
    "two codes alike": ('code = "c"', 'code = "n"', "two fields share a name or a code"),
    "two names alike": ('name = "company"\ntitle', 'name = "name"\ntitle', "two fields share a name or a code"),
    "the code of the id": ('code = "c"', 'code = "i"', "field.1.code"),
    "a code of two letters": ('code = "c"', 'code = "cc"', "field.1.code"),
    "a field called id": ('name = "name"', 'name = "id"', "every client has an id and a tenant"),
    "a field called tenant": ('name = "name"', 'name = "tenant"', "every client has an id and a tenant"),
    "a kind that is none": ('kind = "words"', 'kind = "any"', "field.0.kind"),
    "a value for no field": ("name = \"called\"", "town = \"called\"", "public.people has values for no field: town"),
    "a table without a schema": ("public.people", "people", "source.0.table"),
    "SQL for a table": ("public.people", "public.people; DROP TABLE x", "source.0.table"),
    "SQL for a column": ('"called", company', "\"lower(called)\", company", "source.0.fields.name"),
    "SQL for a key of jsonb": ("more.company", "more.company'", "source.0.fields.company"),
    "a mask that is none": ('"text" }', '"none" }', "source.0.masks.called"),
    "a key that is none": ('changed = "at"', 'changes = "at"', "source.0.changes"),
    "no TOML": ('tenant = "company"', "tenant = company", "sample.toml"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_fault_is_named_with_its_place(tmp_path: Path, fault: str) -> None:
    before, after, named = FAULTS[fault]
    assert before in GOOD
    with pytest.raises(DescriptionWrong, match=re.escape(named)) as caught:
        load(tmp_path, GOOD.replace(before, after, 1))
    assert caught.value.message.startswith("sample.toml")


@pytest.mark.parametrize("target", ["nobody", "../sample", "", "/etc/passwd", "sample.toml", "SAMPLE"])
def test_a_target_without_one_names_those_there_are(tmp_path: Path, target: str) -> None:
    (tmp_path / "sample.toml").write_text(GOOD)
    with pytest.raises(DescriptionWrong) as caught:
        described.load(target, tmp_path)
    assert caught.value.hint.endswith("sample.toml") or "sample" in caught.value.hint


def test_another_description_has_another_digest(tmp_path: Path) -> None:
    one, other = load(tmp_path, GOOD), load(tmp_path, GOOD.replace("People", "Persons"))
    assert one.digest == load(tmp_path, GOOD + "\n# a comment\n").digest != other.digest


def test_the_descriptions_of_this_repository_are_right() -> None:
    assert [described.load(name).tenant for name in described.known()] == ["company"]
