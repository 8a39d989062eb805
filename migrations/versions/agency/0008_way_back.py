"""rollback_schema_unification(): the emergency way back, where there is psql and nothing else (A-18).

One transaction. It calls the very functions that the plan's own undo calls, drops what the plan
made, and says in the journal, if there is one, that the run was rolled back by hand. What the old
tables have no room for goes to handrail.set_aside; without handrail, to public.unification_set_aside.
"""

from alembic import op

revision = "agency_0008"
down_revision: str | None = "agency_0007"
branch_labels = None
depends_on = None

# Appended to what was there, so that taking it off gives back the old comment or none.
MARK_CLIENTS = """
CREATE FUNCTION unification.mark_clients(marked boolean) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    mark text := ' | Login records. The business record of a client is in clients_enhanced.';
    here text := coalesce(obj_description('public.clients'::regclass, 'pg_class'), '');
BEGIN
    here := replace(here, mark, '') || CASE WHEN marked THEN mark ELSE '' END;
    EXECUTE format('COMMENT ON TABLE public.clients IS %L', nullif(here, ''));
END $$
"""

SET_ASIDE = """
CREATE FUNCTION unification.set_aside(source text, kept jsonb) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regclass('handrail.set_aside') IS NOT NULL THEN
        EXECUTE 'INSERT INTO handrail.set_aside (run_id, step, source, row)
                 SELECT run_id, ''emergency'', $1, $2 FROM unification.origin' USING source, kept;
        RETURN true;
    END IF;
    IF to_regclass('public.unification_set_aside') IS NULL THEN
        CREATE TABLE public.unification_set_aside (source text NOT NULL, kept jsonb NOT NULL);
        REVOKE ALL ON public.unification_set_aside FROM PUBLIC, anon, authenticated, service_role;
        ALTER TABLE public.unification_set_aside ENABLE ROW LEVEL SECURITY;
    END IF;
    INSERT INTO public.unification_set_aside VALUES (source, kept);
    RETURN true;
END $$
"""

TELL_JOURNAL = """
CREATE FUNCTION unification.tell_journal() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        EXECUTE $q$ UPDATE public.alembic_version SET version_num = 'agency_0001'
                    WHERE version_num LIKE 'agency\\_%' $q$;
    END IF;
    IF to_regclass('handrail.run') IS NOT NULL THEN
        EXECUTE $q$ UPDATE handrail.step_run SET state = 'undone', pid = NULL, ended_at = clock_timestamp()
                    WHERE run_id IN (SELECT run_id FROM unification.origin) AND state <> 'waiting' $q$;
        EXECUTE $q$ UPDATE handrail.run SET state = 'rolled back', ended_at = clock_timestamp()
                    WHERE id IN (SELECT run_id FROM unification.origin) $q$;
        EXECUTE $q$ INSERT INTO handrail.event (run_id, kind, detail)
                    SELECT run_id, 'run rolled back', '{"by": "rollback_schema_unification()"}'
                    FROM unification.origin $q$;
    END IF;
END $$
"""

DROP_OBJECTS = """
CREATE FUNCTION unification.drop_objects() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    command text;
    dropped bigint := 0;
BEGIN
    FOR command IN
        SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
        FROM pg_constraint WHERE contype = 'f' AND conrelid IN (
            'public.tenant_apps'::regclass, 'public.client_customizations'::regclass,
            'public.client_deployments'::regclass, 'public.client_analytics'::regclass,
            'public.deployment_tracking_events'::regclass)
        AND conname ~ '_(client|deployment)_id_fkey$'
        UNION ALL
        SELECT format('DROP INDEX public.%I', relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'i' AND relname IN (
            'tenant_apps_client_id_idx', 'client_customizations_client_id_idx',
            'client_deployments_client_id_idx', 'client_analytics_client_id_idx',
            'deployment_tracking_events_client_id_idx', 'deployment_tracking_events_deployment_id_idx')
        UNION ALL
        SELECT format('DROP TABLE IF EXISTS public.%I', t) FROM (
            SELECT unnest(ARRAY['client_billing_info', 'system_configurations', 'clients_enhanced'])
            UNION ALL SELECT backup FROM unification.origin) x (t)
    LOOP
        EXECUTE command;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$
"""

# The order is the plan's, backwards. Everything is locked first, so that nothing is written between
# the setting aside and the dropping; run it with a lock_timeout.
ROLLBACK = """
CREATE FUNCTION public.rollback_schema_unification() RETURNS TABLE (step text, rows bigint)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOCK TABLE public.clients, public.clients_enhanced, public.system_configurations,
        public.client_billing_info, public.tenant_apps, public.client_customizations,
        public.client_deployments, public.client_analytics, public.deployment_tracking_events
    IN ACCESS EXCLUSIVE MODE;
    step := 'carried back to clients';
    rows := unification.carry_back();
    RETURN NEXT;
    step := 'set aside: business values';
    SELECT count(unification.set_aside('clients_enhanced', kept)) INTO rows
    FROM unification.business_since_copy();
    RETURN NEXT;
    step := 'set aside: settings and billing';
    SELECT count(unification.set_aside(source, kept)) INTO rows FROM unification.supporting_since();
    RETURN NEXT;
    PERFORM unification.mark_clients(false);
    step := 'policies taken back';
    rows := unification.restore_row_security();
    RETURN NEXT;
    DROP VIEW IF EXISTS public.clients_unified;
    step := 'keys, indexes and tables dropped';
    rows := unification.drop_objects();
    RETURN NEXT;
    step := 'orphans put back';
    rows := unification.release_orphans();
    RETURN NEXT;
    DROP TABLE public.orphans_quarantine;
    PERFORM unification.tell_journal();
    DROP SCHEMA unification CASCADE;
    DROP FUNCTION public.comprehensive_schema_validation(), public.validate_schema_unification(),
        public.rollback_schema_unification();
END $$
"""

CLOSED = """
REVOKE ALL ON FUNCTION unification.mark_clients(boolean), unification.set_aside(text, jsonb),
    unification.tell_journal(), unification.drop_objects(), public.rollback_schema_unification()
FROM PUBLIC, anon, authenticated, service_role
"""

DOWN = """
DROP FUNCTION public.rollback_schema_unification(), unification.drop_objects(),
    unification.tell_journal(), unification.set_aside(text, jsonb), unification.mark_clients(boolean)
"""


def upgrade() -> None:
    for statement in (MARK_CLIENTS, SET_ASIDE, TELL_JOURNAL, DROP_OBJECTS, ROLLBACK, CLOSED):
        op.execute(statement)


def downgrade() -> None:
    op.execute(DOWN)
