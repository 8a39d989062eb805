"""Wherever a rollback ends, the schema is compared with how it stood there; one of everything, in test_journey."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from console.engine import journey, retrying
from console.engine.errors import NotAsBefore
from console.engine.executor import Executor
from console.engine.plan import Plan
from db.errors import SessionEnded
from db.session import Target
from tests.driving import ask, begun, drive, events, session_of, state, states, tiny
from tests.engine.mending import LAST, NEXT, failed, making, resolved
from tests.servers import wait_until
from tests.staffed import as_login, staffed

pytestmark = pytest.mark.newest
INDEX = "CREATE INDEX theirs ON person (n)"
WAITS = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'busy'::regclass"


def up(target: Target, plan: Plan, until: str) -> int:
    number = begun(target, plan)
    drive(target, lambda here: journey.forward(here, number, until=until))
    return number


def back(target: Target, number: int, to: str) -> dict[str, object]:
    """What the run says of itself in the end."""
    drive(target, lambda here: journey.back(here, number, to))
    return events(target, number)[-1].detail


def one_back(target: Target, number: int) -> dict[str, object]:
    drive(target, lambda here: journey.back(here, number, one=True))
    return events(target, number)[-1].detail


@contextmanager
def ended_while_it_waits(target: Target, do: Callable[[Executor], None]) -> Iterator[None]:
    """An application holds view `busy`; somebody ends the session that waits for it to look at the schema."""
    with ThreadPoolExecutor() as pool, session_of(target) as session:
        session.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        driving = pool.submit(drive, target, do)
        wait_until(lambda: ask(target, WAITS) or driving.done())
        ask(target, f"SELECT pg_terminate_backend(({WAITS}))")
        with pytest.raises(SessionEnded):
            driving.result()
        yield


def test_it_says_that_the_schema_is_as_then(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    said = back(sample, number, "column")
    assert said == {"before": "column", "schema": "as at kept"}


def test_it_names_what_somebody_else_made(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    ask(sample, INDEX)
    with pytest.raises(NotAsBefore, match=r"not as at kept: new: index public\.theirs"):
        back(sample, number, "column")
    assert state(sample, number) == "paused"
    assert events(sample, number)[-1].detail["differs"] == ["new: index public.theirs"]


def test_undone_with_its_checkpoint_it_is_compared_too(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    assert back(sample, number, "kept")["schema"] == "as at kept"


def test_between_two_checkpoints_it_is_compared_with_the_step_before(sample: Target, small: Plan) -> None:
    number = up(sample, small, "index")
    assert back(sample, number, "index") == {"before": "index", "schema": "as after fill"}
    ask(sample, INDEX)
    with pytest.raises(NotAsBefore, match=r"not as after column: new: index public\.theirs"):
        one_back(sample, number)
    assert events(sample, number)[-1].detail["schema"] == "differs from after column"


def test_down_to_the_first_step_it_is_as_before_the_run(sample: Target, small: Plan) -> None:
    number = up(sample, small, "keep")
    assert one_back(sample, number) == {"before": "keep", "schema": "as before"}


def test_what_somebody_accepted_is_no_difference_afterwards(sample: Target, small: Plan) -> None:
    number = up(sample, small, "column")
    ask(sample, INDEX)
    drive(sample, lambda here: journey.forward(here, number, until="fill", accepted=True))
    assert one_back(sample, number) == {"before": "fill", "schema": "as after column"}


def test_done_again_it_is_compared_with_how_it_stands_now(sample: Target, small: Plan) -> None:
    """What is locked just then is not known; what was kept of the first time says nothing of the second."""
    number = up(sample, small, "column")
    one_back(sample, number)
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    with session_of(sample) as session:
        session.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        drive(sample, lambda here: journey.forward(here, number, until="column", accepted=True))
    drive(sample, lambda here: journey.forward(here, number, until="fill"))
    assert one_back(sample, number) == {"before": "fill", "schema": "not known"}


def test_a_session_that_ends_while_it_is_kept_ends_the_run(sample: Target) -> None:
    """FM-A5: on a connection of its own accord it would go on without the target's lock."""
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    number = begun(sample, making("CREATE TABLE made (a int)"))
    with ended_while_it_waits(sample, lambda here: journey.forward(here, number)):
        pass
    assert states(sample, number) == {"make": "done", "last": "waiting"}


