SELECT unification.release_orphans();
DROP FUNCTION unification.release_orphans(), unification.quarantine_orphans();
DROP TABLE public.orphans_quarantine;
