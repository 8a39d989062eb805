"""manual: a person does it outside handrail and says so."""

from __future__ import annotations

from typing import ClassVar, Literal

from console.engine.steps.common import Found, Sources, Step
from console.engine.work import Work


class Manual(Step):
    waits_for_person: ClassVar[bool] = True

    kind: Literal["manual"]
    instructions: str
    undo: str

    def script(self, target: str, sources: Sources, *, back: bool = False) -> str:
        return self.undo if back else self.instructions

    def apply(self, work: Work) -> Found:
        return {"said": "done"}

    def take_back(self, work: Work) -> Found:
        return {"said": "taken back"}
