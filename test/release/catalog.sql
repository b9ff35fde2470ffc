-- What the extension consists of in this database, one line a fact: two databases are the same if
-- these lines are.  Nothing in them is of one database alone, as oids and partitions are.

SET search_path = pg_catalog;
WITH member AS (
    SELECT d.classid, d.objid
      FROM pg_depend d
      JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'devapp'
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
), relation AS (
    SELECT c.* FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
), privilege AS (
    SELECT 'table ' || r.oid::regclass AS object, r.relacl AS acl FROM relation r
     UNION ALL
    SELECT format('column %s of %s', a.attname, r.oid::regclass), a.attacl FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid
     UNION ALL
    SELECT 'function ' || p.oid::regprocedure, p.proacl FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
     UNION ALL
    SELECT 'type ' || t.oid::regtype, t.typacl FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
     UNION ALL
    SELECT 'schema ' || n.nspname, n.nspacl FROM pg_namespace n JOIN member m ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid
     UNION ALL
    SELECT format('initial %s %s', o.type, o.identity), i.initprivs
      FROM pg_init_privs i JOIN member m ON m.classid = i.classoid AND m.objid = i.objoid
     CROSS JOIN LATERAL pg_identify_object(i.classoid, i.objoid, i.objsubid) AS o
), fact(line) AS (
    SELECT format('member: %s %s', o.type, o.identity) FROM member m CROSS JOIN LATERAL pg_identify_object(m.classid, m.objid, 0) AS o
     UNION ALL
    SELECT format('relation: %s %s %s %s %s %s %s %s owner %s', r.oid::regclass, r.relkind, r.relpersistence, r.reloptions, r.relrowsecurity,
                  r.relforcerowsecurity, r.relreplident, pg_get_partkeydef(r.oid), r.relowner::regrole) FROM relation r
     UNION ALL
    SELECT format('column: %s %s %s %s %s %s %s %s %s %s', r.oid::regclass, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation,
                  a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, pg_get_expr(x.adbin, x.adrelid))
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      LEFT JOIN pg_attrdef x ON x.adrelid = r.oid AND x.adnum = a.attnum
     UNION ALL
    SELECT format('constraint: %s %s %s %s', r.oid::regclass, k.conname, k.convalidated, pg_get_constraintdef(k.oid))
      FROM relation r JOIN pg_constraint k ON k.conrelid = r.oid
     UNION ALL
    SELECT format('index: %s %s', pg_get_indexdef(i.indexrelid), i.indisvalid) FROM relation r JOIN pg_index i ON i.indrelid = r.oid
     UNION ALL
    SELECT format('sequence: %s %s', r.oid::regclass, (to_jsonb(s) - 'seqrelid') || jsonb_build_object('seqtypid', s.seqtypid::regtype))
      FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
     UNION ALL
    SELECT format('view: %s %s', r.oid::regclass, pg_get_viewdef(r.oid)) FROM relation r WHERE r.relkind IN ('v', 'm')
     UNION ALL
    SELECT format('trigger: %s %s', t.tgenabled, pg_get_triggerdef(t.oid)) FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
     UNION ALL
    SELECT format('policy: %s %s %s %s %s %s', r.oid::regclass, p.polname, p.polcmd, p.polroles::regrole[], pg_get_expr(p.polqual, r.oid), pg_get_expr(p.polwithcheck, r.oid))
      FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
     UNION ALL
    SELECT format('function: %s owner %s', CASE p.prokind WHEN 'a' THEN format('%s %s', p.oid::regprocedure, to_jsonb(g) - 'aggfnoid') ELSE pg_get_functiondef(p.oid) END, p.proowner::regrole)
      FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
     UNION ALL
    SELECT format('type: %s %s %s %s %s %s %s', t.oid::regtype, t.typtype, t.typinput, t.typoutput, t.typbasetype::regtype, t.typcollation::regcollation,
                  (SELECT string_agg(l.enumlabel, ' ' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = t.oid))
      FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
     UNION ALL
    SELECT format('comment: %s %s: %s', o.type, o.identity, d.description)
      FROM pg_description d
      JOIN member m ON m.classid = d.classoid AND m.objid = d.objoid
     CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
     UNION ALL
    SELECT format('dumped: %s %s', c::regclass, nullif(k, '')) FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS u(c, k) WHERE e.extname = 'devapp'
     UNION ALL
    SELECT format('privilege: %s %s %s %s %s', p.object, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type, a.is_grantable, a.grantor::regrole)
      FROM privilege p CROSS JOIN LATERAL aclexplode(p.acl) AS a
     UNION ALL
    SELECT 'declared: ' || g::text FROM devapp_internal.declared_grant g
     UNION ALL
    SELECT 'route: ' || r::text FROM devapp_api.route r
     UNION ALL
    SELECT 'schema: ' || s::text FROM devapp_internal.api_schema s
     UNION ALL
    SELECT 'document: ' || d::text FROM devapp_internal.route_document d
     UNION ALL
    SELECT 'kept document: ' || md5(d.body) FROM devapp_internal.api_document d
     UNION ALL
    SELECT 'verdict: ' || v::text FROM devapp_internal.verdict_status v
     UNION ALL
    SELECT format('extension: %s owner %s', e.extversion, e.extowner::regrole) FROM pg_extension e WHERE e.extname = 'devapp'
)
SELECT replace(f.line, E'\n', ' ') FROM fact f ORDER BY f.line COLLATE "C";
