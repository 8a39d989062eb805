ALTER TABLE person ADD COLUMN email_lc text;
