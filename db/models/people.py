"""People, their logins, and the sign-off roles that they hold. A row that was removed stays, with who and when."""

from __future__ import annotations

import datetime

from sqlalchemy import FetchedValue, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Model


class Person(Model):
    __tablename__ = "person"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]


class Operator(Model):
    """A login, and whose it is. One that is `shared` signs nothing."""

    __tablename__ = "operator"

    login: Mapped[str] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey(Person.id))
    shared: Mapped[bool] = mapped_column(server_default=FetchedValue())
    removed_by: Mapped[str | None] = mapped_column(server_default=FetchedValue())
    removed_at: Mapped[datetime.datetime | None] = mapped_column(server_default=FetchedValue())


class SignOffRole(Model):
    __tablename__ = "sign_off_role"

    person: Mapped[str] = mapped_column(ForeignKey(Person.id), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    removed_by: Mapped[str | None] = mapped_column(server_default=FetchedValue())
    removed_at: Mapped[datetime.datetime | None] = mapped_column(server_default=FetchedValue())
