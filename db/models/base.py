"""What the classes share: the schema, and how Python's types are PostgreSQL's."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import BigInteger, MetaData, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import DeclarativeBase

SCHEMA = "handrail"
TEXTS = ARRAY(Text)


class Model(DeclarativeBase):
    metadata = MetaData(schema=SCHEMA)
    type_annotation_map = {
        datetime.datetime: TIMESTAMP(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        int: BigInteger,
    }
