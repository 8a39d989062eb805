"""backfill: batches that commit with their cursor, adapt, pause, sweep (I-3)."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from console.engine import journey, wishes
from console.engine.errors import StepFailed
from console.engine.steps.backfill import LARGEST, SMALLEST, SWEEPS, _adapted
from db.session import Target
from tests.crash.faults import struck
from tests.driving import ask, begun, drive, look, session_of, state, states, tiny
from tests.servers import wait_until

STEP = """\
id = "fill"
kind = "backfill"
table = "person"
key = "id"
undo = "-- nothing to undo"
"""
COUNTING = """\
set = "touched = r.touched + 1"
where = "r.touched = 0"
"""
COPYING = """\
into = "copy"
columns = { id = "r.id", email = "upper(r.email)" }
"""


@pytest.fixture
def counted(sample: Target) -> Target:
    ask(sample, "ALTER TABLE person ADD COLUMN touched int NOT NULL DEFAULT 0")
    return sample


def test_each_row_is_changed_exactly_once(counted: Target) -> None:
    """FM-A8"""
    number = begun(counted, tiny(STEP + COUNTING))
    drive(counted, lambda here: journey.forward(here, number))
    assert ask(counted, "SELECT array_agg(DISTINCT touched) FROM person") == [1]
    progress = look(counted, number).steps[0].progress
    assert (progress["rows"], progress["total"]) == (3000, 3000)
    assert progress["batches"] >= 2


def test_each_row_is_changed_exactly_once_under_kills(counted: Target) -> None:
    """FM-A8: kill -9 at one point after the other of the batches; the next console goes on from the cursor.

    What the plan calls to be done never ends here, so a batch that was done again would be seen.
    """
    slow = 'where = "r.touched < 99 AND md5(repeat(r.email, 8000)) IS NOT NULL"'
    number = begun(counted, tiny(STEP + COUNTING.replace('where = "r.touched = 0"', slow)))
    kept: list[int] = []
    for point in cycle(range(71, 121, 2)):
        assert struck(counted, number, "forward", point)
        kept.append(look(counted, number).steps[0].progress.get("rows", 0))
        assert ask(counted, "SELECT sum(touched) FROM person") == kept[-1], f"killed at point {point}"
        assert ask(counted, "SELECT max(touched) FROM person") <= 1, f"killed at point {point}"
        if kept[-1] > 2000:
            break
    assert len(set(kept)) > 3, f"it was hardly ever killed between two batches: {kept}"


def test_rows_are_copied(sample: Target) -> None:
    ask(sample, "CREATE TABLE copy (id uuid PRIMARY KEY, email text)")
    number = begun(sample, tiny(STEP + COPYING))
    drive(sample, lambda here: journey.forward(here, number))
    assert (
        ask(sample, "SELECT count(*) FROM copy JOIN person USING (id) WHERE copy.email = upper(person.email)") == 3000
    )


def test_what_is_written_behind_the_cursor_is_swept_up(counted: Target) -> None:
    """FM-C6: a row whose key lies before the cursor when it appears."""
    ask(
        counted,
        """CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT count(*) FROM person WHERE email = 'late') = 0 AND (SELECT count(*) FROM person
                 WHERE touched = 1) > 1500 THEN
               INSERT INTO person (id, email) VALUES ('00000000-0000-0000-0000-000000000001', 'late');
             END IF; RETURN NULL; END $$;
           CREATE TRIGGER late AFTER UPDATE ON person FOR EACH STATEMENT EXECUTE FUNCTION late()""",
    )
    number = begun(counted, tiny(STEP + COUNTING))
    drive(counted, lambda here: journey.forward(here, number))
    assert ask(counted, "SELECT touched FROM person WHERE email = 'late'") == 1
    assert look(counted, number).steps[0].progress["sweep"] is True


def test_a_pause_ends_the_batch_and_keeps_the_cursor(counted: Target) -> None:
    """UX-O4; and resuming changes no row twice."""
    number = begun(counted, tiny(STEP + COUNTING))
    with session_of(counted) as application:
        # the last rows are locked, so the backfill is held in the middle of its way
        application.execute("SELECT 1 FROM person ORDER BY id DESC LIMIT 1 FOR UPDATE")
        worker = threading.Thread(target=lambda: drive(counted, lambda here: journey.forward(here, number)))
        worker.start()
        wait_until(lambda: ask(counted, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        with counted.session() as session:
            wishes.ask_pause(session, number)
        application.rollback()
        worker.join()
    row = look(counted, number)
    assert (row.state, row.steps[0].state) == ("paused", "stopped")
    assert row.steps[0].progress["cursor"]
    drive(counted, lambda here: journey.resume(here, number))
    assert state(counted, number) == "done"
    assert ask(counted, "SELECT array_agg(DISTINCT touched) FROM person") == [1]


def test_a_batch_that_fails_names_the_cause_and_keeps_the_others(counted: Target) -> None:
    ask(counted, "ALTER TABLE person ADD CHECK (touched = 0 OR email <> 'Person3000@example.org')")
    number = begun(counted, tiny(STEP + COUNTING))
    with pytest.raises(StepFailed, match="batch of fill: new row for relation"):
        drive(counted, lambda here: journey.forward(here, number))
    assert states(counted, number) == {"fill": "failed"}


def test_a_change_that_a_writer_makes_meanwhile_stands(counted: Target) -> None:
    """FM-C7, F30: the batch waits for him, looks at his row again, and takes the values from there."""
    ask(counted, "ALTER TABLE person ADD COLUMN upper text")
    change = 'set = "touched = r.touched + 1, upper = upper(r.email)"\nwhere = "r.touched = 0"\n'
    number = begun(counted, tiny(STEP + change))
    with session_of(counted) as application, ThreadPoolExecutor() as pool:
        application.execute("UPDATE person SET email = 'changed' WHERE email = 'Person7@example.org'")
        application.execute("UPDATE person SET touched = 777 WHERE email = 'Person8@example.org'")
        driving = pool.submit(drive, counted, lambda here: journey.forward(here, number))
        wait_until(lambda: ask(counted, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        application.commit()
        driving.result()
    assert ask(counted, "SELECT touched FROM person WHERE email = 'changed' AND upper = 'CHANGED'") == 1
    assert ask(counted, "SELECT touched FROM person WHERE email = 'Person8@example.org' AND upper IS NULL") == 777
    assert ask(counted, "SELECT count(*) FROM person WHERE touched = 1 AND upper = upper(email)") == 2999


def test_rows_that_keep_appearing_are_not_swept_for_ever(counted: Target) -> None:
    """FM-C6: it says what to do, and the run does not go on as if all were done."""
    ask(
        counted,
        """CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF EXISTS (SELECT FROM changed) THEN INSERT INTO person (email) VALUES ('more'); END IF;
             RETURN NULL; END $$;
           CREATE TRIGGER more AFTER UPDATE ON person REFERENCING NEW TABLE AS changed
           FOR EACH STATEMENT EXECUTE FUNCTION more()""",
    )
    number = begun(counted, tiny(STEP + COUNTING))
    with pytest.raises(StepFailed, match=f"rows to do keep appearing: {SWEEPS} sweeps did not end it"):
        drive(counted, lambda here: journey.forward(here, number))
    assert states(counted, number) == {"fill": "failed"}
    ask(counted, "DROP TRIGGER more ON person")
    drive(counted, lambda here: journey.resume(here, number))
    assert ask(counted, "SELECT array_agg(DISTINCT touched) FROM person") == [1]


def test_a_copy_waits_for_a_writer_and_takes_what_he_wrote(sample: Target) -> None:
    """FM-C7: no stale value is copied over a concurrent change."""
    ask(sample, "CREATE TABLE copy (id uuid PRIMARY KEY, email text)")
    number = begun(sample, tiny(STEP + COPYING))
    with session_of(sample) as application:
        application.execute("UPDATE person SET email = 'changed' WHERE email = 'Person7@example.org'")
        worker = threading.Thread(target=lambda: drive(sample, lambda here: journey.forward(here, number)))
        worker.start()
        wait_until(lambda: ask(sample, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))
        application.commit()
        worker.join()
    assert ask(sample, "SELECT count(*) FROM copy WHERE email = 'CHANGED'") == 1


def test_the_batch_follows_the_clock() -> None:
    assert _adapted(1000, 0.025) == 1000
    assert _adapted(1000, 0.050) == 500
    assert _adapted(1000, 0.001) == 2000
    assert _adapted(SMALLEST, 60) == SMALLEST
    assert _adapted(LARGEST, 0.0) == LARGEST
