-- Dependents whose client or deployment does not exist are put aside, whole (A-17). `kept` is for
-- people; `exact` is what goes back: jsonb cannot tell a JSON null from a missing value.
CREATE TABLE public.orphans_quarantine (
    source text NOT NULL,
    source_id uuid NOT NULL,
    reason text NOT NULL,
    kept jsonb NOT NULL,
    exact text NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orphans_quarantine_pkey PRIMARY KEY (source, source_id)
);
REVOKE ALL ON public.orphans_quarantine FROM PUBLIC, anon, authenticated, service_role;
CREATE POLICY orphans_quarantine_migrator ON public.orphans_quarantine
    TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER TABLE public.orphans_quarantine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Deployments come before their events: an event of an orphaned deployment is an orphan too.
CREATE FUNCTION unification.quarantine_orphans() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' AS $$
DECLARE
    child text;
    reference text;
    parent text;
    met bigint;
    moved bigint := 0;
BEGIN
    FOR child, reference, parent IN VALUES
        ('tenant_apps', 'client_id', 'clients'),
        ('client_customizations', 'client_id', 'clients_enhanced'),
        ('client_analytics', 'client_id', 'clients_enhanced'),
        ('client_deployments', 'client_id', 'clients_enhanced'),
        ('deployment_tracking_events', 'client_id', 'clients_enhanced'),
        ('deployment_tracking_events', 'deployment_id', 'client_deployments')
    LOOP
        EXECUTE format(
            'WITH gone AS (
                DELETE FROM public.%1$I t WHERE t.%2$I IS NOT NULL
                AND NOT EXISTS (SELECT FROM public.%3$I p WHERE p.id = t.%2$I)
                RETURNING t AS row
            )
            INSERT INTO public.orphans_quarantine (source, source_id, reason, kept, exact)
            SELECT %1$L, (g.row).id, %4$L, to_jsonb(g.row), g.row::text FROM gone g',
            child, reference, parent, reference || ' names none of ' || parent);
        GET DIAGNOSTICS met = ROW_COUNT;
        moved := moved + met;
    END LOOP;
    RETURN moved;
END $$;

CREATE FUNCTION unification.release_orphans() RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET datestyle = 'ISO, YMD' SET timezone = 'UTC' AS $$
DECLARE
    child text;
    met bigint;
    released bigint := 0;
BEGIN
    FOR child IN SELECT DISTINCT source FROM public.orphans_quarantine LOOP
        EXECUTE format(
            'INSERT INTO public.%1$I SELECT (o.row).* FROM (
                SELECT q.exact::public.%1$I AS row FROM public.orphans_quarantine q
                WHERE q.source = %1$L OFFSET 0) o', child);
        GET DIAGNOSTICS met = ROW_COUNT;
        released := released + met;
    END LOOP;
    RETURN released;
END $$;

REVOKE ALL ON FUNCTION unification.quarantine_orphans(), unification.release_orphans() FROM PUBLIC;

SELECT unification.quarantine_orphans();
