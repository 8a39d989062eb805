"""Kinds of objects that belong to no schema, and what pg_dump leaves out (F50): settings, memberships, comments.

Each query gives (kind, name, definition). What SERVER asks for is of the whole server, and changes for the sake of
other databases too: it is looked at where it is asked for. handrail's own roles are left out.
"""

from __future__ import annotations

NOT_OURS = "NOT LIKE 'handrail\\_%'"
HERE = "(SELECT oid FROM pg_database WHERE datname = current_database())"

SURROUNDINGS = f"""
WITH member AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
)
SELECT 'extension', quote_ident(e.extname), e.extnamespace::regnamespace::text FROM pg_extension e
UNION ALL
SELECT 'version of extension', quote_ident(e.extname), e.extversion FROM pg_extension e
UNION ALL
SELECT 'event trigger', quote_ident(e.evtname), concat_ws(' ', e.evtevent, pg_get_userbyid(e.evtowner),
       e.evtfoid::regprocedure, e.evtenabled, e.evttags::text)
FROM pg_event_trigger e
WHERE NOT EXISTS (SELECT FROM member WHERE classid = 'pg_event_trigger'::regclass AND objid = e.oid)
UNION ALL
SELECT 'publication', quote_ident(p.pubname), concat_ws(' ', pg_get_userbyid(p.pubowner),
       (to_jsonb(p) - ARRAY['oid', 'pubname', 'pubowner'])::text, (
           SELECT string_agg(concat_ws(' ', c.relnamespace::regnamespace, quote_ident(c.relname), (
                      SELECT string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum) FROM pg_attribute a
                      WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs)),
                  CASE WHEN r.prqual IS NOT NULL THEN pg_get_expr(r.prqual, r.prrelid) END), ', '
                             ORDER BY c.relnamespace::regnamespace::text, c.relname)
           FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid WHERE r.prpubid = p.oid), (
           SELECT string_agg('schema ' || s.pnnspid::regnamespace, ', ' ORDER BY s.pnnspid::regnamespace::text)
           FROM pg_publication_namespace s WHERE s.pnpubid = p.oid))
FROM pg_publication p
UNION ALL
SELECT 'subscription', quote_ident(s.subname), concat_ws(' ', pg_get_userbyid(s.subowner), s.subenabled, s.subbinary,
       s.substream, s.subdisableonerr, s.subslotname, s.subsynccommit, s.subpublications::text)
FROM pg_subscription s WHERE s.subdbid = {HERE}
UNION ALL
SELECT 'default privileges', concat_ws(' ', 'of', quote_ident(pg_get_userbyid(d.defaclrole)),
                                       'in ' || nullif(d.defaclnamespace, 0)::regnamespace, 'for', d.defaclobjtype),
       (SELECT string_agg(one::text, ',' ORDER BY one::text) FROM unnest(d.defaclacl) one
        WHERE one::text {NOT_OURS})
FROM pg_default_acl d
WHERE pg_get_userbyid(d.defaclrole) {NOT_OURS} AND (d.defaclnamespace = 0 OR EXISTS (
      SELECT FROM pg_namespace n WHERE n.oid = d.defaclnamespace AND n.nspname NOT IN ('handrail', 'handrail_search')))
UNION ALL
SELECT 'cast', format_type(k.castsource, NULL) || ' as ' || format_type(k.casttarget, NULL),
       concat_ws(' ', nullif(k.castfunc, 0)::regprocedure, k.castcontext, k.castmethod)
FROM pg_cast k
WHERE k.oid >= 16384 AND NOT EXISTS (SELECT FROM member WHERE classid = 'pg_cast'::regclass AND objid = k.oid)
UNION ALL
SELECT 'comment on', i.type || ' ' || i.identity, string_agg(d.description, ' ')
FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
     CROSS JOIN LATERAL pg_identify_object_as_address(d.classoid, d.objoid, d.objsubid) w
WHERE (d.objoid >= 16384 OR d.classoid = 'pg_namespace'::regclass AND d.objoid = 2200)
  AND NOT (d.classoid = 'pg_class'::regclass AND EXISTS (
           SELECT FROM pg_class c WHERE c.oid = d.objoid AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')))
  AND d.classoid NOT IN ('pg_proc'::regclass, 'pg_extension'::regclass)
  AND NOT EXISTS (SELECT FROM member m WHERE m.classid = d.classoid AND m.objid = d.objoid)
  AND coalesce(i.schema, w.object_names[1]) NOT IN ('handrail', 'handrail_search', 'information_schema')
GROUP BY i.type, i.identity
UNION ALL
SELECT 'setting', concat_ws(' ', quote_ident(split_part(one, '=', 1)), 'of ' || quote_ident(r.rolname)),
       substr(one, strpos(one, '=') + 1)
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) one LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase = {HERE} AND coalesce(r.rolname, '') {NOT_OURS}
UNION ALL
SELECT 'database', 'itself', concat_ws(' ', pg_get_userbyid(d.datdba), d.datconnlimit, d.datallowconn, d.datistemplate,
       (SELECT string_agg(one::text, ',' ORDER BY one::text) FROM unnest(coalesce(d.datacl, acldefault('d', d.datdba)))
            AS one WHERE one::text {NOT_OURS}),
       (SELECT quote_ident(t.spcname) FROM pg_tablespace t WHERE t.oid = d.dattablespace),
       shobj_description(d.oid, 'pg_database'))
FROM pg_database d WHERE d.oid = {HERE}
"""

SERVER = f"""
SELECT 'membership', 'of ' || quote_ident(who.rolname) || ' in ' || quote_ident(into_.rolname),
       string_agg(concat_ws(' ', 'by', pg_get_userbyid(m.grantor), m.admin_option, to_jsonb(m) ->> 'inherit_option',
                            to_jsonb(m) ->> 'set_option'), ', ' ORDER BY pg_get_userbyid(m.grantor))
FROM pg_auth_members m JOIN pg_roles who ON who.oid = m.member JOIN pg_roles into_ ON into_.oid = m.roleid
WHERE who.rolname {NOT_OURS} AND into_.rolname {NOT_OURS} GROUP BY who.rolname, into_.rolname
UNION ALL
SELECT 'role setting', quote_ident(split_part(one, '=', 1)) || ' of ' || coalesce(quote_ident(r.rolname), 'all'),
       substr(one, strpos(one, '=') + 1)
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) one LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase = 0 AND coalesce(r.rolname, '') {NOT_OURS}
"""
KINDS = frozenset(
    {
        "extension", "version of extension", "event trigger", "publication", "subscription", "default privileges",
        "cast", "comment on", "setting", "database",
    }
)  # fmt: skip
SERVER_KINDS = frozenset({"membership", "role setting"})