def test_cut_off_after_the_last_undo_it_is_compared_all_the_same(sample: Target, small: Plan) -> None:
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    number = up(sample, small, "index")
    ask(sample, INDEX)
    with ended_while_it_waits(sample, lambda here: journey.back(here, number, one=True)):
        assert state(sample, number) == "rolling back"
    with pytest.raises(NotAsBefore, match=r"not as after fill: new: index public\.theirs"):
        drive(sample, lambda here: journey.resume(here, number))


def test_where_an_object_stays_locked_nothing_is_said_and_the_rollback_ends(
    sample: Target, small: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "LADDER", ((0.1, 0.1), (0.1, 0.0)))
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    number = up(sample, small, "index")
    with session_of(sample) as session:
        session.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        assert one_back(sample, number) == {"before": "index", "schema": "not known"}
    assert state(sample, number) == "paused"


def test_what_a_person_undoes_is_not_compared_before_they_have(sample: Target) -> None:
    manual = 'id = "by-hand"\nkind = "manual"\ninstructions = "make x"\nundo = "drop x"\n'
    number = begun(sample, tiny(NEXT.join([manual, LAST])))
    drive(sample, lambda here: journey.forward(here, number))
    ask(sample, "CREATE TABLE x (a int)")
    drive(sample, lambda here: journey.forward(here, number, "one", said=True, accepted=True))
    assert one_back(sample, number) == {"before": "by-hand", "schema": "not known"}


def test_whose_login_a_schema_is_named_after_sees_what_others_see(sample: Target) -> None:
    staffed(sample)
    ask(sample, "CREATE SCHEMA oncall1; CREATE TABLE oncall1.t (a int PRIMARY KEY, b int REFERENCES oncall1.t)")
    ask(sample, "GRANT ALL ON SCHEMA oncall1, public TO oncall1; GRANT ALL ON oncall1.t TO oncall1")
    engineer = as_login(sample, "oncall1")
    steps = [LAST.replace(" last (", f" public.{name} (").replace("TABLE last", f"TABLE public.{name}")
             .replace('"last"', f'"{name}"') for name in ("one", "two")]  # fmt: skip
    number = begun(engineer, tiny(NEXT.join(steps)))
    drive(engineer, lambda here: journey.forward(here, number))
    assert one_back(sample, number) == {"before": "two", "schema": "as after one"}
    assert one_back(sample, number) == {"before": "one", "schema": "as before"}


def test_after_a_step_that_was_mended_by_hand_it_is_known(sample: Target) -> None:
    number = failed(sample, making())
    ask(sample, "CREATE TABLE made (a int)")
    resolved(sample, number, "make", "done")
    drive(sample, lambda here: journey.forward(here, number))
    assert one_back(sample, number) == {"before": "last", "schema": "as after make"}


def test_measured_again_it_is_compared_with_the_last(sample: Target, small: Plan) -> None:
    number = up(sample, small, "kept")
    ask(sample, INDEX)
    drive(sample, lambda here: journey.measure_again(here, number, "kept"))
    drive(sample, lambda here: journey.forward(here, number, until="column"))
    assert back(sample, number, "column")["schema"] == "as at kept"


def test_what_is_locked_at_the_checkpoint_is_not_waited_for(sample: Target, small: Plan) -> None:
    """Nor is what stood there before compared with."""
    number = up(sample, small, "kept")
    ask(sample, "CREATE VIEW busy AS SELECT 1 AS one")
    with session_of(sample) as session:
        session.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        drive(sample, lambda here: journey.measure_again(here, number, "kept"))
    drive(sample, lambda here: journey.forward(here, number, until="column"))
    assert back(sample, number, "column") == {"before": "column", "schema": "not known"}
