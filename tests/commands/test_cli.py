"""The command line as scripts meet it: data on standard output, one line for what is wrong, the right exit code."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.engine.plan import Plan
from db.session import Target
from tests.commands.calling import ROOT, started
from tests.driving import ask, begun, done, kinds, state, states
from tests.servers import Server, wait_until

pytestmark = pytest.mark.newest

PLANS = str(Path(__file__).parent.parent / "engine" / "plans")
SLEEPS = """\
format = 1
id = "sleeps"
target = "sample"
title = "Sleeps"
[[phase]]
title = "Only"
[[phase.step]]
id = "sleep"
kind = "sql"
title = "Sleep"
estimate = "1s"
sql = "CREATE TABLE half (a int); SELECT pg_sleep(600)"
undo = "DROP TABLE half"
"""


def test_run_status_rollback_as_json(handrail: Any, sample: Target) -> None:
    said = handrail("--target", sample.url, "--plans", PLANS, "run", "small", "--yes", "--json")
    assert said.code == 0
    *events, last = said.documents
    assert [event["event"] for event in events][:4] == ["run began", "preflight", "step began", "step done"]
    assert (last["run"], last["plan"], last["state"]) == (1, "small", "done")
    assert {step["state"] for step in last["steps"]} == {"done"}
    assert all(verdict["passed"] for verdict in last["verdicts"])
    assert said.err == ""

    (document,) = handrail("status", "--target", sample.url, "--json").documents
    assert (document["state"], document["interrupted"]) == ("done", False)

    back = handrail("--target", sample.url, "rollback", "1", "--confirm", "small", "--json")
    assert (back.code, back.documents[-1]["state"]) == (0, "rolled back")


def test_run_until_and_resume(handrail: Any, sample: Target) -> None:
    said = handrail("--target", sample.url, "--plans", PLANS, "run", "small", "--yes", "--until", "fill")
    assert (said.code, said.out.splitlines()[-1]) == (0, "run 1, small: paused")
    said = handrail("--target", sample.url, "resume", "1", "--yes", "--until", "index")
    assert states(sample, 1)["call"] == "waiting"
    said = handrail("--target", sample.url, "resume", "1", "--yes")
    assert (said.code, said.out.splitlines()[-1]) == (0, "run 1, small: done")


def test_a_failed_check_is_1_with_its_rows(handrail: Any, sample: Target) -> None:
    words = ("--target", sample.url, "--plans", PLANS, "--json")
    handrail(*words, "run", "small", "--yes", "--until", "call")
    ask(sample, "UPDATE person SET email_lc = 'wrong' WHERE email = 'Person7@example.org'")
    said = handrail(*words, "resume", "--yes")
    assert said.code == 1
    last = said.documents[-1]
    assert "1 of 3 checks failed: filled" in last["error"]
    failed = [verdict for verdict in last["verdicts"] if not verdict["passed"]]
    assert [row["email"] for row in failed[0]["rows"]] == ["Person7@example.org"]


def test_pause_when_nothing_runs(handrail: Any, sample: Target, small: Plan) -> None:
    begun(sample, small)
    said = handrail("--target", sample.url, "pause")
    assert (said.code, said.err) == (
        6,
        "handrail: Run 1 is paused; nothing is under way. Go on with: handrail resume\n",
    )


WRONG: list[tuple[str, list[str], int, str]] = [
    ("no server", ["--target", "postgresql://postgres@127.0.0.1:1/x", "status"], 7, "No server answers at this address."),
    ("no host", ["--target", "postgresql://postgres@no-such-host.invalid/x", "status"], 7, "The server's host name is not known."),
    ("no service", ["--target", "service=nowhere", "status"], 7, "There is no service 'nowhere'."),
    ("no URL", ["--target", "postgresql://user:secret@[::1/z", "status"], 2, "The target is not a PostgreSQL URL."),
    ("no such target", ["--target", "agancy", "status"], 2, "There is no target 'agancy'."),
    ("no such plan", ["--target", "{sample}", "run", "smal", "--yes", "--plans", PLANS], 2, "There is no plan 'smal'. Did you mean small?"),
    ("no such step", ["--target", "{sample}", "run", "small", "--yes", "--until", "fil", "--plans", PLANS], 2, "has no step or checkpoint 'fil'"),
    ("no such run", ["--target", "{sample}", "resume", "9", "--yes"], 2, "There is no run 9 on this target."),
    ("no run to resume", ["--target", "{sample}", "resume", "--yes"], 2, "No run is open on this target."),
    ("a plan for another target", ["--target", "{sample}", "run", "schema-unification", "--yes"], 2, "is for target agency, and this database is sample"),
    ("nobody to ask", ["--target", "{sample}", "run", "small", "--plans", PLANS], 2, "There is no terminal here to ask at."),
    ("no console without a terminal", [], 2, "The console needs a terminal."),
    ("no such command", ["migrate"], 2, "invalid choice"),
    ("too few rows", ["demo", "--rows", "3"], 2, "give a number from 10 to 10000000"),
    ("a number that is none", ["demo", "--rows", "abc"], 2, "handrail: argument --rows: give a number from 10 to 10000000. See:"),
    ("a run out of reach", ["status", "9" * 30], 2, "argument RUN: give a number from 1"),
    ("no setting of libpq", ["--target", "host=/nowhere sslmode=foo", "status"], 7, "The connection setting sslmode has a value"),
    ("a name that is none", ["--target", "{sample}", "init", "--name", ""], 2, "'' is no name for a target."),
    ("no such folder", ["--plans", "/nowhere", "plan", "list"], 2, "There is no folder /nowhere."),
]  # fmt: skip


@pytest.mark.parametrize(("words", "code", "message"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_bad_input_is_one_line_and_a_code(
    handrail: Any, sample: Target, words: list[str], code: int, message: str
) -> None:
    said = handrail(*(word.replace("{sample}", sample.url) for word in words))
    assert said.code == code
    last = said.err.splitlines()[-1]
    assert message in last
    assert "Traceback" not in said.err
    assert "secret" not in said.err
    assert ask(sample, "SELECT count(*) FROM handrail.run") == 0


def test_what_the_server_refuses(handrail: Any, server: Server, sample: Target) -> None:
    ask(sample, "DO $$ BEGIN CREATE ROLE nobody_special LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    nobody = sample.url.replace("postgres@", "nobody_special@")
    said = handrail("--target", nobody, "status")
    assert (said.code, "This login has not the right" in said.err) == (6, True)
    missing = handrail("--target", server.url("no_such_database"), "status")
    assert (missing.code, "There is no database 'no_such_database'" in missing.err) == (7, True)
    stranger = handrail("--target", sample.url.replace("postgres@", "no_such_login@"), "status")
    assert (stranger.code, "The server knows no login 'no_such_login'" in stranger.err) == (7, True)


def test_a_target_that_was_never_prepared(handrail: Any, server: Server) -> None:
    url = server.create("unprepared")
    for words in (["status"], ["run", "small", "--yes", "--plans", PLANS], ["pause"], ["rollback", "1", "--yes"]):
        said = handrail("--target", url, *words)
        assert (said.code, "has never been prepared" in said.err, "handrail init" in said.err) == (2, True, True)
    assert handrail("--target", url, "doctor").code == 2
    assert handrail("--target", url, "init", "--name", "sample").code == 0
    assert handrail("--target", url, "status").out == "sample: no run yet. Plans: handrail plan list\n"
    assert handrail("--target", url, "init", "--name", "other").code == 2
    server.drop("unprepared")


def test_the_plans_name_must_be_typed_right(handrail: Any, sample: Target, small: Plan) -> None:
    done(sample, small)
    said = handrail("--target", sample.url, "rollback", "1", "--confirm", "smal")
    assert (said.code, "nothing was done" in said.err) == (6, True)
    said = handrail("--target", sample.url, "rollback", "1", "--confirm", "smal", "--yes")
    assert (said.code, "nothing was done" in said.err) == (6, True)
    assert state(sample, 1) == "done"


def test_plans_are_listed_shown_and_checked(handrail: Any, tmp_path: Path) -> None:
    assert handrail("plan", "list", "--plans", PLANS).out.startswith("small ")
    shown = handrail("plan", "show", "small", "--plans", PLANS).out
    assert "CREATE INDEX CONCURRENTLY person_email_lc" in shown
    assert "ALTER TABLE person DROP COLUMN email_lc" in shown
    assert handrail("plan", "lint").code == 0
    (tmp_path / "bad.toml").write_text('format = 1\nid = "bad"\ntitl = "Bad"\n')
    said = handrail("plan", "lint", "--plans", str(tmp_path))
    assert (said.code, said.err) == (
        2,
        "handrail: bad.toml line 3: titl: there is no such key (3 more after it). Did you mean 'title'?\n",
    )


def test_hostile_text_never_reaches_the_terminal(handrail: Any, tmp_path: Path) -> None:
    """I-10: a plan's title is from outside too."""
    plan = (
        (Path(PLANS) / "small.toml").read_text().replace("Every kind of step, small", "\\u001b]52;c;eA==\\u0007\\u202e")
    )
    (tmp_path / "small.toml").write_text(plan.replace('file = "column.sql"', 'sql = "SELECT 1"'))
    said = handrail("plan", "list", "--plans", str(tmp_path))
    assert said.code == 0
    assert not {"\x1b", "\x07", "\u202e"} & set(said.out)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_mid_step_leaves_a_true_journal(sample: Target, tmp_path: Path, number: int) -> None:
    """FM-A9"""
    (tmp_path / "sleeps.toml").write_text(SLEEPS)
    with started(sample, "--plans", str(tmp_path), "run", "sleeps", "--yes") as process:
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"))
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (130, False)
    assert (state(sample, 1), states(sample, 1)) == ("paused", {"sleep": "stopped"})
    assert kinds(sample, 1)[-1] == "step stopped"
    assert ask(sample, "SELECT to_regclass('half')") is None


