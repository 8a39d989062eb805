"""From here on a client who leaves is written down, so that a row that is missing was lost (A-11).

Installed before the backup table is filled. The backup, less those who left, is what must still
be there: without this, a checkpoint could not tell a client's departure from a lost row.
The schema unification holds what the plan needs for itself; nobody but its owner may enter it.
"""

from alembic import op

revision = "agency_0002"
down_revision: str | None = "agency_0001"
branch_labels = None
depends_on = None

TABLES = (
    "CREATE SCHEMA unification",
    """
    CREATE TABLE unification.origin (
        run_id bigint NOT NULL CONSTRAINT origin_pkey PRIMARY KEY,
        backup text NOT NULL,
        begun_at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE unification.departed (
        id uuid NOT NULL CONSTRAINT departed_pkey PRIMARY KEY,
        departed_at timestamptz NOT NULL DEFAULT now()
    )
    """,
)

NOTE_DEPARTURE = """
CREATE FUNCTION unification.note_departure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO unification.departed (id) SELECT id FROM gone ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$
"""

# Row triggers do not see TRUNCATE (F70): what cannot be written down is refused.
REFUSE_TRUNCATE = """
CREATE FUNCTION unification.refuse_truncate() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % would be seen by no trigger while the tables are being unified',
        TG_TABLE_NAME USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Use DELETE.';
END $$
"""

# A row is lost when it is in the backup, not among the clients, and nobody saw it leave. A client
# who took a lost row's e-mail address makes this fail, and a person must look.
RESTORE_LOST = """
CREATE FUNCTION unification.restore_lost() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    backup text;
    met bigint;
    restored bigint := 0;
BEGIN
    FOR backup IN SELECT o.backup FROM unification.origin o LOOP
        EXECUTE format(
            'INSERT INTO public.clients SELECT b.* FROM public.%I b
             WHERE NOT EXISTS (SELECT FROM public.clients c WHERE c.id = b.id)
               AND NOT EXISTS (SELECT FROM unification.departed d WHERE d.id = b.id)', backup);
        GET DIAGNOSTICS met = ROW_COUNT;
        restored := restored + met;
    END LOOP;
    RETURN restored;
END $$
"""

TRIGGERS = (
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA unification FROM PUBLIC",
    """
    CREATE TRIGGER clients_note_departure AFTER DELETE ON public.clients
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION unification.note_departure()
    """,
    """
    CREATE TRIGGER clients_refuse_truncate BEFORE TRUNCATE ON public.clients
    FOR EACH STATEMENT EXECUTE FUNCTION unification.refuse_truncate()
    """,
)

DOWN = (
    "DROP TRIGGER clients_refuse_truncate ON public.clients",
    "DROP TRIGGER clients_note_departure ON public.clients",
    "DROP FUNCTION unification.restore_lost()",
    "DROP FUNCTION unification.refuse_truncate()",
    "DROP FUNCTION unification.note_departure()",
    "DROP TABLE unification.departed, unification.origin",
    "DROP SCHEMA unification",
)


def upgrade() -> None:
    for statement in (*TABLES, NOTE_DEPARTURE, REFUSE_TRUNCATE, RESTORE_LOST, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
