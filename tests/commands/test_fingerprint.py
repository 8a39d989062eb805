"""handrail fingerprint: kept, compared with a file and with another database; the rows that differ are found."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from db.session import Target
from tests.commands.calling import Said
from tests.driving import ask, session_of
from tests.servers import Server

pytestmark = pytest.mark.newest

SCENE = """
CREATE TABLE pet (id int PRIMARY KEY, t text, amount numeric);
INSERT INTO pet SELECT i, 'pet ' || i, i FROM generate_series(1, 3000) i;
CREATE TABLE log (what text);
INSERT INTO log SELECT 'said ' || i % 10 FROM generate_series(1, 100) i;
"""
# one row new, one gone, two changed
WRITES = """
INSERT INTO pet VALUES (9001, 'new', 1);
DELETE FROM pet WHERE id = 17;
UPDATE pet SET t = t || '!' WHERE id IN (5, 2999);
"""


@pytest.fixture
def fingerprint(handrail: Callable[..., Said], sample: Target) -> Callable[..., Said]:
    return lambda *words: handrail("--target", sample.url, "fingerprint", *words)


@pytest.fixture
def scene(sample: Target) -> Target:
    ask(sample, SCENE)
    return sample


@pytest.fixture
def twin(scene: Target, server: Server) -> Iterator[Target]:
    """The same content, written in another order, in another database."""
    name = f"{ask(scene, 'SELECT current_database()')}_twin"
    scene.close()
    target = Target(server.create(name, ask(scene, "SELECT current_database()")))
    ask(target, "CREATE TABLE again AS TABLE pet; TRUNCATE pet; INSERT INTO pet TABLE again ORDER BY id DESC")
    ask(target, "DROP TABLE again")
    yield target
    target.close()
    server.drop(name)


def test_what_it_says_of_one_database(fingerprint: Any, scene: Target) -> None:
    found = fingerprint()
    lines = found.out.splitlines()
    assert (found.code, lines[0].split()[0]) == (0, "objects")
    assert [line.split()[2:] for line in lines[1:]] == [["100", "public.log"], ["3", "000", "public.person"], ["3", "000", "public.pet"]]  # fmt: skip
    assert "objects, 3 tables, 6 100 rows in " in found.err


def test_one_document(fingerprint: Any, scene: Target) -> None:
    (document,) = fingerprint("--json").documents
    assert document["content"]["public.pet"]["rows"] == 3000
    assert document["objects"].keys() >= {"table public.pet", "owner of schema public"}
    assert document["server"].startswith("18")
    (schema,) = fingerprint("--json", "--no-content").documents
    assert (schema["content"], schema["digest"]) == (None, document["digest"])


def test_a_file_for_its_owner_alone(fingerprint: Any, scene: Target, tmp_path: Path) -> None:
    file = tmp_path / "kept.json"
    assert fingerprint("--out", str(file)).code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    document = json.loads(file.read_text())
    assert (document["format"], document["rows"]) == (1, False)
    assert 900 < len(document["content"]["public.pet"]["buckets"]) <= 1024
    assert [one.name for one in tmp_path.iterdir()] == ["kept.json"]


@pytest.mark.parametrize("rows", [(), ("--rows",)])
def test_nothing_has_changed_since(fingerprint: Any, scene: Target, tmp_path: Path, rows: tuple[str, ...]) -> None:
    fingerprint("--out", str(tmp_path / "kept"), *rows)
    found = fingerprint("--compare", str(tmp_path / "kept"))
    assert (found.code, found.out.startswith("equal: ")) == (0, True)


def test_another_database_with_the_same_content(fingerprint: Any, twin: Target) -> None:
    found = fingerprint("--compare", twin.url)
    assert (found.code, found.out.startswith("equal: ")) == (0, True)


ROWS_TOLD = [
    "content public.pet: 3 000 rows; 1 new, 1 gone, 2 changed",
    "  new        id 9001",
    "  gone       id 17",
    "  changed    id 2999",
    "  changed    id 5",
]


def sorted_rows(out: str) -> list[str]:
    """Rows come by the hash of their key."""
    lines = out.splitlines()
    order = {"new": 0, "gone": 1, "changed": 2}
    return [lines[0], *sorted(lines[1:], key=lambda line: (order[line.split()[0]], line))]


def test_rows_are_found_in_another_database(fingerprint: Any, scene: Target, twin: Target) -> None:
    ask(scene, WRITES)
    found = fingerprint("--compare", twin.url)
    assert (found.code, sorted_rows(found.out)) == (1, ROWS_TOLD)
    assert "0 objects and the content of 1 table differ." in found.err


def test_rows_are_found_by_a_file_that_holds_rows(fingerprint: Any, scene: Target, tmp_path: Path) -> None:
    fingerprint("--out", str(tmp_path / "kept"), "--rows")
    ask(scene, WRITES)
    found = fingerprint("--compare", str(tmp_path / "kept"))
    assert (found.code, sorted_rows(found.out)) == (1, ROWS_TOLD)


def test_a_file_without_rows_names_candidates_and_says_so(fingerprint: Any, scene: Target, tmp_path: Path) -> None:
    fingerprint("--out", str(tmp_path / "kept"))
    ask(scene, WRITES)
    (document,) = fingerprint("--compare", str(tmp_path / "kept"), "--json").documents
    (content,) = document["content"]
    assert content["exact"] is None
    assert 1 <= content["buckets"] <= 4
    keys = {key for (key,) in content["candidates"]["keys"]}
    assert {"9001", "5", "2999"} <= keys
    assert content["candidates"]["count"] == len(keys) < 25
    said = fingerprint("--compare", str(tmp_path / "kept")).out
    assert "the file has no rows (--rows), so which of these differ is not known, nor which are gone" in said
    assert "candidate" in said
    assert "new" not in said


def test_only_keys_are_told(fingerprint: Any, scene: Target, twin: Target, tmp_path: Path) -> None:
    ask(scene, WRITES + "UPDATE pet SET t = 'secret words' WHERE id = 1")
    fingerprint("--out", str(tmp_path / "kept"), "--rows")
    for words in [("--compare", twin.url), ("--compare", twin.url, "--json")]:
        found = fingerprint(*words)
        assert found.code == 1
        assert "secret" not in found.out + found.err + (tmp_path / "kept").read_text()


@pytest.mark.parametrize("kept", [True, False], ids=["file", "database"])
@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("uuid", ["5f0c1111-2222-4333-8444-555566667777", "5f0c1111-2222-4333-8444-555566667778"]),
        ("text", ['O\'Brien "x" \\ , {a}', "NULL"]),
        ("timestamptz", ["2026-11-21 10:00:00.123456+00", "2026-02-03 00:00:00+00"]),
        ("numeric", ["1.10", "12345678901234567890.5"]),
        ("bytea", ["\\x00ff", "\\x"]),
    ],
)
def test_keys_of_every_type_read_as_they_are(
    fingerprint: Any, sample: Target, server: Server, tmp_path: Path, type_: str, values: list[str], kept: bool
) -> None:
    ask(sample, f"CREATE TABLE keyed (a {type_}, b int, t int, PRIMARY KEY (a, b))")
    for value in values:
        ask(sample, "INSERT INTO keyed VALUES (%s, 1, 0), (%s, 2, 0)", value, value)
    fingerprint("--out", str(tmp_path / "kept"), "--rows")
    name = ask(sample, "SELECT current_database()")
    sample.close()
    before = Target(server.create(f"{name}_before", name))
    try:
        ask(sample, "UPDATE keyed SET t = 1 WHERE b = 2 AND a = %s", values[0])
        ask(sample, "DELETE FROM keyed WHERE b = 1 AND a = %s", values[1])
        other = str(tmp_path / "kept") if kept else before.url
        (document,) = fingerprint("--compare", other, "--json").documents
    finally:
        before.close()
        server.drop(f"{name}_before")
    (content,) = document["content"]
    assert content["key"] == ["a", "b"]
    assert content["exact"] == {
        "new": {"count": 0, "keys": []},
        "gone": {"count": 1, "keys": [[values[1], "1"]]},
        "changed": {"count": 1, "keys": [[values[0], "2"]]},
    }


def test_without_a_key_rows_are_counted_as_often_as_they_are_there(
    fingerprint: Any, scene: Target, twin: Target
) -> None:
    ask(scene, "INSERT INTO log VALUES ('said 1'), ('said 1'), ('never'); DELETE FROM log WHERE what = 'said 3'")
    found = fingerprint("--compare", twin.url)
    assert (found.code, found.out) == (1, "content public.log: 100 rows, then 93; 3 new, 10 gone\n")


def test_without_a_key_a_file_tells_counts(fingerprint: Any, scene: Target, tmp_path: Path) -> None:
    fingerprint("--out", str(tmp_path / "kept"))
    ask(scene, "DELETE FROM log WHERE what = 'said 3'")
    said = fingerprint("--compare", str(tmp_path / "kept")).out
    assert said == (
        "content public.log: 100 rows, then 90; it has no primary key, and the file no rows (--rows)\n"
    )  # fmt: skip


def test_the_first_twenty_are_listed_and_all_counted(fingerprint: Any, scene: Target, twin: Target) -> None:
    ask(scene, "UPDATE pet SET amount = amount + 1")
    found = fingerprint("--compare", twin.url)
    lines = found.out.splitlines()
    assert lines[0] == "content public.pet: 3 000 rows; 3 000 changed"
    assert (len(lines), lines[-1]) == (22, "  changed    and 2 980 more")


def test_objects_are_named_and_a_table_of_other_columns_is_counted(
    fingerprint: Any, scene: Target, twin: Target
) -> None:
    ask(scene, "ALTER TABLE pet ADD more int; ALTER TABLE log REPLICA IDENTITY FULL; CREATE INDEX ON log (what)")
    found = fingerprint("--compare", twin.url)
    assert found.out.splitlines() == [
        "new: column public.pet.more",
        "new: index public.log_what_idx",
        "new: replica identity of public.log",
        "content public.pet: 3 000 rows; its columns are not the same, so no row is",
    ]
    assert found.code == 1


def test_another_key_is_said(fingerprint: Any, scene: Target, twin: Target) -> None:
    ask(scene, "ALTER TABLE pet DROP CONSTRAINT pet_pkey, ADD PRIMARY KEY (id, t)")
    ask(scene, "DELETE FROM pet WHERE id = 3")
    assert "its primary key is not the same" in fingerprint("--compare", twin.url).out


def test_the_schema_alone(fingerprint: Any, scene: Target, twin: Target, tmp_path: Path) -> None:
    ask(scene, "DELETE FROM pet")
    found = fingerprint("--compare", twin.url, "--no-content")
    assert (found.code, found.out.endswith("no content\n")) == (0, True)
    fingerprint("--out", str(tmp_path / "kept"), "--no-content")
    found = fingerprint("--compare", str(tmp_path / "kept"))
    assert (found.code, "Content was not compared" in found.err) == (0, True)


def test_settings_of_the_database_change_nothing(fingerprint: Any, scene: Target, twin: Target) -> None:
    """But that they are settings."""
    ask(scene, "CREATE TABLE odd (id timestamptz PRIMARY KEY, f float8, i interval, b bytea[]);")
    insert = "INSERT INTO odd VALUES ('2026-11-21 10:00Z', 0.1, '1 day 02:03', '{\"\\\\xff\"}')"
    ask(scene, insert)
    ask(twin, "CREATE TABLE odd (id timestamptz PRIMARY KEY, f float8, i interval, b bytea[]);")
    ask(twin, insert)
    here = ask(twin, "SELECT quote_ident(current_database())")
    for setting in (
        "TimeZone = 'Asia/Kathmandu'", "DateStyle = 'German'", "IntervalStyle = 'iso_8601'", "bytea_output = 'escape'",
        "extra_float_digits = -10", "search_path = 'nowhere'", "lock_timeout = '1ms'",
    ):  # fmt: skip
        ask(twin, f"ALTER DATABASE {here} SET {setting}")
    twin.close()
    found = fingerprint("--compare", twin.url)
    assert {line.split()[1] for line in found.out.splitlines()} == {"setting"}


def test_one_snapshot_under_a_live_writer(fingerprint: Any, sample: Target) -> None:
    """Rows move from the first table to the last while those between are read: none is seen twice, or not at all."""
    for table in ("a", "z"):
        ask(sample, f"CREATE TABLE {table} (id int PRIMARY KEY)")
    ask(sample, "INSERT INTO a SELECT generate_series(1, 2000)")
    ask(sample, "CREATE TABLE m AS SELECT i, repeat('x', 200) FROM generate_series(1, 100000) i")
    over = threading.Event()

    def move() -> None:
        with session_of(sample) as application:
            while not over.is_set():
                for one, other in (("a", "z"), ("z", "a")):
                    application.execute(
                        f"WITH moved AS (DELETE FROM {one} WHERE id % 2 = 0 RETURNING id)"
                        f" INSERT INTO {other} SELECT id FROM moved".encode()
                    )
                    application.commit()

    worker = threading.Thread(target=move)
    worker.start()
    try:
        for _ in range(8):
            (document,) = fingerprint("--json").documents
            assert sum(document["content"][f"public.{one}"]["rows"] for one in ("a", "z")) == 2000
    finally:
        over.set()
        worker.join()


def test_a_lock_that_lasts_is_not_waited_for_long(fingerprint: Any, scene: Target) -> None:
    """It is tried again, and the application behind it never waits for handrail."""
    with session_of(scene) as application:
        application.execute("LOCK TABLE pet")
        ended = threading.Timer(1.5, application.rollback)
        ended.start()
        assert fingerprint().code == 0
        ended.join()


def test_a_row_that_a_policy_hides_is_an_error(handrail: Any, scene: Target) -> None:
    """Not a row less (FM-I4)."""
    ask(scene, "ALTER TABLE pet ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON pet USING (id < 5)")
    ask(scene, "DO $$ BEGIN CREATE ROLE looker LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    ask(scene, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    url = psycopg.conninfo.make_conninfo(scene.url, user="looker")
    found = handrail("--target", url, "fingerprint")
    assert (found.code, 'row-level security policy for table "pet"' in found.err) == (6, True)
    assert handrail("--target", url, "fingerprint", "--no-content").code == 0


@pytest.mark.parametrize(
    "name", [" :person", "100% %s %(x)s", 'a"b; --', "[/red] \x1b[31m\u202e", "per.son", "table\nobjects"]
)
def test_hostile_names(fingerprint: Any, sample: Target, tmp_path: Path, name: str) -> None:
    table = psycopg.sql.Identifier(name).as_string()
    ask(sample, f"CREATE TABLE {table} ({table} text PRIMARY KEY, t int)")
    ask(sample, f"INSERT INTO {table} VALUES (E'\\x1b[2J', 1)")
    fingerprint("--out", str(tmp_path / "kept"), "--rows")
    ask(sample, f"UPDATE {table} SET t = 2")
    found = fingerprint("--compare", str(tmp_path / "kept"))
    assert found.code == 1
    assert "1 changed" in found.out
    assert not {"\x1b", "\u202e"} & set(found.out + found.err)
    assert len(found.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('{"handrail": "fingerprint", "format": 2}', "is of format 2, and this version reads 1."),
        ('{"handrail": "fingerprint", "format": "\\u001b[2J"}', "is of format"),
        ("{}", "is no fingerprint."),
        ("[" * 100_000, "is no fingerprint."),
        ("\x00\x01", "is no fingerprint."),
        ("", "is no fingerprint."),
    ],
)
def test_what_is_no_file_of_ours_is_refused_in_a_line(
    fingerprint: Any, tmp_path: Path, written: str, said: str
) -> None:
    (tmp_path / "kept").write_text(written)
    found = fingerprint("--compare", str(tmp_path / "kept"))
    assert (found.code, found.out) == (2, "")
    assert said in found.err.splitlines()[-1]
    assert "\x1b" not in found.err
    assert "Traceback" not in found.err


def test_a_file_that_is_cut_off_or_edited_is_refused(fingerprint: Any, scene: Target, tmp_path: Path) -> None:
    file = tmp_path / "kept"
    fingerprint("--out", str(file), "--rows")
    whole = file.read_text().splitlines()
    for lines in (whole[:-1], whole[:50], whole[:60] + whole[61:], [*whole[:60], whole[60][:9], *whole[61:]]):
        file.write_text("\n".join(lines))
        ask(scene, "UPDATE pet SET amount = amount + 1; UPDATE person SET email = email || 'x'; UPDATE log SET what = what || 'x'")  # fmt: skip
        found = fingerprint("--compare", str(file))
        assert found.code == 2, len(lines)
        assert "cut off, or was edited" in found.err or "has a line" in found.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rows",), "--rows is for a file."),
        (("--rows", "--out", "x", "--no-content"), "contradict"),
        (("--compare", "nowhere.json"), "The fingerprint in nowhere.json cannot be read: No such file or directory."),
        (("--compare", "/"), "cannot be read: Is a directory"),
        (("--out", "/dev/null"), "/dev/null is no file that could be written over."),
    ],
)
def test_what_cannot_be_done_is_said(fingerprint: Any, words: tuple[str, ...], said: str) -> None:
    found = fingerprint(*words)
    assert found.code == 2
    assert said in found.err


def test_the_password_of_the_other_is_never_told(fingerprint: Any) -> None:
    found = fingerprint("--compare", "postgresql://me:hunter2@127.0.0.1:1/nothing")
    assert found.code == 7
    assert "hunter2" not in found.out + found.err
