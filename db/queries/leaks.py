"""What lets rows through that row security or a grant was meant to keep back, as the catalog tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

SCHEMAS = text(
    """
    SELECT nspname FROM pg_namespace n
    WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_namespace'::regclass AND x.objid = n.oid
                      AND x.deptype = 'e')
    ORDER BY 1
    """
)

# What an extension made is its own. `somebody` is each role that may not read everything anyway, and PUBLIC. A view
# reads what it names, and what that reads, however many views lie between. A rule is one expression of a permissive
# policy for one role and command: the rows that are seen, or those that are written.
LEAKS = text(
    """
    WITH RECURSIVE relation AS (
        SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid
                          AND x.deptype = 'e')
    ), wanted AS (
        SELECT relation.* FROM relation JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = ANY (:schemas)
    ), definer AS (
        SELECT p.*, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND n.nspname = ANY (:schemas)
          AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid
                          AND x.deptype = 'e')
    ), direct AS (
        SELECT DISTINCT r.ev_class AS reader, d.refobjid AS read
        FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
    ), reads AS (
        SELECT reader, read FROM direct
        UNION SELECT reads.reader, direct.read FROM reads JOIN direct ON direct.reader = reads.read
    ), guarded AS (
        SELECT reader AS oid, min(name) AS first FROM reads JOIN relation ON oid = read WHERE relrowsecurity GROUP BY 1
    ), somebody AS (
        SELECT oid, rolname FROM pg_roles
        WHERE NOT rolsuper AND rolname NOT LIKE 'pg\\_%' AND NOT pg_has_role(oid, 'pg_read_all_data', 'USAGE')
        UNION ALL SELECT 0, 'public'
    ), rule AS (
        SELECT p.polrelid AS oid, quote_ident(p.polname) AS policy, role.id AS role, part.command, part.of,
               CASE part.of WHEN 'seen' THEN pg_get_expr(p.polqual, p.polrelid)
                    ELSE pg_get_expr(coalesce(p.polwithcheck, p.polqual), p.polrelid) END AS says
        FROM pg_policy p CROSS JOIN unnest(p.polroles) AS role (id)
        JOIN (VALUES ('r', 'seen'), ('a', 'written'), ('w', 'seen'), ('w', 'written'), ('d', 'seen'))
            AS part (command, of) ON p.polcmd IN ('*', part.command::"char")
        WHERE p.polpermissive
    )
    SELECT 'view' AS kind, name, first AS about FROM wanted JOIN guarded USING (oid)
    WHERE relkind = 'v' AND NOT coalesce((SELECT option_value::bool FROM pg_options_to_table(reloptions)
                                          WHERE option_name = 'security_invoker'), false)
    UNION ALL
    SELECT 'materialized view', name, first FROM wanted w JOIN guarded USING (oid)
    WHERE relkind = 'm' AND EXISTS (
        SELECT FROM somebody s
        WHERE has_any_column_privilege(s.rolname, w.oid, 'SELECT')
          AND has_schema_privilege(s.rolname, w.relnamespace, 'USAGE')
          AND (s.oid = 0 OR NOT pg_has_role(s.oid, w.relowner, 'MEMBER')))
    UNION ALL
    SELECT 'search path', name, '' FROM definer
    WHERE NOT EXISTS (SELECT FROM unnest(proconfig) AS setting
                      WHERE setting ~ '^search_path=(.*, *)?(pg_temp|"pg_temp")$')
    UNION ALL
    SELECT 'execute', name, '' FROM definer
    WHERE EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
                  WHERE grantee = 0 AND privilege_type = 'EXECUTE')
    AND name <> 'handrail.is_other()'  -- whoever writes is asked; it says whether they run the steps, and no more
    UNION ALL
    -- `true` for one role beside a rule for everybody takes nothing from the rule; the other way round it does
    SELECT DISTINCT ON (w.name, wide.policy) 'policy', wide.policy || ' on ' || w.name, narrow.policy
    FROM wanted w JOIN rule wide ON wide.oid = w.oid AND wide.says = 'true'
    JOIN rule narrow ON narrow.oid = w.oid AND narrow.says <> 'true'
        AND (narrow.command, narrow.of) = (wide.command, wide.of)
        AND (wide.role IN (0, narrow.role) OR pg_has_role(nullif(narrow.role, 0), wide.role, 'USAGE'))
    UNION ALL
    SELECT 'policies unused', name, '' FROM wanted w
    WHERE NOT relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = w.oid
        AND p.polname <> 'handrail_search_read')  -- for when it is switched on
    UNION ALL
    -- FORCE binds neither a superuser nor one with BYPASSRLS
    SELECT CASE WHEN rolsuper OR rolbypassrls THEN 'owner' ELSE 'no force' END, name, quote_ident(rolname)
    FROM wanted JOIN pg_roles r ON r.oid = relowner
    WHERE relrowsecurity AND NOT relforcerowsecurity AND rolcanlogin
    ORDER BY 1, 2
    """
)


@dataclass(frozen=True)
class Leak:
    """Names are quoted, as SQL wants them; `about` is the table, policy or role that makes it a leak, if any."""

    kind: str
    name: str
    about: str


def schemas(connection: Connection) -> list[str]:
    """All that are neither the server's nor an extension's."""
    return list(connection.scalars(SCHEMAS))


def found(connection: Connection, schemas: Sequence[str]) -> list[Leak]:
    """Asked of the catalog alone: any login may."""
    return [Leak(*row) for row in connection.execute(LEAKS, {"schemas": list(schemas)})]
