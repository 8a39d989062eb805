"""People: who stands behind a login, which sign-off roles they hold, who began a run and who asked for it."""

from __future__ import annotations

from alembic import op

revision = "handrail_0003"
down_revision = "handrail_0002"

TABLES = """
CREATE TABLE handrail.person (
    id       text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    name     text NOT NULL CHECK (btrim(name) <> ''),
    added_by text NOT NULL DEFAULT session_user,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A row stays when the login is taken away: what it once signed still says who that was.
CREATE TABLE handrail.operator (
    login      text PRIMARY KEY,
    person     text NOT NULL REFERENCES handrail.person,
    -- several people use it, so its name does not say who signs (FM-G5)
    shared     boolean NOT NULL DEFAULT false,
    added_by   text NOT NULL DEFAULT session_user,
    added_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_by text,
    removed_at timestamptz,
    CHECK ((removed_by IS NULL) = (removed_at IS NULL)),
    UNIQUE (login, person)
);

CREATE TABLE handrail.sign_off_role (
    person     text NOT NULL REFERENCES handrail.person,
    role       text NOT NULL CHECK (role ~ '^[A-Za-z][A-Za-z ]{0,39}$'),
    given_by   text NOT NULL DEFAULT session_user,
    given_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_by text,
    removed_at timestamptz,
    CHECK ((removed_by IS NULL) = (removed_at IS NULL)),
    PRIMARY KEY (person, role)
);
"""

WHO = """
-- A login of which nobody has said whose it is counts as a person of its own.
CREATE FUNCTION handrail.person_of(login text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT coalesce((SELECT o.person FROM handrail.operator o WHERE o.login = $1), $1) $$;
CREATE FUNCTION handrail.me() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$ SELECT handrail.person_of(session_user::text) $$;
REVOKE EXECUTE ON FUNCTION handrail.person_of(text), handrail.me() FROM PUBLIC;

-- An administrator gives neither roles nor logins to the person that they are themselves. Whoever owns the tables may:
-- somebody has to be the first.
CREATE FUNCTION handrail.refuse_oneself() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF (NEW.person = handrail.me() OR TG_TABLE_NAME = 'operator' AND to_jsonb(NEW) ->> 'login' = session_user)
       AND NOT pg_has_role(session_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER') THEN
        RAISE EXCEPTION 'nobody gives a login or a sign-off role to themselves'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.removed_at IS NULL THEN
        NEW.removed_by := NULL;
    ELSE
        NEW.removed_by := session_user;
        NEW.removed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION handrail.refuse_oneself() FROM PUBLIC;
CREATE TRIGGER operator_of_another BEFORE INSERT OR UPDATE ON handrail.operator
    FOR EACH ROW EXECUTE FUNCTION handrail.refuse_oneself();
CREATE TRIGGER sign_off_role_of_another BEFORE INSERT OR UPDATE ON handrail.sign_off_role
    FOR EACH ROW EXECUTE FUNCTION handrail.refuse_oneself();
ALTER TABLE handrail.operator ENABLE ALWAYS TRIGGER operator_of_another;
ALTER TABLE handrail.sign_off_role ENABLE ALWAYS TRIGGER sign_off_role_of_another;

-- Who may not sign: the person that began the run, and the one that asked for it.
ALTER TABLE handrail.run ADD starter text, ADD asked_by text;
UPDATE handrail.run SET starter = started_by, asked_by = started_by;
ALTER TABLE handrail.run
    ALTER starter SET DEFAULT handrail.me(), ALTER starter SET NOT NULL,
    ALTER asked_by SET DEFAULT handrail.me(), ALTER asked_by SET NOT NULL,
    ADD UNIQUE (id, digest, starter, asked_by);
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(WHO)


def downgrade() -> None:
    op.execute("ALTER TABLE handrail.run DROP starter, DROP asked_by")
    op.execute("DROP TABLE handrail.sign_off_role, handrail.operator, handrail.person")
    op.execute("DROP FUNCTION handrail.refuse_oneself(), handrail.me(), handrail.person_of(text)")
