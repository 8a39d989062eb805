ALTER TABLE person ADD COLUMN email_lc text;
UPDATE person SET n = n + 1;
