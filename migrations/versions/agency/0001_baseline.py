"""The client platform as it is before any plan (A-01, A-02, A-03).

Roles belong to the whole cluster and may serve other databases: they are made where they are
missing and never dropped. What this revision makes in the schema auth carries the comment
OURS, and only what carries it is dropped again: a real Supabase keeps its own.
"""

from alembic import op

revision = "agency_0001"
down_revision: str | None = None
branch_labels = None
depends_on = None

OURS = "made by agency_0001"

# Two databases of one cluster may be prepared at once, hence duplicate_object and unique_violation.
ROLES = """
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
            IF wanted = 'service_role' THEN
                ALTER ROLE service_role BYPASSRLS;
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                -- Only a superuser hands out BYPASSRLS on older servers; the policies TO
                -- service_role serve just as well.
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        END;
    END LOOP;
END $$
"""

# Checkpoints try policies with SET ROLE; a login that is no superuser must be a member for that.
MEMBERSHIP = """
DO $$
BEGIN
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        GRANT anon, authenticated, service_role TO CURRENT_USER;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'no right to join anon, authenticated and service_role';
END $$
"""

# An empty setting is what a finished transaction leaves behind: it means nobody (F36).
AUTH = f"""
DO $do$
BEGIN
    IF to_regnamespace('auth') IS NULL THEN
        CREATE SCHEMA auth;
        COMMENT ON SCHEMA auth IS '{OURS}';
        GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role;
    END IF;
    IF to_regclass('auth.users') IS NULL THEN
        CREATE TABLE auth.users (
            id uuid PRIMARY KEY,
            email varchar(255),
            raw_app_meta_data jsonb,
            raw_user_meta_data jsonb,
            last_sign_in_at timestamptz,
            created_at timestamptz DEFAULT now(),
            updated_at timestamptz DEFAULT now()
        );
        COMMENT ON TABLE auth.users IS '{OURS}';
    END IF;
    IF to_regprocedure('auth.jwt()') IS NULL THEN
        CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE
        RETURN nullif(current_setting('request.jwt.claims', true), '')::jsonb;
        COMMENT ON FUNCTION auth.jwt() IS '{OURS}';
        REVOKE ALL ON FUNCTION auth.jwt() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION auth.jwt() TO anon, authenticated, service_role;
    END IF;
    IF to_regprocedure('auth.uid()') IS NULL THEN
        CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
        RETURN nullif(auth.jwt() ->> 'sub', '')::uuid;
        COMMENT ON FUNCTION auth.uid() IS '{OURS}';
        REVOKE ALL ON FUNCTION auth.uid() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION auth.uid() TO anon, authenticated, service_role;
    END IF;
END $do$
"""

CLIENTS = """
CREATE TABLE public.clients (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT clients_pkey PRIMARY KEY,
    email varchar(255) NOT NULL CONSTRAINT clients_email_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    role varchar(50) DEFAULT 'viewer',
    last_login_at timestamptz,
    last_logout_at timestamptz,
    metadata jsonb DEFAULT '{}',
    preferences jsonb DEFAULT '{}'
)
"""

# The references are broken on purpose: no foreign key, no index, and orphans to be found.
DEPENDENTS = (
    """
    CREATE TABLE public.tenant_apps (
        id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT tenant_apps_pkey PRIMARY KEY,
        client_id uuid,
        name text,
        domain varchar(255),
        status varchar(50) DEFAULT 'active',
        settings jsonb DEFAULT '{}',
        created_at timestamptz DEFAULT now(),
        updated_at timestamptz DEFAULT now()
    )
    """,
    """
    CREATE TABLE public.client_customizations (
        id uuid NOT NULL DEFAULT gen_random_uuid()
            CONSTRAINT client_customizations_pkey PRIMARY KEY,
        client_id uuid,
        template_id varchar(255),
        customization jsonb DEFAULT '{}',
        notes text,
        created_at timestamptz DEFAULT now(),
        updated_at timestamptz DEFAULT now()
    )
    """,
    """
    CREATE TABLE public.client_deployments (
        id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT client_deployments_pkey PRIMARY KEY,
        client_id uuid,
        environment varchar(50) DEFAULT 'production',
        url text,
        status varchar(50) DEFAULT 'pending',
        configuration jsonb DEFAULT '{}',
        deployed_at timestamptz,
        created_at timestamptz DEFAULT now(),
        updated_at timestamptz DEFAULT now()
    )
    """,
    """
    CREATE TABLE public.client_analytics (
        id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT client_analytics_pkey PRIMARY KEY,
        client_id uuid,
        metric varchar(100),
        amount numeric(15, 2),
        details jsonb DEFAULT '{}',
        recorded_at timestamptz DEFAULT now()
    )
    """,
    """
    CREATE TABLE public.deployment_tracking_events (
        id uuid NOT NULL DEFAULT gen_random_uuid()
            CONSTRAINT deployment_tracking_events_pkey PRIMARY KEY,
        deployment_id uuid,
        client_id uuid,
        event_type varchar(100),
        message text,
        details jsonb DEFAULT '{}',
        created_at timestamptz DEFAULT now()
    )
    """,
)

# Supabase grants the lot and lets row-level security decide, which five tables do not have yet.
RIGHTS = (
    "ALTER TABLE public.clients ENABLE ROW LEVEL SECURITY",
    """
    CREATE POLICY clients_view_own ON public.clients
    FOR SELECT TO authenticated USING (auth.uid() = id)
    """,
    """
    CREATE POLICY clients_update_own ON public.clients
    FOR UPDATE TO authenticated USING (auth.uid() = id)
    """,
    """
    CREATE POLICY clients_service_role ON public.clients
    FOR ALL TO service_role USING (true) WITH CHECK (true)
    """,
    """
    GRANT SELECT, INSERT, UPDATE, DELETE ON public.clients, public.tenant_apps,
        public.client_customizations, public.client_deployments, public.client_analytics,
        public.deployment_tracking_events
    TO anon, authenticated, service_role
    """,
)

TABLES = """
DROP TABLE public.deployment_tracking_events, public.client_analytics, public.client_deployments,
    public.client_customizations, public.tenant_apps, public.clients
"""

# The order matters: auth.uid() calls auth.jwt(), and the schema goes only when it is ours.
AUTH_AWAY = f"""
DO $$
BEGIN
    IF obj_description(to_regprocedure('auth.uid()'), 'pg_proc') = '{OURS}' THEN
        DROP FUNCTION auth.uid();
    END IF;
    IF obj_description(to_regprocedure('auth.jwt()'), 'pg_proc') = '{OURS}' THEN
        DROP FUNCTION auth.jwt();
    END IF;
    IF obj_description(to_regclass('auth.users'), 'pg_class') = '{OURS}' THEN
        DROP TABLE auth.users;
    END IF;
    IF obj_description(to_regnamespace('auth'), 'pg_namespace') = '{OURS}' THEN
        DROP SCHEMA auth;
    END IF;
END $$
"""


def upgrade() -> None:
    for statement in (ROLES, MEMBERSHIP, AUTH, CLIENTS, *DEPENDENTS, *RIGHTS):
        op.execute(statement)


def downgrade() -> None:
    op.execute(TABLES)
    op.execute(AUTH_AWAY)
