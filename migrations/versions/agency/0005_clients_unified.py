"""clients_unified for old queries, and the mirror's way back for new ones (A-14).

The view is plain, so that PostgreSQL itself writes through it: defaults, RETURNING, ON CONFLICT and
row locks work as on the table, which INSTEAD OF triggers would take away. What belongs to
clients_enhanced gets there by the mirror. From here on clients_enhanced may be written as well, so a
client who is made there gets a login record, with the old table's defaults, and is seen by the view.
"""

from alembic import op

revision = "agency_0005"
down_revision: str | None = "agency_0004"
branch_labels = None
depends_on = None

# security_invoker, or the view would read and write with its owner's rights (F33).
VIEW = """
CREATE VIEW public.clients_unified WITH (security_invoker = true) AS
SELECT id, email, created_at, updated_at, role, last_login_at, last_logout_at, metadata, preferences
FROM public.clients
"""

GRANTS = (
    "REVOKE ALL ON public.clients_unified FROM PUBLIC, anon, authenticated, service_role",
    """
    GRANT SELECT, INSERT, UPDATE, DELETE ON public.clients_unified TO authenticated, service_role
    """,
)

# Each direction ends the other: what has arrived already is not sent again, and nothing sends nothing.
ADD_LOGIN = """
CREATE FUNCTION unification.add_login() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM added) THEN RETURN NULL; END IF;
    INSERT INTO public.clients (id, email, created_at, updated_at)
    SELECT a.id, a.email, a.created_at, a.updated_at FROM added a
    WHERE NOT EXISTS (SELECT FROM public.clients c WHERE c.id = a.id)
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$
"""

CHANGE_LOGIN = """
CREATE FUNCTION unification.change_login() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.clients c SET
        id = NEW.id, email = NEW.email, created_at = NEW.created_at, updated_at = NEW.updated_at
    WHERE c.id = OLD.id
      AND (c.id, c.email, c.created_at, c.updated_at)
          IS DISTINCT FROM (NEW.id, NEW.email, NEW.created_at, NEW.updated_at);
    RETURN NULL;
END $$
"""

REMOVE_LOGIN = """
CREATE FUNCTION unification.remove_login() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN RETURN NULL; END IF;
    DELETE FROM public.clients c USING gone g WHERE c.id = g.id;
    RETURN NULL;
END $$
"""

TRIGGERS = (
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA unification FROM PUBLIC",
    """
    CREATE TRIGGER clients_enhanced_mirror_added AFTER INSERT ON public.clients_enhanced
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION unification.add_login()
    """,
    """
    CREATE TRIGGER clients_enhanced_mirror_changed
    AFTER UPDATE ON public.clients_enhanced FOR EACH ROW
    WHEN ((OLD.id, OLD.email, OLD.created_at, OLD.updated_at)
          IS DISTINCT FROM (NEW.id, NEW.email, NEW.created_at, NEW.updated_at))
    EXECUTE FUNCTION unification.change_login()
    """,
    """
    CREATE TRIGGER clients_enhanced_mirror_gone AFTER DELETE ON public.clients_enhanced
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION unification.remove_login()
    """,
)

DOWN = (
    "DROP TRIGGER clients_enhanced_mirror_gone ON public.clients_enhanced",
    "DROP TRIGGER clients_enhanced_mirror_changed ON public.clients_enhanced",
    "DROP TRIGGER clients_enhanced_mirror_added ON public.clients_enhanced",
    "DROP FUNCTION unification.remove_login()",
    "DROP FUNCTION unification.change_login()",
    "DROP FUNCTION unification.add_login()",
    "DROP VIEW public.clients_unified",
)


def upgrade() -> None:
    for statement in (VIEW, *GRANTS, ADD_LOGIN, CHANGE_LOGIN, REMOVE_LOGIN, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
