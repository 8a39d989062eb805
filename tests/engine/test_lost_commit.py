"""The answer to COMMIT is lost: the executor asks the server what became of it, and no step runs twice (FM-A6)."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest

from console.engine import journey
from console.engine.plan import Plan
from console.engine.reading import parse
from db import journal
from db.errors import CommitInDoubt, ConnectionFailed
from db.session import Target, transaction
from tests.crash.matrix import State
from tests.driving import ask, begun, done, drive, events, look
from tests.proxy import Lost, losing
from tests.servers import Server

PLAN = """\
format = 1
id = "counted"
target = "sample"
title = "What is done twice is seen in n"
[[phase]]
title = "Only"
[[phase.step]]
id = "add"
kind = "sql"
title = "Add one"
estimate = "1s"
sql = "UPDATE person SET n = n + 1"
undo = "UPDATE person SET n = n - 1"
[[phase.step]]
id = "fill"
kind = "backfill"
title = "Add ten"
estimate = "1s"
table = "person"
key = "id"
set = "n = r.n + 10"
where = "r.n < 10"
undo = "UPDATE person SET n = n - 10"
[[phase.step]]
id = "index"
kind = "concurrently"
title = "Index it"
estimate = "1s"
sql = "CREATE INDEX CONCURRENTLY person_n ON person (n)"
undo = "DROP INDEX CONCURRENTLY person_n"
[phase.checkpoint]
id = "all"
title = "All counted"
[[phase.checkpoint.check]]
id = "eleven"
kind = "sql"
title = "eleven each"
sql = "SELECT id FROM person WHERE n <> 11"
no_rows = true
"""


@pytest.fixture
def counted() -> Plan:
    return parse(PLAN, "counted.toml", lambda name: "")


@pytest.mark.newest
@pytest.mark.parametrize("lost", ["commit", "reply"])
def test_at_every_commit_of_a_plan(server: Server, people: str, counted: Plan, lost: Lost) -> None:
    calm = Target(server.create("calm", people))
    expected = State.of(calm, done(calm, counted))
    calm.close()
    outcomes = set()
    for number in count(1):
        name = f"lost_{lost}_{number}"
        target = Target(server.create(name, people))
        run = begun(target, counted)
        with losing(target.url, lost, number) as (url, proxy):
            try:
                drive(Target(url), partial(journey.forward, run=run, said=True))
            except ConnectionFailed:
                # between two items nobody comes back: a person resumes
                assert look(target, run).state in ("running", "paused", "done")
                if look(target, run).state != "done":
                    drive(target, partial(journey.resume, run=run, said=True))
        assert State.of(target, run).differences(expected, set()) == [], f"{lost} at commit {number}"
        outcomes |= {event.detail["commit"] for event in events(target, run) if "commit" in event.detail}
        target.close()
        server.drop(name)
        if not proxy.met:
            break
    assert number > 20, "there was little to lose"
    assert outcomes == {"committed" if lost == "reply" else "aborted"}
    server.drop("calm")


def test_without_the_server_s_word_nothing_is_claimed(sample: Target) -> None:
    """Outside an item the error says that it is in doubt, and what to do."""
    doubt = pytest.raises(CommitInDoubt, match="handrail asks the server what became of it")
    with (
        losing(sample.url, "reply", 1) as (url, proxy),
        Target(url).executor_connection("handrail: executor") as connection,
        doubt,
        transaction(connection) as session,
    ):
        journal.record(session, "in doubt")
    assert proxy.met
    assert ask(sample, "SELECT count(*) FROM handrail.event WHERE kind = 'in doubt'") == 1
