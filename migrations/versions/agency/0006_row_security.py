"""Row-level security on every table of the plan, forced (A-15).

Who is asking comes from the token (request.jwt.claims), which any login can set for itself: so the
policies that trust it are TO authenticated alone, a role that only the platform's own gateway takes
on. An operator's login is in none of them and sees nothing. The role is read from app_metadata,
which users cannot write.
"""

from collections.abc import Iterator

from alembic import op

revision = "agency_0006"
down_revision: str | None = "agency_0005"
branch_labels = None
depends_on = None

# In a sub-select, so that the token is read once a statement and not once a row.
UID = "(SELECT auth.uid())"
ROLE = "((SELECT auth.jwt()) -> 'app_metadata' ->> 'role')"
ADMIN = f"{ROLE} IN ('owner', 'admin')"
PERMITTED = f"{ROLE} IN ('owner', 'admin', 'member', 'manager')"

# Built from constants alone: nothing from outside comes near these strings (S608).
MINE = f"e.created_by = {UID} OR e.assigned_manager = {UID}"
MANAGED = f"SELECT e.id FROM public.clients_enhanced e WHERE {MINE}"  # noqa: S608
SEEN = f"SELECT e.id FROM public.clients_enhanced e WHERE e.id = {UID} OR {MINE}"  # noqa: S608

DEPENDENTS = (
    "tenant_apps",
    "client_customizations",
    "client_deployments",
    "client_analytics",
    "deployment_tracking_events",
    "system_configurations",
    "client_billing_info",
)
TABLES = ("clients", "clients_enhanced", *DEPENDENTS)

FORMER = (
    """
    CREATE TABLE unification.former_row_security (
        name text NOT NULL CONSTRAINT former_row_security_pkey PRIMARY KEY,
        enabled boolean NOT NULL,
        forced boolean NOT NULL
    )
    """,
    f"""
    INSERT INTO unification.former_row_security (name, enabled, forced)
    SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_catalog.pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname IN {TABLES}
    """,  # noqa: S608
    "DROP POLICY clients_view_own ON public.clients",
    "DROP POLICY clients_update_own ON public.clients",
    "DROP POLICY clients_service_role ON public.clients",
)

# The way back, for the downgrade and for rollback_schema_unification() alike.
RESTORE = """
CREATE FUNCTION unification.restore_row_security() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    former unification.former_row_security;
    policy name;
    dropped bigint := 0;
BEGIN
    FOR former IN SELECT * FROM unification.former_row_security LOOP
        FOR policy IN
            SELECT polname FROM pg_policy WHERE polrelid = to_regclass(format('public.%I', former.name))
            AND polname ~ '^unified_(read|add|change|remove|service|migrator)$'
        LOOP
            EXECUTE format('DROP POLICY %I ON public.%I', policy, former.name);
            dropped := dropped + 1;
        END LOOP;
        EXECUTE format('ALTER TABLE public.%I %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY',
            former.name, CASE WHEN former.enabled THEN 'ENABLE' ELSE 'DISABLE' END,
            CASE WHEN former.forced THEN 'FORCE' ELSE 'NO FORCE' END);
    END LOOP;
    CREATE POLICY clients_view_own ON public.clients
        FOR SELECT TO authenticated USING (auth.uid() = id);
    CREATE POLICY clients_update_own ON public.clients
        FOR UPDATE TO authenticated USING (auth.uid() = id);
    CREATE POLICY clients_service_role ON public.clients
        FOR ALL TO service_role USING (true) WITH CHECK (true);
    RETURN dropped;
END $$
"""

DOWN = (
    "SELECT unification.restore_row_security()",
    "DROP FUNCTION unification.restore_row_security()",
    "DROP TABLE unification.former_row_security",
    """
    REVOKE ALL ON public.clients_enhanced, public.system_configurations, public.client_billing_info
    FROM authenticated, service_role
    """,
)


def secured(table: str, *, read: str, add: str, change: str) -> Iterator[str]:
    """The policies of one table. The migrator's is for a login that may not bypass them (F67)."""
    name = f"public.{table}"
    yield f"CREATE POLICY unified_read ON {name} FOR SELECT TO authenticated USING ({read})"
    yield f"CREATE POLICY unified_add ON {name} FOR INSERT TO authenticated WITH CHECK ({add})"
    yield f"CREATE POLICY unified_change ON {name} FOR UPDATE TO authenticated USING ({change})"
    # without one, DELETE through the view deletes nothing and says nothing (F70)
    yield f"CREATE POLICY unified_remove ON {name} FOR DELETE TO authenticated USING ({ADMIN})"
    for policy, role in (("service", "service_role"), ("migrator", "CURRENT_USER")):
        yield f"CREATE POLICY unified_{policy} ON {name} TO {role} USING (true) WITH CHECK (true)"
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"


def login_records() -> Iterator[str]:
    """A client keeps the old right to their own record. Staff who make one get it back by RETURNING:
    its business record, which says whose it is, is not visible to that same statement yet, and no
    other row can bear the moment at which the transaction began.
    """
    made_now = f"({PERMITTED}) AND created_at = now()"
    return secured(
        "clients",
        read=f"id = {UID} OR {ADMIN} OR id IN ({MANAGED}) OR {made_now}",
        add=PERMITTED,
        change=f"id = {UID} OR {ADMIN} OR id IN ({MANAGED})",
    )


def business_records() -> Iterator[str]:
    return secured(
        "clients_enhanced",
        read=f"id = {UID} OR created_by = {UID} OR assigned_manager = {UID} OR {ADMIN}",
        add=f"{PERMITTED} AND (created_by = {UID} OR {ADMIN})",
        change=f"created_by = {UID} OR assigned_manager = {UID} OR {ADMIN}",
    )


def upgrade() -> None:
    for statement in (*FORMER, RESTORE, *login_records(), *business_records()):
        op.execute(statement)
    for table in DEPENDENTS:
        whose = f"{ADMIN} OR client_id IN ({MANAGED})"
        read = f"{ADMIN} OR client_id IN ({SEEN})"
        for statement in secured(table, read=read, add=f"{PERMITTED} AND ({whose})", change=whose):
            op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION unification.restore_row_security() FROM PUBLIC")
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON public.clients_enhanced, public.system_configurations,"
        " public.client_billing_info TO authenticated, service_role"
    )


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
