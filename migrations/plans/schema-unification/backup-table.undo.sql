-- A row that is in the backup, not among the clients, and was not seen to leave, is put back first.
SELECT unification.restore_lost();
DELETE FROM unification.origin;
DROP TABLE public.clients_backup_{{run_date}};
