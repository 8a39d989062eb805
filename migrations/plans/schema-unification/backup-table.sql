-- Every original row, in a table that nobody but its owner can read (A-11).
CREATE TABLE public.clients_backup_{{run_date}} AS TABLE public.clients;
ALTER TABLE public.clients_backup_{{run_date}}
    ADD CONSTRAINT clients_backup_{{run_date}}_pkey PRIMARY KEY (id);
COMMENT ON TABLE public.clients_backup_{{run_date}} IS 'clients before run {{run_id}}';

REVOKE ALL ON public.clients_backup_{{run_date}} FROM PUBLIC, anon, authenticated, service_role;
CREATE POLICY clients_backup_migrator ON public.clients_backup_{{run_date}}
    TO CURRENT_USER USING (true) WITH CHECK (true);
ALTER TABLE public.clients_backup_{{run_date}} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Where the functions of the plan find it.
INSERT INTO unification.origin (run_id, backup) VALUES ({{run_id}}, 'clients_backup_{{run_date}}');
ANALYZE public.clients_backup_{{run_date}};
