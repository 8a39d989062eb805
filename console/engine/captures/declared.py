"""A capture as a plan declares it."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from console.engine.steps.common import Id, Name, Strict, Title

NAMED = re.compile(r"\br\.(?:\"([^\"]+)\"|(\w+))")

Rule = Literal["carried back", "set aside"]


class Capture(Strict):
    """`columns` maps a column of the table as it is after the undo to an expression over the row `r` as it is before.

    `key` names the columns that tell a row from every other: the primary key where it is not said. `into` is the table
    that has the rows after step `since` is undone, where that is another one.
    """

    id: Id
    title: Title
    table: Name
    since: Id
    rule: Rule
    key: list[Name] = Field(default_factory=list)
    into: Name | None = None
    columns: dict[Name, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_rule(self) -> Capture:
        if self.rule == "set aside" and (self.into or self.columns):
            raise ValueError("what is set aside has no into and no columns")
        return self

    def reads(self, column: str) -> list[str]:
        """The columns of `r` that the expression for `column` names."""
        return sorted({quoted or plain for quoted, plain in NAMED.findall(self.columns[column])})
