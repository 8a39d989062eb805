"""Who owns the search index and who may ask it: support gets answers, and no table that holds a clear value.

handrail_owner keeps the index in step and reads the target for it; handrail_finder answers, and the policies bind it
to the tenants of the login that asks. Neither can log in.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from db.errors import RightMissing

FINDER = "handrail_finder"
OWNER = "handrail_owner"
SCHEMA = "handrail_search"

# what runs as the finder; everything else is the owner's
FINDING = ("find(jsonb, text, int, int, bigint)", "meant(text)", "seen(text)", "client(text)",
           "part_of(text, text, int)", "reveal(text, text, text)", "revealed(bigint)", "exported(text, int)",
           "tenants(text, text, int)", "tenant_size(text)", "values_of(text, int)")  # fmt: skip
ASKED = tuple(one for one in FINDING if not one.startswith("seen"))
WITHIN = ("fold(text)", "pieces(text)", "words(text)", "digits(text)", "terms(text, text, text)",
          "whole_terms(text, text)", "mask(text, text)", "arms(text, text)", "about(text[])",
          "holds(handrail_search.arm[])", "ranges(handrail_search.arm[], int[], int)", "sees_all()", "my_tenants()",
          "say(text, jsonb)", "stands(bigint)", "seen(text)")  # fmt: skip
READ = ("entry", "token", "tenant", "history", "field", "state", "part")

ASKING = ("support", "engineer")
SAVING = "handrail_search.saved_search"

GRANTS = (
    f"GRANT USAGE ON SCHEMA {SCHEMA} TO {FINDER}, handrail_admin, handrail_auditor",
    f"GRANT SELECT ON {', '.join(f'{SCHEMA}.{table}' for table in READ)} TO {FINDER}",
    f"GRANT EXECUTE ON FUNCTION {', '.join(f'{SCHEMA}.{one}' for one in WITHIN)} TO {FINDER}",
    f"GRANT SELECT ON {SCHEMA}.tenant_access TO handrail_admin, handrail_auditor",
    f"GRANT EXECUTE ON FUNCTION {SCHEMA}.grant_tenant(text, text), {SCHEMA}.revoke_tenant(text, text)"
    " TO handrail_admin",
    *(
        statement
        for group in (f"handrail_{name}" for name in ASKING)
        for statement in (
            f"GRANT USAGE ON SCHEMA {SCHEMA} TO {group}",
            f"GRANT EXECUTE ON FUNCTION {', '.join(f'{SCHEMA}.{one}' for one in ASKED)} TO {group}",
            f"GRANT SELECT ON {SCHEMA}.field, {SCHEMA}.state TO {group}",
            f"GRANT SELECT, INSERT (name, asked, shared, usual), UPDATE (asked, shared, usual), DELETE ON {SAVING}"
            f" TO {group}",
        )
    ),
)

ROLE = f"""\
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '{FINDER}') THEN
        CREATE ROLE {FINDER} NOLOGIN;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user) THEN
        EXECUTE pg_catalog.format('GRANT {FINDER} TO %I', session_user);
    END IF;
END $$"""

# Whoever is to own a function must be able to make one there, for the moment of the handing over.
OWN = f"""\
DO $$
DECLARE
    one record;
BEGIN
    GRANT CREATE, USAGE ON SCHEMA {SCHEMA} TO {OWNER}, {FINDER};
    FOR one IN SELECT p.oid::regprocedure AS name,
                      CASE WHEN p.oid = ANY (ARRAY[{", ".join(f"'{SCHEMA}.{f}'" for f in FINDING)}]::regprocedure[])
                           THEN '{FINDER}' ELSE '{OWNER}' END AS wanted, pg_get_userbyid(p.proowner) AS owned
               FROM pg_proc p WHERE p.pronamespace = '{SCHEMA}'::regnamespace LOOP
        IF one.wanted <> one.owned THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO %I', one.name, one.wanted);
        END IF;
    END LOOP;
    FOR one IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relnamespace = '{SCHEMA}'::regnamespace
               AND c.relkind = 'r' AND c.relowner <> '{OWNER}'::regrole LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO {OWNER}', one.name);
    END LOOP;
    ALTER TYPE {SCHEMA}.arm OWNER TO {OWNER};
    REVOKE CREATE ON SCHEMA {SCHEMA} FROM {FINDER};
END $$"""


@contextmanager
def told_right() -> Iterator[None]:
    """A login that may not look clients up hears that, and not which function it was refused."""
    try:
        yield
    except RightMissing as missing:
        raise RightMissing(
            "This login may not look clients up.",
            "An administrator lets it: handrail operator add LOGIN --group support --tenant NAME",
        ) from missing


def script() -> list[str]:
    """Everything taken away, then given anew: sent again it changes nothing."""
    groups = ", ".join(f"handrail_{name}" for name in ("engineer", "approver", "support", "auditor", "admin"))
    return [
        OWN,
        f"ALTER SCHEMA {SCHEMA} OWNER TO {OWNER}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM PUBLIC, {FINDER}, {groups}",
        f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {SCHEMA} FROM PUBLIC, {FINDER}, {groups}",
        f"REVOKE ALL ON TYPE {SCHEMA}.arm FROM PUBLIC",
        f"GRANT USAGE ON TYPE {SCHEMA}.arm TO {FINDER}",
        *GRANTS,
        # debug_print_plan would send the plans, and with them estimates over every tenant, to whoever asks
        *(f"ALTER FUNCTION {SCHEMA}.{one} SET client_min_messages = notice" for one in ASKED),
        # functions made or replaced by the owner from now on are nobody else's either (FM-P13)
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA {SCHEMA} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    ]
