"""A plan before it is run: every step with its SQL, its estimate and its way back (UX-O1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Vertical, VerticalScroll
from textual.widgets import DataTable

from console.engine import journey, preflight
from console.engine.plan import Checkpoint, Item, Plan
from console.widgets.ledger import Ledger
from console.widgets.place import Place
from console.widgets.safe_text import QUIET, STRONG, Part
from console.widgets.scripts import ScriptPanel, script, way_back
from console.widgets.sight import label
from console.widgets.told import Told
from db import wording
from db.models import Run
from db.queries import runs


@dataclass(frozen=True)
class Script:
    forward: str
    back: str
    way_back: str


class PlanScreen(Place):
    EVERY = 2.0
    BINDINGS = [
        Binding("S", "start", "Start a run", tooltip="Opens a run of this plan; asks first, and changes nothing yet",
                id="plan.start"),
        Binding("s", "sql", "SQL", tooltip="The SQL of the step in full, and its way back", id="place.sql"),
    ]  # fmt: skip

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan
        self._scripts: Mapping[str, Script] = {}
        self._target: str | None = None
        self._open: Run | None = None

    def compose_body(self) -> ComposeResult:
        with Container(classes="beside"):
            with Vertical(classes="left"):
                if self._plan.written.about:
                    with VerticalScroll(id="about"):
                        yield Told(" ".join(self._plan.written.about.split()))
                yield Ledger("phase", "step", "kind", "estimate", "way back", stretch="step", yielding=("phase",),
                             id="steps")  # fmt: skip
            yield ScriptPanel(classes="script-panel")

    def on_mount(self) -> None:
        self.query_one("#steps").focus()
        self._show()

    async def look(self) -> None:
        self._target, self._open = await self.asking.ask(_here)
        if not self._scripts:
            self._scripts = await self.asking.think(_scripts, self._plan)
        self._show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "start" and not self._startable() else True

    @work(group="conversation", exclusive=True)
    async def action_start(self) -> None:
        plan = self._plan
        steps = sum(item.kind != "checkpoint" for item in plan.items)
        estimate = wording.lasting(sum(item.estimate or 0 for item in plan.items))
        with self.told():
            found = await self.asking.ask(preflight.looked_at, self.asking.target(), plan)
            effect = [
                f"Target {self._target}, {self.asking.label}.",
                f"{plan.title}: {wording.counted(steps, 'step')}, about {estimate} in all.",
                "The plan is frozen in the run and the schema's fingerprint taken. No step is begun yet.",
                *(f"armed: {trigger.declared}" for trigger in plan.written.trigger),
                *(f"! {words}" for words in preflight.told(found)),
            ]
            if await self.agreed(f"Start a run of {plan.id} on {self._target}?", "\n".join(effect), "start the run"):
                self.console.drive(journey.begin, plan, then="run")

    def action_sql(self) -> None:
        if (item := self._chosen()) and (found := self._scripts.get(item.id)):
            self.console.visit("sql", f"{self._plan.id} · {item.what.title}", found.forward, found.back)

    def on_data_table_row_selected(self) -> None:
        self.action_sql()

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        self._show_script()

    def _startable(self) -> bool:
        return self._target == self._plan.target and self._open is None and not self.console.driving

    def _standing(self) -> str:
        """Why no run can be started; empty where one can."""
        if self._target is None:
            return "the target is not prepared"
        if self._target != self._plan.target:
            return f"for target {self._plan.target}, not {self._target}"
        return f"run {self._open.id} is open here" if self._open else ""

    def _show(self) -> None:
        self.head(f"plan {self._plan.id} · {self._plan.title}", self._standing() if self._target else "", STRONG)
        told: dict[str, tuple[Part, ...]] = {}
        phase = ""
        for item in self._plan.items:
            found = self._scripts.get(item.id)
            told[item.id] = (
                (item.phase if item.phase != phase else "", QUIET),
                label(self._plan, item),
                _kind(item),
                "" if item.estimate is None else wording.lasting(item.estimate),
                found.way_back if found else "",
            )
            phase = item.phase
        self.query_one("#steps", Ledger).fill(told)
        self._show_script()

    def _show_script(self) -> None:
        if (item := self._chosen()) and (found := self._scripts.get(item.id)):
            self.query_one(ScriptPanel).show(found.forward, f"{item.what.title}: what is sent")

    def _chosen(self) -> Item | None:
        key = self.query_one("#steps", Ledger).chosen
        return self._plan.item(key) if key else None


def _kind(item: Item) -> str:
    if isinstance(item.what, Checkpoint):
        return wording.counted(len(item.what.check), "check")
    return item.kind


def _here(session: Any) -> tuple[str | None, Run | None]:
    return runs.target_name(session), runs.open_one(session)


def _scripts(plan: Plan) -> dict[str, Script]:
    """A checkpoint only asks, so it has no way back."""
    found = {}
    for item in plan.items:
        back = "" if isinstance(item.what, Checkpoint) else script(plan, item, back=True)
        found[item.id] = Script(script(plan, item), back, way_back(item, back))
    return found
