"""A decision as a plan declares it. One with `within` is a consultation: it has a deadline, and others before it."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from console.engine.decisions.fields import AnyField
from console.engine.gates import Gate
from console.engine.steps.common import Id, Title


class Decision(Gate):
    """What is asked before step `before` (before the first step, where it is not said), and who signs the answers.

    `within` counts in seconds from the approval of the one that it `follows`, or from the beginning of the run. A
    reject sends the work back to `returns_to`; where that is not said, to itself.
    """

    id: Id
    title: Title
    about: str = ""
    inputs: list[str] = Field(default_factory=list)
    before: Id | None = None
    follows: Id | None = None
    returns_to: Id | None = None
    field: list[AnyField] = Field(default_factory=list)

    @model_validator(mode="after")
    def _asks(self) -> Decision:
        ids = [field.id for field in self.field]
        if len(set(ids)) < len(ids):
            raise ValueError("a field's id stands twice")
        return self

    def defaults(self) -> dict[str, Any]:
        return {field.id: field.default for field in self.field if field.default is not None}

    def problems(self, answers: dict[str, Any]) -> dict[str, str]:
        """What is wrong, by field; a field that is not there is named too."""
        known = {field.id: field for field in self.field}
        wrong = {key: "there is no such field" for key in answers if key not in known}
        for key, field in known.items():
            if key not in answers:
                wrong[key] = "it is not answered"
            elif said := field.problem(answers[key]):
                wrong[key] = said
        return wrong

    def parameters(self, answers: dict[str, Any]) -> dict[str, str]:
        """What {{id}} of each field stands for in the plan's SQL."""
        return {field.id: field.sql(answers[field.id]) for field in self.field if field.id in answers}
