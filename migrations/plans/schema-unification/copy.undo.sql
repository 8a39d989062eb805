-- What was written to clients_enhanced since goes back to clients where clients has a column for it,
-- and is set aside where it has none. The application lost its right to write here before this.
SELECT unification.carry_back();
INSERT INTO handrail.set_aside (run_id, step, source, row)
    SELECT {{run_id}}, 'copy', 'clients_enhanced', kept FROM unification.business_since_copy();

-- The mirror stands until the table itself is dropped: its trigger refuses TRUNCATE to all others.
ALTER TABLE public.clients_enhanced DISABLE TRIGGER clients_enhanced_refuse_truncate;
TRUNCATE public.clients_enhanced;
ALTER TABLE public.clients_enhanced ENABLE TRIGGER clients_enhanced_refuse_truncate;
