"""The journal becomes one chain: each event's hash covers its own bytes and the hash before it (I-7, FM-G8 to FM-G13).

The bytes of an event: id, run, step, kind, detail, login and time in microseconds since 1970, each as text with its
length before it, so that neither a time zone nor a client can change them. The number is the head's, not a sequence's:
no gap is innocent.
"""

from __future__ import annotations

from alembic import op

revision = "handrail_0006"
down_revision = "handrail_0005"

CHAIN = """
CREATE FUNCTION handrail.canonical(said handrail.event) RETURNS text LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT handrail.part($1.id::text) || handrail.part($1.run_id::text) || handrail.part($1.step)
        || handrail.part($1.kind) || handrail.part($1.detail::text) || handrail.part($1.by_login)
        || handrail.part((extract(epoch FROM $1.at) * 1000000)::bigint::text)
$$;

CREATE TABLE handrail.head (
    count bigint NOT NULL,
    hash  bytea NOT NULL
) WITH (fillfactor = 10);
CREATE UNIQUE INDEX head_one_row ON handrail.head ((true));

ALTER TABLE handrail.event ALTER id DROP IDENTITY, ADD hash bytea, ADD CHECK (jsonb_typeof(detail) = 'object');

-- Who writes waits here for the one before: one row, so no two events follow the same one (FM-G8).
CREATE FUNCTION handrail.chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE last handrail.head;
BEGIN
    SELECT * INTO STRICT last FROM handrail.head FOR UPDATE;
    NEW.id := last.count + 1;
    NEW.by_login := session_user;
    NEW.at := clock_timestamp();
    NEW.hash := sha256(last.hash || convert_to(handrail.canonical(NEW), 'UTF8'));
    UPDATE handrail.head SET count = NEW.id, hash = NEW.hash;
    RETURN NEW;
END $$;

-- What was said before there was a chain is taken into it as it stands; its numbers are made whole.
DO $$
DECLARE
    said handrail.event;
    last handrail.head := (0, ''::bytea);
BEGIN
    ALTER TABLE handrail.event DISABLE TRIGGER event_append_only;
    FOR said IN SELECT * FROM handrail.event ORDER BY id LOOP
        UPDATE handrail.event SET id = last.count + 1 WHERE id = said.id RETURNING * INTO said;
        last := (said.id, sha256(last.hash || convert_to(handrail.canonical(said), 'UTF8')));
        UPDATE handrail.event SET hash = last.hash WHERE id = said.id;
    END LOOP;
    ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_append_only;
    INSERT INTO handrail.head VALUES (last.count, last.hash);
END $$;
ALTER TABLE handrail.event ALTER hash SET NOT NULL;
ALTER TABLE handrail.verdict ENABLE ALWAYS TRIGGER verdict_append_only;

-- What a row of another table says of itself is said by its own trigger, which runs as the owner, and by nobody else.
-- This one runs as whoever writes.
CREATE FUNCTION handrail.require_own_word() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.kind IN ('approved', 'rejected', 'glass broken', 'broken glass acknowledged', 'answered', 'person added',
                     'login added', 'login removed', 'role given', 'role removed', 'group given', 'group taken')
        OR NEW.kind <> 'sign-off tried' AND NOT has_table_privilege('handrail.fence', 'UPDATE'))
       AND current_user <> (SELECT relowner::regrole::text FROM pg_class WHERE oid = TG_RELID) THEN
        RAISE EXCEPTION 'an event of kind "%" is not this login''s to say', NEW.kind
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER event_a_own_word BEFORE INSERT ON handrail.event
    FOR EACH ROW EXECUTE FUNCTION handrail.require_own_word();
ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_a_own_word;

CREATE TRIGGER event_chained BEFORE INSERT ON handrail.event FOR EACH ROW EXECUTE FUNCTION handrail.chain();
ALTER TABLE handrail.event ENABLE ALWAYS TRIGGER event_chained;
"""

# A row of these says itself in the chain, whoever wrote it and with what; a sign-off also wakes the consoles.
TOLD = """
CREATE FUNCTION handrail.tell() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said jsonb := to_jsonb(NEW) - ARRAY['at', 'added_at', 'given_at', 'answered_at', 'added_by', 'given_by',
                                        'removed_at', 'answered_by'];
BEGIN
    INSERT INTO handrail.event (run_id, step, kind, detail) VALUES (
        (said ->> 'run_id')::bigint, coalesce(said ->> 'gate', said ->> 'decision'),
        CASE TG_TABLE_NAME
            WHEN 'sign_off' THEN CASE said ->> 'decision' WHEN 'approve' THEN 'approved' ELSE 'rejected' END
            WHEN 'break_glass' THEN 'glass broken' WHEN 'acknowledgement' THEN 'broken glass acknowledged'
            WHEN 'answer' THEN 'answered' WHEN 'person' THEN 'person added'
            WHEN 'operator' THEN CASE WHEN said ->> 'removed_by' IS NULL THEN 'login added' ELSE 'login removed' END
            ELSE CASE WHEN said ->> 'removed_by' IS NULL THEN 'role given' ELSE 'role removed' END END,
        CASE TG_TABLE_NAME WHEN 'answer' THEN said - 'decision' ELSE said - 'gate' END - 'run_id'
        -- when it was signed decides when it ends; said in microseconds, which no time zone changes
        || CASE WHEN to_jsonb(NEW) ? 'at' THEN jsonb_build_object(
            'at', (extract(epoch FROM (to_jsonb(NEW) ->> 'at')::timestamptz) * 1000000)::bigint) ELSE '{}' END);
    PERFORM pg_notify('handrail', coalesce(said ->> 'run_id', ''));
    RETURN NULL;
END $$;
"""

TELLING = {
    "sign_off": "INSERT",
    "break_glass": "INSERT",
    "acknowledgement": "INSERT",
    "answer": "INSERT",
    "person": "INSERT",
    "operator": "INSERT OR UPDATE",
    "sign_off_role": "INSERT OR UPDATE",
}


def upgrade() -> None:
    op.execute(CHAIN)
    op.execute(TOLD)
    op.execute("REVOKE EXECUTE ON FUNCTION handrail.canonical(handrail.event), handrail.chain(), handrail.tell(),"
               " handrail.require_own_word()"
               " FROM PUBLIC")  # fmt: skip
    for table, when in TELLING.items():
        op.execute(
            f"CREATE TRIGGER {table}_told AFTER {when} ON handrail.{table}"
            " FOR EACH ROW EXECUTE FUNCTION handrail.tell()"
        )
        op.execute(f"ALTER TABLE handrail.{table} ENABLE ALWAYS TRIGGER {table}_told")


def downgrade() -> None:
    for table in TELLING:
        op.execute(f"DROP TRIGGER {table}_told ON handrail.{table}")
    op.execute("DROP TRIGGER event_chained ON handrail.event")
    op.execute("DROP TRIGGER event_a_own_word ON handrail.event")
    op.execute(
        "DROP FUNCTION handrail.require_own_word(), handrail.tell(), handrail.chain(),"
        " handrail.canonical(handrail.event)"
    )
    op.execute("ALTER TABLE handrail.event DROP hash")
    op.execute("ALTER TABLE handrail.event ALTER id ADD GENERATED ALWAYS AS IDENTITY")
    op.execute("SELECT setval(pg_get_serial_sequence('handrail.event', 'id'), count + 1, false) FROM handrail.head")
    op.execute("DROP TABLE handrail.head")
