"""clients_enhanced, and the mirror that keeps it in step with clients (A-12, A-30, FM-C6).

Login columns stay in clients, the business record is here, under the same id. The mirror is
installed with the table, before any row is copied: what is written to clients meanwhile arrives by
itself. No role of the application has a right to the new table yet; row-level security comes first.
"""

from alembic import op

revision = "agency_0003"
down_revision: str | None = "agency_0002"
branch_labels = None
depends_on = None

# A record that somebody made carries created_by, and its address must be well formed. A record
# that came from clients carries none and is excused, for two reasons: clients accepts any address,
# so the mirror would refuse sign-ups that worked until now; and a plain check, NOT VALID or not,
# would fail on the next update of any column of an old bad row (F13). Since every row satisfies it,
# it is valid from the start; the bad rows are counted by comprehensive_schema_validation().
ENHANCED = """
CREATE TABLE public.clients_enhanced (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT clients_enhanced_pkey PRIMARY KEY,
    name text NOT NULL,
    email varchar(255) NOT NULL,
    company_name text,
    industry varchar(100),
    website_url varchar(500),
    phone text,
    address jsonb,
    business_size varchar(50),
    annual_revenue numeric(15, 2),
    target_audience text,
    business_goals text[],
    technical_requirements jsonb,
    preferred_integrations text[],
    compliance_requirements text[],
    brand_guidelines jsonb,
    color_palette jsonb,
    typography_preferences jsonb,
    logo_assets jsonb,
    visual_identity jsonb,
    project_type varchar(100),
    project_scope text,
    budget_range varchar(50),
    timeline_requirements text,
    status varchar(50) NOT NULL DEFAULT 'active',
    tier varchar(50) NOT NULL DEFAULT 'standard',
    acquisition_source varchar(100),
    assigned_manager uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid DEFAULT auth.uid(),
    last_contact_date timestamptz,
    contract_start_date date,
    contract_end_date date,
    renewal_date date,
    CONSTRAINT clients_enhanced_email_format CHECK (
        created_by IS NULL OR email ~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$'),
    CONSTRAINT clients_enhanced_business_size_check CHECK (
        business_size IN ('solo', 'small', 'medium', 'large', 'enterprise')),
    CONSTRAINT clients_enhanced_budget_range_check CHECK (
        budget_range IN ('under_5k', '5k_15k', '15k_50k', '50k_100k', 'over_100k')),
    CONSTRAINT clients_enhanced_status_check CHECK (
        status IN ('lead', 'active', 'paused', 'completed', 'cancelled')),
    CONSTRAINT clients_enhanced_tier_check CHECK (
        tier IN ('basic', 'standard', 'premium', 'enterprise'))
)
"""

# Platforms grant every new table in public to the application by default.
CLOSED = "REVOKE ALL ON public.clients_enhanced FROM PUBLIC, anon, authenticated, service_role"

CLIENT_NAME = """
CREATE FUNCTION unification.client_name(metadata jsonb, email text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN metadata ->> 'name' ~ '[^[:space:]]' THEN metadata ->> 'name'
            ELSE coalesce(nullif(split_part(email, '@', 1), ''), email) END
"""

# Who signs up is nobody's creation; whoever makes a client of another is the creator. A statement
# trigger fires for no row as well: without the first line, two mirrors would call each other for ever.
ADD_BUSINESS = """
CREATE FUNCTION unification.add_business() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM added) THEN RETURN NULL; END IF;
    INSERT INTO public.clients_enhanced
        (id, name, email, company_name, phone, created_at, updated_at, created_by)
    SELECT a.id, unification.client_name(a.metadata, a.email), a.email, a.metadata ->> 'company',
           a.metadata ->> 'phone', a.created_at, a.updated_at, nullif(auth.uid(), a.id)
    FROM added a
    ON CONFLICT (id) DO NOTHING;
    RETURN NULL;
END $$
"""

# A name, company or phone that nobody edited here goes on following the login record; one that was
# edited stays. A row that is not copied yet is not met: the copy reads the new value (FM-C7).
CHANGE_BUSINESS = """
CREATE FUNCTION unification.change_business() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.clients_enhanced e SET
        id = NEW.id, email = NEW.email, created_at = NEW.created_at, updated_at = NEW.updated_at,
        name = CASE WHEN e.name = unification.client_name(OLD.metadata, OLD.email)
                    THEN unification.client_name(NEW.metadata, NEW.email) ELSE e.name END,
        company_name = CASE WHEN e.company_name IS NOT DISTINCT FROM OLD.metadata ->> 'company'
                            THEN NEW.metadata ->> 'company' ELSE e.company_name END,
        phone = CASE WHEN e.phone IS NOT DISTINCT FROM OLD.metadata ->> 'phone'
                     THEN NEW.metadata ->> 'phone' ELSE e.phone END
    WHERE e.id = OLD.id;
    RETURN NULL;
END $$
"""

