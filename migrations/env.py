"""Alembic's own command line, for looking: `alembic -x url=URL -x target=agency current`.

handrail itself runs revisions one by one inside its own transactions (db/revisions.py) and never comes here.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from db.revisions import version_place

arguments = context.get_x_argument(as_dictionary=True)
target = arguments.get("target", "agency")

if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, literal_binds=True, **version_place(target)
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    if "url" not in arguments:
        raise SystemExit("Say which database: alembic -x url=postgresql+psycopg://... -x target=agency ...")
    with create_engine(arguments["url"], poolclass=NullPool).connect() as connection:
        # the same short waits as in a step: DDL must not queue the application behind it (I-8)
        connection.exec_driver_sql("SET lock_timeout = '2s'")
        connection.commit()
        context.configure(connection=connection, **version_place(target))
        with context.begin_transaction():
            context.run_migrations()
