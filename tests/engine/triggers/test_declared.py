"""A trigger in a plan file: what is wrong with it is said with its line, its key and what was meant."""

from __future__ import annotations

import pytest

from console.engine.errors import PlanError
from console.engine.preflight import commands
from tests.engine.triggers.armed import guarded

LAG = 'id = "lag"\nkind = "lag"\nat_most = 5\n'
PROBE = 'id = "p"\nkind = "probe"\nat_most = 5\n'


def test_what_is_not_said_is_as_documented() -> None:
    (lag,) = guarded(LAG).written.trigger
    assert lag.model_dump() == {
        "id": "lag", "kind": "lag", "at_most": 5.0, "do": "stop", "ask": True, "over": (3, 5), "every": 1.0,
        "cool_down": 30.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        (LAG + 'att_most = 4', "line 19: trigger.att_most: there is no such key.  Did you mean 'at_most'?"),
        (LAG.replace('kind = "lag"', 'kind = "leg"'),
         "line 15: trigger: there is no kind 'leg'.  Did you mean 'lag'?"),
        (LAG + 'over = "6 of 5"', 'line 19: trigger.over: write how many of the last samples, such as "3 of 5"'),
        (LAG + 'every = "1ms"', "line 19: trigger.every: input should be greater than or equal to 0.05"),
        (LAG + "ask = false", "line 15: ask: a trigger that only stops has nothing to ask."),
        (LAG + 'do = "explode"', "line 19: trigger.do: input should be 'stop' or 'roll back'"),
        (LAG + "\n[[trigger]]\n" + LAG, "line 21: the id 'lag' stands twice."),
        (LAG.replace('id = "lag"', 'id = "one"'), "line 16: the id 'one' stands twice."),
        ('id = "c"\nkind = "check"\nchecks = ["gone"]', "line 15: checks: there is no check 'gone'."),
        (PROBE, "line 15: a probe asks in one way: sql or command."),
        (PROBE + 'sql = "SELECT 1"\ncommand = ["x"]', "line 15: a probe asks in one way: sql or command."),
        (PROBE + 'sql = "DELETE FROM person"', "line 15: sql: this is one SELECT that changes nothing."),
        (PROBE + 'sql = "SELECT 1; SELECT 2"', "line 15: sql: this is one SELECT that changes nothing."),
        (PROBE + 'sql = "SELECT {{run_id}}"', "line 15: sql: a trigger's question has no parameters."),
        (PROBE + 'sql = "SELEC"', 'line 15: sql: line 1: syntax error at or near "SELEC"'),
        ('id = "l"\nkind = "login"\nas = "app"\nsql = "DROP TABLE person"', "line 15: sql: this is one SELECT"),
        ('id = "l"\nkind = "login"\n', "line 15: trigger.as: this key is missing"),
        ('id = "x"\nkind = "connections"\nat_most = 100', "line 18: trigger.at_most: input should be less than 100"),
        ('id = "x"\nkind = "restore"\nwithin = "soon"', "line 18: trigger.within: write a time such as 5s"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(trigger: str, said: str) -> None:
    with pytest.raises(PlanError) as caught:
        guarded(trigger)
    assert said in str(caught.value)


def test_preflight_names_a_command_of_a_trigger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANDRAIL_COMMANDS", raising=False)
    plan = guarded(PROBE + 'command = ["ask-queue", "--depth"]')
    (found,) = commands.of_commands(plan)
    assert (found.state, found.found) == (
        "wrong", "trigger p starts ask-queue --depth, and commands are not allowed on this machine"
    )  # fmt: skip