REMOVE_BUSINESS = """
CREATE FUNCTION unification.remove_business() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN RETURN NULL; END IF;
    DELETE FROM public.clients_enhanced e USING gone g WHERE e.id = g.id;
    RETURN NULL;
END $$
"""

# Only a record that is newer carries back. While the mirror stands there is none; a value that
# differs under the same updated_at is damage, and must not spread to clients.
CARRY_BACK = """
CREATE FUNCTION unification.carry_back() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    met bigint;
    carried bigint := unification.restore_lost();
BEGIN
    INSERT INTO public.clients (id, email, created_at, updated_at)
    SELECT e.id, e.email, e.created_at, e.updated_at FROM public.clients_enhanced e
    WHERE NOT EXISTS (SELECT FROM public.clients c WHERE c.id = e.id)
      AND NOT EXISTS (SELECT FROM unification.departed d WHERE d.id = e.id)
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS met = ROW_COUNT;
    carried := carried + met;
    UPDATE public.clients c SET
        email = e.email, created_at = e.created_at, updated_at = e.updated_at
    FROM public.clients_enhanced e
    WHERE e.id = c.id AND e.updated_at > c.updated_at;
    GET DIAGNOSTICS met = ROW_COUNT;
    RETURN carried + met;
END $$
"""

# What the old table has no column for: values that the copy or the mirror would not have written.
# A record that could not be carried back is kept whole.
BUSINESS_SINCE = """
CREATE FUNCTION unification.business_since_copy() RETURNS TABLE (kept jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_jsonb(e)
    FROM public.clients_enhanced e LEFT JOIN public.clients c ON c.id = e.id
    WHERE c.id IS NULL
       OR e.name IS DISTINCT FROM unification.client_name(c.metadata, c.email)
       OR e.company_name IS DISTINCT FROM c.metadata ->> 'company'
       OR e.phone IS DISTINCT FROM c.metadata ->> 'phone'
       OR e.status <> 'active' OR e.tier <> 'standard'
       OR num_nonnulls(e.industry, e.website_url, e.address, e.business_size, e.annual_revenue,
            e.target_audience, e.business_goals, e.technical_requirements, e.preferred_integrations,
            e.compliance_requirements, e.brand_guidelines, e.color_palette, e.typography_preferences,
            e.logo_assets, e.visual_identity, e.project_type, e.project_scope, e.budget_range,
            e.timeline_requirements, e.acquisition_source, e.assigned_manager, e.created_by,
            e.last_contact_date, e.contract_start_date, e.contract_end_date, e.renewal_date) > 0
$$
"""

FUNCTIONS = (CLIENT_NAME, ADD_BUSINESS, CHANGE_BUSINESS, REMOVE_BUSINESS, CARRY_BACK, BUSINESS_SINCE)

TRIGGERS = (
    "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA unification FROM PUBLIC",
    """
    CREATE TRIGGER clients_mirror_added AFTER INSERT ON public.clients
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION unification.add_business()
    """,
    # A log-in writes last_login_at alone, thousands of times a day, and does not come this way.
    """
    CREATE TRIGGER clients_mirror_changed AFTER UPDATE ON public.clients FOR EACH ROW
    WHEN ((OLD.id, OLD.email, OLD.created_at, OLD.updated_at, OLD.metadata)
          IS DISTINCT FROM (NEW.id, NEW.email, NEW.created_at, NEW.updated_at, NEW.metadata))
    EXECUTE FUNCTION unification.change_business()
    """,
    """
    CREATE TRIGGER clients_mirror_gone AFTER DELETE ON public.clients
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION unification.remove_business()
    """,
    """
    CREATE TRIGGER clients_enhanced_refuse_truncate BEFORE TRUNCATE ON public.clients_enhanced
    FOR EACH STATEMENT EXECUTE FUNCTION unification.refuse_truncate()
    """,
)

# The undo of the copy has emptied the table; what is in it now came by the mirror and is in
# clients. Anything else would be lost without a word.
REFUSE_LOSS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM unification.business_since_copy()) THEN
        RAISE EXCEPTION 'clients_enhanced holds values that clients has no column for'
            USING HINT = 'See unification.business_since_copy(); set them aside, then go on.';
    END IF;
END $$
"""

DOWN = (
    REFUSE_LOSS,
    "DROP TRIGGER clients_mirror_gone ON public.clients",
    "DROP TRIGGER clients_mirror_changed ON public.clients",
    "DROP TRIGGER clients_mirror_added ON public.clients",
    "DROP FUNCTION unification.business_since_copy()",
    "DROP FUNCTION unification.carry_back()",
    "DROP FUNCTION unification.remove_business()",
    "DROP FUNCTION unification.change_business()",
    "DROP FUNCTION unification.add_business()",
    "DROP TABLE public.clients_enhanced",
    "DROP FUNCTION unification.client_name(jsonb, text)",
)


def upgrade() -> None:
    for statement in (ENHANCED, CLOSED, *FUNCTIONS, *TRIGGERS):
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
