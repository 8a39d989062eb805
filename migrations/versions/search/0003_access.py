"""Who sees which tenants: a table that only administrators change, and policies that ask it by login (FM-P8).

No setting decides, since any login may set one. Without a row there is nothing to see.
"""

from __future__ import annotations

from alembic import op

revision = "search_0003"
down_revision = "search_0002"

ALL = "*"

ACCESS = f"""
CREATE TABLE handrail_search.tenant_access (
    login    text NOT NULL,
    tenant   text COLLATE "C" NOT NULL,
    given_by text NOT NULL DEFAULT session_user,
    given_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (login, tenant)
);

CREATE FUNCTION handrail_search.sees_all() RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT EXISTS (SELECT FROM handrail_search.tenant_access WHERE login = session_user AND tenant = '{ALL}')
$$;

CREATE FUNCTION handrail_search.my_tenants() RETURNS int[] LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(t.id), '{{}}') FROM handrail_search.tenant_access a
    JOIN handrail_search.tenant t ON t.name = a.tenant WHERE a.login = session_user
$$;

-- The event is said by the owner's function, as no login may say it itself. Answers its number.
CREATE FUNCTION handrail_search.say(kind text, detail jsonb) RETURNS bigint LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO handrail.event (kind, detail) VALUES (kind, detail) RETURNING id
$$;

-- What this login said in a transaction that is over and stands, a moment ago.
CREATE FUNCTION handrail_search.stands(number bigint) RETURNS jsonb LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.detail FROM handrail.event e
    WHERE e.id = number AND e.kind = 'revealed' AND e.by_login = session_user
      AND e.at > clock_timestamp() - interval '1 minute'
      AND pg_xact_status((e.detail ->> 'transaction')::xid8) = 'committed'
$$;

CREATE FUNCTION handrail_search.grant_tenant(to_login text, wanted text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = to_login AND rolcanlogin) THEN
        RAISE EXCEPTION '% is no login', to_login USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF to_login = session_user AND NOT pg_has_role(session_user, 'handrail_owner', 'MEMBER') THEN
        RAISE EXCEPTION 'nobody widens their own access' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO handrail_search.tenant_access (login, tenant) VALUES (to_login, wanted) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        PERFORM handrail_search.say('tenant access given', jsonb_build_object('to', to_login, 'tenant', wanted));
    END IF;
END $$;

CREATE FUNCTION handrail_search.revoke_tenant(from_login text, wanted text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM handrail_search.tenant_access WHERE login = from_login AND tenant = wanted;
    IF FOUND THEN
        PERFORM handrail_search.say('tenant access taken', jsonb_build_object('from', from_login, 'tenant', wanted));
    END IF;
END $$
"""

SEEN = "(SELECT handrail_search.sees_all()) OR {tenant} = ANY ((SELECT handrail_search.my_tenants())::int[])"
BOUND = {"entry": "tenant", "token": "tenant", "history": "tenant", "tenant": "id"}


def upgrade() -> None:
    op.execute(ACCESS)
    for table, tenant in BOUND.items():
        op.execute(f"ALTER TABLE handrail_search.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY seen ON handrail_search.{table} FOR SELECT TO handrail_finder"
            f" USING ({SEEN.format(tenant=tenant)})"
        )


def downgrade() -> None:
    for table in BOUND:
        op.execute(f"DROP POLICY seen ON handrail_search.{table}")
        op.execute(f"ALTER TABLE handrail_search.{table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION handrail_search.revoke_tenant(text, text), handrail_search.grant_tenant(text, text),"
               " handrail_search.stands(bigint), handrail_search.say(text, jsonb), handrail_search.my_tenants(),"
               " handrail_search.sees_all()")  # fmt: skip
    op.execute("DROP TABLE handrail_search.tenant_access")
