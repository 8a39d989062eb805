-- A-16; after the copy, since rows are loaded faster without indexes.
CREATE UNIQUE INDEX CONCURRENTLY clients_enhanced_email_key ON public.clients_enhanced (email);
CREATE INDEX CONCURRENTLY clients_enhanced_status_idx ON public.clients_enhanced (status);
CREATE INDEX CONCURRENTLY clients_enhanced_tier_idx ON public.clients_enhanced (tier);
CREATE INDEX CONCURRENTLY clients_enhanced_created_at_idx ON public.clients_enhanced (created_at);

-- The policies look clients up by who made and who manages them.
CREATE INDEX CONCURRENTLY clients_enhanced_assigned_manager_idx ON public.clients_enhanced (assigned_manager);
CREATE INDEX CONCURRENTLY clients_enhanced_created_by_idx ON public.clients_enhanced (created_by);

-- The foreign keys look dependents up whenever a client leaves.
CREATE INDEX CONCURRENTLY tenant_apps_client_id_idx ON public.tenant_apps (client_id);
CREATE INDEX CONCURRENTLY client_customizations_client_id_idx ON public.client_customizations (client_id);
CREATE INDEX CONCURRENTLY client_deployments_client_id_idx ON public.client_deployments (client_id);
CREATE INDEX CONCURRENTLY client_analytics_client_id_idx ON public.client_analytics (client_id);
CREATE INDEX CONCURRENTLY deployment_tracking_events_client_id_idx
    ON public.deployment_tracking_events (client_id);
CREATE INDEX CONCURRENTLY deployment_tracking_events_deployment_id_idx
    ON public.deployment_tracking_events (deployment_id);
