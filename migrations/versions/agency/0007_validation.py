"""What can be asked from psql alone (A-18).

    SELECT * FROM comprehensive_schema_validation();
    SELECT * FROM validate_schema_unification();

The questions stand once, in unification.questions(); both functions ask them, the quick one only the
quick ones, and so does the checkpoint "functional". Each question is answered by a number of faults.
"""

from alembic import op

revision = "agency_0007"
down_revision: str | None = "agency_0006"
branch_labels = None
depends_on = None

QUESTIONS = """
CREATE FUNCTION unification.questions()
RETURNS TABLE (place integer, name text, quick boolean, faults text)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
VALUES
(1, 'clients_enhanced has its columns', true,
 $q$ SELECT 35 - count(*) FROM pg_attribute WHERE attrelid = to_regclass('public.clients_enhanced')
     AND attnum > 0 AND NOT attisdropped $q$),
(2, 'supporting tables exist', true,
 $q$ SELECT count(*) FROM unnest(ARRAY['system_configurations', 'client_billing_info']) t
     WHERE to_regclass('public.' || t) IS NULL $q$),
(3, 'every client has a business record', true,
 $q$ SELECT count(*) FROM public.clients c
     WHERE NOT EXISTS (SELECT FROM public.clients_enhanced e WHERE e.id = c.id) $q$),
(4, 'every business record has a client', true,
 $q$ SELECT count(*) FROM public.clients_enhanced e
     WHERE NOT EXISTS (SELECT FROM public.clients c WHERE c.id = e.id) $q$),
(5, 'shared values agree', true,
 $q$ SELECT count(*) FROM public.clients c JOIN public.clients_enhanced e ON e.id = c.id
     WHERE (c.email, c.created_at, c.updated_at) IS DISTINCT FROM (e.email, e.created_at, e.updated_at) $q$),
(6, 'clients of the backup are all there', false,
 $q$ SELECT unification.backup_faults() $q$),
(7, 'names are there', false,
 $q$ SELECT count(*) FROM public.clients_enhanced WHERE name IS NULL $q$),
(8, 'e-mail addresses are unique', false,
 $q$ SELECT count(*) FROM (SELECT FROM public.clients_enhanced GROUP BY email HAVING count(*) > 1) r $q$),
(9, 'malformed e-mail addresses of old', false,
 $q$ SELECT count(*) FROM public.clients_enhanced
     WHERE email !~ '^[^@[:space:]]+@[^@[:space:]]+[.][^@[:space:]]+$' $q$),
(10, 'value lists are checked', false,
 $q$ SELECT 5 - count(*) FROM pg_constraint WHERE contype = 'c' AND convalidated
     AND conrelid = to_regclass('public.clients_enhanced') $q$),
(11, 'indexes are valid', true,
 $q$ SELECT count(*) FROM unnest(ARRAY['clients_enhanced_email_key', 'clients_enhanced_status_idx',
     'clients_enhanced_tier_idx', 'clients_enhanced_created_at_idx', 'clients_enhanced_created_by_idx',
     'clients_enhanced_assigned_manager_idx', 'tenant_apps_client_id_idx',
     'client_customizations_client_id_idx', 'client_deployments_client_id_idx',
     'client_analytics_client_id_idx', 'deployment_tracking_events_client_id_idx',
     'deployment_tracking_events_deployment_id_idx']) i
     WHERE NOT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('public.' || i)
                       AND indisvalid AND indisready) $q$),
(12, 'foreign keys are validated', true,
 $q$ SELECT 8 - count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated AND conname = ANY (ARRAY[
     'tenant_apps_client_id_fkey', 'client_customizations_client_id_fkey',
     'client_deployments_client_id_fkey', 'client_analytics_client_id_fkey',
     'deployment_tracking_events_client_id_fkey', 'deployment_tracking_events_deployment_id_fkey',
     'system_configurations_client_id_fkey', 'client_billing_info_client_id_fkey'])
     AND connamespace = 'public'::regnamespace $q$),
(13, 'no dependent is an orphan', false,
 $q$ SELECT (SELECT count(*) FROM public.tenant_apps d WHERE client_id IS NOT NULL
             AND NOT EXISTS (SELECT FROM public.clients c WHERE c.id = d.client_id))
     + (SELECT count(*) FROM public.client_customizations d WHERE client_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.clients_enhanced e WHERE e.id = d.client_id))
     + (SELECT count(*) FROM public.client_deployments d WHERE client_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.clients_enhanced e WHERE e.id = d.client_id))
     + (SELECT count(*) FROM public.client_analytics d WHERE client_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.clients_enhanced e WHERE e.id = d.client_id))
     + (SELECT count(*) FROM public.deployment_tracking_events d WHERE client_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.clients_enhanced e WHERE e.id = d.client_id))
     + (SELECT count(*) FROM public.deployment_tracking_events d WHERE deployment_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM public.client_deployments p WHERE p.id = d.deployment_id)) $q$),
(14, 'orphans are kept in quarantine', false,
 $q$ SELECT count(*) FROM public.orphans_quarantine WHERE kept IS NULL OR exact IS NULL $q$),
(15, 'configuration keys are unique by scope', false,
 $q$ SELECT 1 - count(*) FROM pg_index WHERE indnullsnotdistinct
     AND indexrelid = to_regclass('public.system_configurations_key_scope_key') $q$),
(16, 'clients_unified runs with the caller''s rights', true,
 $q$ SELECT 1 - count(*) FROM pg_class WHERE oid = to_regclass('public.clients_unified')
     AND 'security_invoker=true' = ANY (reloptions) $q$),
(17, 'clients_unified has the old columns', false,
 $q$ SELECT count(*) FROM (
       SELECT attname, row_number() OVER (ORDER BY attnum) FROM pg_attribute
       WHERE attrelid = to_regclass('public.clients') AND attnum > 0 AND NOT attisdropped
       EXCEPT
       SELECT attname, row_number() OVER (ORDER BY attnum) FROM pg_attribute
       WHERE attrelid = to_regclass('public.clients_unified') AND attnum > 0) missing $q$),
(18, 'row-level security is on and forced', true,
 $q$ SELECT count(*) FROM (
       SELECT name FROM unification.former_row_security UNION ALL SELECT 'orphans_quarantine'
       UNION ALL SELECT backup FROM unification.origin) t (name)
     WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = to_regclass('public.' || t.name)
                       AND relrowsecurity AND relforcerowsecurity) $q$),
(19, 'every table has its policies', false,
 $q$ SELECT count(*) FROM unification.former_row_security t,
       unnest(ARRAY['read', 'add', 'change', 'remove', 'service', 'migrator']) p
     WHERE NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = to_regclass('public.' || t.name)
                       AND polname = 'unified_' || p) $q$),
(20, 'no policy is for everybody', false,
 $q$ SELECT count(*) FROM pg_policy p JOIN unification.former_row_security t
       ON p.polrelid = to_regclass('public.' || t.name)
     WHERE 0 = ANY (p.polroles) $q$),
(21, 'backup and quarantine are closed', false,
 $q$ SELECT count(*) FROM (SELECT 'orphans_quarantine' UNION ALL SELECT backup FROM unification.origin) t (name),
       unnest(ARRAY['anon', 'authenticated', 'service_role']) r
     WHERE has_any_column_privilege(r, 'public.' || t.name, 'SELECT, INSERT, UPDATE')
        OR has_table_privilege(r, 'public.' || t.name, 'DELETE, TRUNCATE') $q$),
(22, 'the mirror stands', true,
 $q$ SELECT 9 - count(*) FROM pg_trigger WHERE tgenabled = 'O' AND NOT tgisinternal
     AND tgfoid::regproc::text LIKE 'unification.%' $q$),
(23, 'functions are closed and safe', false,
 $q$ SELECT count(*) FROM pg_proc WHERE pronamespace = 'unification'::regnamespace
     AND (has_function_privilege('anon', oid, 'EXECUTE')
          OR prosecdef AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}'))) $q$)
$$
"""