def test_a_person_at_a_terminal_is_asked_before_each_step(sample: Target) -> None:
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "console", "--target", sample.url, "--plans", PLANS, "run", "small"],
        cwd=ROOT, stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.write(master, b"y\nn\n")
        out, err = process.communicate(timeout=60)
    os.close(master)
    os.close(slave)
    assert process.returncode == 0
    assert "1 keep: Keep a copy (estimated 1.0 s). Go on? [y/N]" in err
    assert "Run 1 waits before dump" in err
    assert out.splitlines()[-1] == "run 1, small: paused"


@pytest.mark.parametrize("shell", ["{} | head -1", "{} >&-", "{} >/dev/full"])
def test_a_run_goes_on_when_nobody_reads(sample: Target, shell: str) -> None:
    """A reader that leaves does not stop a migration half way."""
    command = f"{sys.executable} -m console --target '{sample.url}' --plans {PLANS} run small --yes"
    script = f"set -o pipefail; {shell.format(command)}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert state(sample, 1) == "done"


def test_what_cannot_be_written_is_one_line() -> None:
    command = [sys.executable, "-m", "console", "plan", "show", "schema-unification"]
    with Path("/dev/full").open("w") as full:
        said = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "No space left" in said.stderr


def test_doctor_gives_the_statement_for_each_missing_right(handrail: Any, sample: Target) -> None:
    ask(sample, "DO $$ BEGIN CREATE ROLE weak LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    said = handrail("--target", sample.url.replace("postgres@", "weak@"), "doctor")
    assert said.code == 6
    for line in said.out.splitlines():
        if "GRANT" in line and "✗" in line:
            ask(sample, line[line.index("GRANT") :])
    assert handrail("--target", sample.url.replace("postgres@", "weak@"), "status").code == 0
