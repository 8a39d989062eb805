"""What the keys of a plan file may hold, whatever table they stand in."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

PARTS = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")


class Strict(BaseModel):
    """An unknown key is an error, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def seconds(written: Any) -> Any:
    """1m30s -> 90.0; 500ms -> 0.5; 7d -> 604800.0"""
    found = PARTS.fullmatch(written) if isinstance(written, str) and written else None
    if not found:
        raise ValueError("write a time such as 5s, 1m30s, 2h or 7d")
    days, hours, minutes, whole, thousandths = (int(part or 0) for part in found.groups())
    return days * 86_400 + hours * 3600 + minutes * 60 + whole + thousandths / 1000


Estimate = Annotated[float, BeforeValidator(seconds)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w$]*(\.[A-Za-z_][\w$]*)?$", max_length=127)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=80)]
