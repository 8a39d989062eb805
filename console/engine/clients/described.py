"""What a client is on a target: a small TOML file that names tables and columns, and never SQL.

A field's value is a column, or a key of a jsonb column written column.key. Of several sources a later one speaks for a
client wherever it has the row.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from console.engine.errors import DescriptionWrong

FOLDER = Path(__file__).parents[3] / "migrations" / "clients"
NAME = r"[A-Za-z_][A-Za-z0-9_]{0,62}"

Named = Annotated[str, Field(pattern=f"^{NAME}$")]
Column = Annotated[str, Field(pattern=rf"^{NAME}(\.[A-Za-z0-9_-]{{1,60}})?$")]
Relation = Annotated[str, Field(pattern=rf"^{NAME}\.{NAME}$")]
Title = Annotated[str, Field(min_length=1, max_length=40)]
Kind = Literal["words", "email", "phone", "exact"]
Mask = Literal["email", "phone", "text"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SearchField(Strict):
    """`code` is one letter before each of the field's terms; `anywhere`: found by a word that names no field."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,20}$")]
    title: Title
    code: Annotated[str, Field(pattern=r"^[a-hj-z]$")]
    kind: Kind
    anywhere: bool = True
    masked: bool = False
    history: bool = False


class Part(Strict):
    """A table whose rows say something of a client; `shows` are its columns in order, `masks` some of them."""

    title: Title
    table: Relation
    key: Named
    shows: tuple[Named, ...]
    masks: dict[Named, Mask] = {}
    newest: Named | None = None


class Source(Strict):
    title: Title
    table: Relation
    id: Named
    changed: Named | None = None
    fields: dict[str, Column]
    shows: tuple[Named, ...]
    masks: dict[Named, Mask] = {}

    @property
    def part(self) -> Part:
        return Part(title=self.title, table=self.table, key=self.id, shows=self.shows, masks=self.masks)

    @property
    def columns(self) -> list[Column]:
        """What the index reads: a change of anything else is none of its business."""
        return [*dict.fromkeys([*self.fields.values(), *([self.changed] if self.changed else [])])]


class Description(Strict):
    tenant: str
    source: tuple[Source, ...] = Field(min_length=1)
    field: tuple[SearchField, ...] = Field(min_length=1)
    part: tuple[Part, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Description:
        names = [one.name for one in self.field]
        codes = [one.code for one in self.field]
        if len(set(names)) < len(names) or len(set(codes)) < len(codes):
            raise ValueError("two fields share a name or a code")
        if "id" in names or "tenant" in names:
            raise ValueError("every client has an id and a tenant: no field is called so")
        if self.tenant not in names:
            raise ValueError(f"tenant names no field: {self.tenant}")
        for source in self.source:
            if unknown := set(source.fields) - set(names):
                raise ValueError(f"{source.table} has values for no field: {', '.join(sorted(unknown))}")
        return self

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def load(target: str, folder: Path = FOLDER) -> Description:
    """The description of a target; raises DescriptionWrong with the place of the first fault."""
    path = folder / f"{target}.toml"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", target) or not path.is_file():
        raise DescriptionWrong(
            f"No file says what a client of {target} is.", f"Write {path.name} beside: {', '.join(known(folder))}"
        )
    try:
        return Description.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise DescriptionWrong(f"{path.name}: {error}.", "Mend the line.") from None
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        said = str(fault["msg"]).removeprefix("Value error, ")
        raise DescriptionWrong(f"{path.name}: {where}: {said}.".replace(": :", ":"), "Mend it there.") from None


def known(folder: Path = FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.toml"))