# What left was seen to leave; what changed was changed by the application, which moves updated_at.
BACKUP_FAULTS = """
CREATE FUNCTION unification.backup_faults() RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    backup text;
    met bigint;
    faults bigint := 0;
BEGIN
    FOR backup IN SELECT o.backup FROM unification.origin o LOOP
        EXECUTE format(
            'SELECT count(*) FROM public.%I b LEFT JOIN public.clients c ON c.id = b.id
             WHERE c.id IS NULL AND NOT EXISTS (SELECT FROM unification.departed d WHERE d.id = b.id)
                OR c.updated_at <= b.updated_at
                   AND (c.email, c.created_at, c.role, c.metadata, c.preferences)
                       IS DISTINCT FROM (b.email, b.created_at, b.role, b.metadata, b.preferences)',
            backup) INTO met;
        faults := faults + met;
    END LOOP;
    RETURN faults;
END $$
"""

# A table that is gone is an answer too, not an error that hides the other answers.
COUNTED = """
CREATE FUNCTION unification.counted(question text) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    faults bigint;
BEGIN
    EXECUTE question INTO faults;
    RETURN faults;
EXCEPTION WHEN undefined_table OR undefined_column OR undefined_function THEN
    RETURN NULL;
END $$
"""

# Malformed addresses that were there before are reported, and are no failure: see clients_enhanced.
# Materialized, or every mention of an answer would ask its question again.
ANSWERS = """
CREATE FUNCTION unification.answers(only_quick boolean)
RETURNS TABLE ("check" text, status text, details text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    WITH answered AS MATERIALIZED (
        SELECT q.place, q.name, unification.counted(q.faults) AS faults FROM unification.questions() q
        WHERE q.quick OR NOT only_quick
    )
    SELECT name,
           CASE WHEN place = 9 AND faults IS NOT NULL THEN 'reported'
                WHEN faults = 0 THEN 'passed' ELSE 'failed' END,
           CASE WHEN faults IS NULL THEN 'cannot be asked: something is missing'
                WHEN faults = 0 THEN 'no fault' ELSE faults || ' at fault' END
    FROM answered ORDER BY place
$$
"""

COMPREHENSIVE = """
CREATE FUNCTION public.comprehensive_schema_validation()
RETURNS TABLE ("check" text, status text, details text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM unification.answers(false)
$$
"""

QUICK = """
CREATE FUNCTION public.validate_schema_unification()
RETURNS TABLE ("check" text, status text, details text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT * FROM unification.answers(true)
$$
"""

CLOSED = """
REVOKE ALL ON FUNCTION unification.questions(), unification.backup_faults(), unification.counted(text),
    unification.answers(boolean), public.comprehensive_schema_validation(),
    public.validate_schema_unification()
FROM PUBLIC, anon, authenticated, service_role
"""

DOWN = """
DROP FUNCTION public.validate_schema_unification(), public.comprehensive_schema_validation(),
    unification.answers(boolean), unification.counted(text), unification.backup_faults(),
    unification.questions()
"""


def upgrade() -> None:
    for statement in (QUESTIONS, BACKUP_FAULTS, COUNTED, ANSWERS, COMPREHENSIVE, QUICK, CLOSED):
        op.execute(statement)


def downgrade() -> None:
    op.execute(DOWN)
