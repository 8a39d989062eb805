"""system_configurations and client_billing_info (A-13, shaped as A-21 and A-26 say).

Empty, and closed to the application until row-level security stands.
"""

from alembic import op

revision = "agency_0004"
down_revision: str | None = "agency_0003"
branch_labels = None
depends_on = None

# The key alone must not be unique: the same key has a global value, one for a client and one for a
# template. A missing client, template or environment counts as equal to another missing one.
CONFIGURATIONS = """
CREATE TABLE public.system_configurations (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT system_configurations_pkey PRIMARY KEY,
    configuration_key varchar(255) NOT NULL,
    configuration_category varchar(100) NOT NULL DEFAULT 'global',
    configuration_value jsonb NOT NULL,
    configuration_schema jsonb,
    client_id uuid,
    template_id varchar(255),
    environment varchar(50),
    is_encrypted boolean NOT NULL DEFAULT false,
    version integer NOT NULL DEFAULT 1,
    created_by uuid DEFAULT auth.uid(),
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT system_configurations_key_scope_key UNIQUE NULLS NOT DISTINCT
        (configuration_key, client_id, template_id, environment),
    CONSTRAINT system_configurations_category_check CHECK (
        configuration_category IN ('global', 'client', 'template', 'deployment')),
    CONSTRAINT system_configurations_client_id_fkey FOREIGN KEY (client_id)
        REFERENCES public.clients_enhanced (id) ON DELETE CASCADE
)
"""

# Money is not deleted in passing: a client with billing stays until the billing is settled.
BILLING = """
CREATE TABLE public.client_billing_info (
    id uuid NOT NULL DEFAULT gen_random_uuid() CONSTRAINT client_billing_info_pkey PRIMARY KEY,
    client_id uuid NOT NULL CONSTRAINT client_billing_info_client_id_key UNIQUE,
    subscription_tier varchar(50) NOT NULL DEFAULT 'standard',
    subscription_status varchar(50) NOT NULL DEFAULT 'active',
    payment_method_id varchar(255),
    billing_frequency varchar(50) NOT NULL DEFAULT 'monthly',
    usage_limits jsonb,
    current_usage jsonb,
    next_invoice_date timestamptz,
    account_balance numeric(10, 2) NOT NULL DEFAULT 0,
    dunning_state varchar(50) NOT NULL DEFAULT 'none',
    created_by uuid DEFAULT auth.uid(),
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT client_billing_info_client_id_fkey FOREIGN KEY (client_id)
        REFERENCES public.clients_enhanced (id)
)
"""

CLOSED = """
REVOKE ALL ON public.system_configurations, public.client_billing_info
FROM PUBLIC, anon, authenticated, service_role
"""

# All but the row that the plan itself writes, as long as nobody touched it.
SUPPORTING_SINCE = """
CREATE FUNCTION unification.supporting_since() RETURNS TABLE (source text, kept jsonb)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'system_configurations', to_jsonb(s) FROM public.system_configurations s
    WHERE NOT (s.configuration_key = 'clients.unification' AND s.version = 1
               AND s.updated_at = s.created_at)
    UNION ALL
    SELECT 'client_billing_info', to_jsonb(b) FROM public.client_billing_info b
$$
"""

REFUSE_LOSS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM unification.supporting_since()) THEN
        RAISE EXCEPTION 'system_configurations or client_billing_info still holds rows'
            USING HINT = 'See unification.supporting_since(); set them aside, then go on.';
    END IF;
END $$
"""


def upgrade() -> None:
    for statement in (CONFIGURATIONS, BILLING, CLOSED, SUPPORTING_SINCE):
        op.execute(statement)
    op.execute("REVOKE ALL ON FUNCTION unification.supporting_since() FROM PUBLIC")


def downgrade() -> None:
    op.execute(REFUSE_LOSS)
    op.execute("DROP FUNCTION unification.supporting_since()")
    op.execute("DROP TABLE public.client_billing_info, public.system_configurations")
