-- A constraint cannot be made unvalidated: it is taken off and put on again.
ALTER TABLE public.deployment_tracking_events
    DROP CONSTRAINT deployment_tracking_events_deployment_id_fkey,
    DROP CONSTRAINT deployment_tracking_events_client_id_fkey;
ALTER TABLE public.client_analytics DROP CONSTRAINT client_analytics_client_id_fkey;
ALTER TABLE public.client_deployments DROP CONSTRAINT client_deployments_client_id_fkey;
ALTER TABLE public.client_customizations DROP CONSTRAINT client_customizations_client_id_fkey;
ALTER TABLE public.tenant_apps DROP CONSTRAINT tenant_apps_client_id_fkey;

ALTER TABLE public.tenant_apps
    ADD CONSTRAINT tenant_apps_client_id_fkey FOREIGN KEY (client_id)
    REFERENCES public.clients (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE public.client_customizations
    ADD CONSTRAINT client_customizations_client_id_fkey FOREIGN KEY (client_id)
    REFERENCES public.clients_enhanced (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE public.client_deployments
    ADD CONSTRAINT client_deployments_client_id_fkey FOREIGN KEY (client_id)
    REFERENCES public.clients_enhanced (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE public.client_analytics
    ADD CONSTRAINT client_analytics_client_id_fkey FOREIGN KEY (client_id)
    REFERENCES public.clients_enhanced (id) ON DELETE SET NULL NOT VALID;
ALTER TABLE public.deployment_tracking_events
    ADD CONSTRAINT deployment_tracking_events_client_id_fkey FOREIGN KEY (client_id)
    REFERENCES public.clients_enhanced (id) ON DELETE SET NULL NOT VALID,
    ADD CONSTRAINT deployment_tracking_events_deployment_id_fkey FOREIGN KEY (deployment_id)
    REFERENCES public.client_deployments (id) ON DELETE SET NULL NOT VALID;
