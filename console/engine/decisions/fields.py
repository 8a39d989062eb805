"""The fields of a decision's form: what may be answered, how it is read from a line of text, how it stands in SQL."""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from console.engine.steps.common import Strict, Title

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
LONGEST = 2000


class FormField(Strict, ABC):
    """`id` is the name of the parameter: {{id}} in the plan's SQL is the answer as a literal."""

    id: Key
    title: Title
    help: str = ""
    default: Any = None

    @abstractmethod
    def problem(self, value: Any) -> str:
        """What is wrong with an answer, in a clause; empty where nothing is."""

    @abstractmethod
    def read(self, written: str) -> Any:
        """An answer as a person types it. Raises ValueError, in words, where it cannot be read."""

    def shown(self, value: Any) -> str:
        """An answer as read() reads it."""
        return str(value)

    @property
    def wants(self) -> str:
        """What may be answered, for the line below the field."""
        return ""

    def sql(self, value: Any) -> str:
        """A literal of SQL; nothing of the answer is read as SQL."""
        return quoted(str(value))

    @model_validator(mode="after")
    def _sound(self) -> FormField:
        if self.default is not None and (wrong := self.problem(self.default)):
            raise ValueError(f"default: {wrong}")
        return self


class ChoiceField(FormField):
    kind: Literal["choice"]
    options: list[Title] = Field(min_length=2)

    def problem(self, value: Any) -> str:
        return "" if value in self.options else f"it is one of: {', '.join(self.options)}"

    def read(self, written: str) -> Any:
        """An option, or its number from 1."""
        if written.strip().isdecimal() and 1 <= int(written) <= len(self.options):
            return self.options[int(written) - 1]
        return written.strip()

    @property
    def wants(self) -> str:
        return "  ".join(f"{number} {option}" for number, option in enumerate(self.options, 1))


class NumberField(FormField):
    kind: Literal["number"]
    minimum: float | int | None = None
    maximum: float | int | None = None
    unit: str = ""

    def problem(self, value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return "it is a number"
        low, high = self.minimum, self.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            return f"it is {self.wants}"
        return ""

    def read(self, written: str) -> Any:
        try:
            number = float(written)
            return int(number) if number.is_integer() else number
        except (ValueError, OverflowError):
            raise ValueError("it is a number") from None

    @property
    def wants(self) -> str:
        bounds = [f"from {self.minimum}"] if self.minimum is not None else []
        bounds += [f"to {self.maximum}"] if self.maximum is not None else []
        return " ".join(["a number", *bounds, self.unit]).strip()

    def sql(self, value: Any) -> str:
        return f"({int(value) if isinstance(value, int) else float(value)!r})"


class TextField(FormField):
    kind: Literal["text"]
    pattern: str | None = None
    longest: int = Field(default=LONGEST, ge=1, le=LONGEST)
    may_be_empty: bool = False

    def problem(self, value: Any) -> str:
        if not isinstance(value, str) or not storable(value):
            return "it is a text"
        if not value.strip() and not self.may_be_empty:
            return "it may not be empty"
        if len(value) > self.longest:
            return f"it has over {self.longest} characters"
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            return f"it does not match {self.pattern}"
        return ""

    def read(self, written: str) -> Any:
        return written.strip()


class ListField(FormField):
    kind: Literal["list"]
    options: list[Title] = Field(default_factory=list)
    at_least: int = Field(default=0, ge=0)

    def problem(self, value: Any) -> str:
        if not isinstance(value, list) or not all(isinstance(one, str) and one and storable(one) for one in value):
            return "it is a list of words"
        if len(set(value)) < len(value):
            return "a word stands twice"
        if len(value) < self.at_least:
            return f"it has {self.at_least} words at least"
        strange = [one for one in value if self.options and one not in self.options]
        return f"{strange[0]} is none of: {', '.join(self.options)}" if strange else ""

    def read(self, written: str) -> Any:
        return [one.strip() for one in written.split(",") if one.strip()]

    def shown(self, value: Any) -> str:
        return ", ".join(value)

    @property
    def wants(self) -> str:
        return "separated by commas" + (f": {', '.join(self.options)}" if self.options else "")

    def sql(self, value: Any) -> str:
        return f"ARRAY[{', '.join(quoted(one) for one in value)}]::text[]"


class MappingField(FormField):
    """Each of `keys` is given one of `options`."""

    kind: Literal["mapping"]
    keys: list[Title] = Field(min_length=1)
    options: list[Title] = Field(min_length=1)

    def problem(self, value: Any) -> str:
        if not isinstance(value, dict):
            return f"it is {self.wants}"
        if left := [key for key in self.keys if key not in value]:
            return f"{left[0]} is not said"
        if strange := [key for key in value if key not in self.keys]:
            return f"{strange[0]} is none of: {', '.join(self.keys)}"
        wrong = [f"{key} = {one}" for key, one in value.items() if one not in self.options]
        return f"{wrong[0]}: it is one of: {', '.join(self.options)}" if wrong else ""

    def read(self, written: str) -> Any:
        pairs = [pair.partition("=") for pair in written.split(",") if pair.strip()]
        if any(not equals for _, equals, _ in pairs):
            raise ValueError(f"it is {self.wants}")
        return {key.strip(): value.strip() for key, _, value in pairs}

    def shown(self, value: Any) -> str:
        return ", ".join(f"{key} = {value[key]}" for key in self.keys if key in value)

    @property
    def wants(self) -> str:
        return f"{', '.join(f'{key} = ...' for key in self.keys)}; each one of: {', '.join(self.options)}"

    def sql(self, value: Any) -> str:
        return f"{quoted(json.dumps(value, ensure_ascii=False, sort_keys=True))}::jsonb"


AnyField = Annotated[ChoiceField | NumberField | TextField | ListField | MappingField, Field(discriminator="kind")]
KINDS = (ChoiceField, NumberField, TextField, ListField, MappingField)


def storable(value: str) -> bool:
    """Whether PostgreSQL takes it as text: no NUL, no half of a pair."""
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def quoted(value: str) -> str:
    """As PostgreSQL reads it under standard_conforming_strings, which the executor's session sets."""
    doubled = value.replace("'", "''")
    return f"'{doubled}'"
