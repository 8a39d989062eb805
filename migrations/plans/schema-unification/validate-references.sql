-- Orphans that were written after the first sweep and before the constraints stood.
SELECT unification.quarantine_orphans();

-- Under row-level security a validation could see no rows and pass (F35): then it fails instead.
SET LOCAL row_security = off;
ALTER TABLE public.tenant_apps VALIDATE CONSTRAINT tenant_apps_client_id_fkey;
ALTER TABLE public.client_customizations VALIDATE CONSTRAINT client_customizations_client_id_fkey;
ALTER TABLE public.client_deployments VALIDATE CONSTRAINT client_deployments_client_id_fkey;
ALTER TABLE public.client_analytics VALIDATE CONSTRAINT client_analytics_client_id_fkey;
ALTER TABLE public.deployment_tracking_events
    VALIDATE CONSTRAINT deployment_tracking_events_client_id_fkey;
ALTER TABLE public.deployment_tracking_events
    VALIDATE CONSTRAINT deployment_tracking_events_deployment_id_fkey;
