-- Who sees which rows.  Row-level security is on for every table, so that whom
-- somebody grants a table sees no row of it without a policy, and is told so
-- (refuse_without_policy in grants.sql).  It does not hold for the owner of the
-- tables and for superusers.
--
-- The policies are for roles, which setup_roles() makes; so it makes these as
-- well.

DO $$
DECLARE
    devapp_table regclass;
BEGIN
    FOR devapp_table IN SELECT c.oid FROM pg_class c
                         WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace) AND c.relkind IN ('r', 'p') LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', devapp_table);
        PERFORM devapp_internal.refuse_without_policy(devapp_table);
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.put_policy(on_table regclass, command text, role text, condition text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = on_table AND p.polname = role) THEN
        EXECUTE format('DROP POLICY %I ON %s', role, on_table);
    END IF;
    EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I USING (%s)', role, on_table, command, role, condition);
END
$$;

-- A subquery around a function makes PostgreSQL call it once a query.
CREATE FUNCTION devapp_internal.setup_policies() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me text := '(SELECT devapp.current_developer_id())';
    my_teams text := 'ANY ((SELECT devapp.my_teams())::uuid[])';
    my_apps text := 'app_id IN (SELECT a.app_id FROM devapp.app a)';
    -- apps of which a developer sees every credential, and what they see of those of others
    whole_apps text := format('app_id IN (SELECT a.app_id FROM devapp.app a WHERE a.team_id IS NULL OR a.team_id IN '
                              '(SELECT m.team_id FROM devapp.team_member m WHERE m.developer_id = %s AND m.environments IS NULL))', me);
    records text := '(SELECT unnest((SELECT devapp.my_visible_records())::text[]))';
    credential text := format('(%s OR ''credential/'' || credential_id::text IN %s)', whole_apps, records);
    devapp_table regclass;
BEGIN
    FOR devapp_table IN SELECT c.oid FROM pg_class c
                         WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p')
                           AND NOT c.relispartition LOOP
        PERFORM devapp_internal.put_policy(devapp_table, 'ALL', 'devapp_admin', 'true');
    END LOOP;

    FOREACH devapp_table IN ARRAY ARRAY['devapp.audit_event', 'devapp.audit_leaf', 'devapp.audit_node', 'devapp.audit_checkpoint',
                                         'devapp.pseudonym', 'devapp.legal_hold']::regclass[] LOOP
        PERFORM devapp_internal.put_policy(devapp_table, 'SELECT', 'devapp_auditor', 'true');
    END LOOP;

    PERFORM devapp_internal.put_policy('devapp.developer', 'SELECT', 'devapp_developer',
        format('developer_id = %s OR developer_id = ANY ((SELECT devapp.my_team_mates())::uuid[])', me));
    PERFORM devapp_internal.put_policy('devapp.team', 'SELECT', 'devapp_developer', format('team_id = %s', my_teams));
    PERFORM devapp_internal.put_policy('devapp.team_member', 'SELECT', 'devapp_developer', format('team_id = %s', my_teams));
    -- the team's administrators, and whom it is for: lower() of "C" is email_key(), which readers may not call
    PERFORM devapp_internal.put_policy('devapp.team_invitation', 'SELECT', 'devapp_developer',
        'team_id = ANY ((SELECT devapp.my_teams(true))::uuid[]) OR lower(email COLLATE "C") = (SELECT devapp.actor())');
    PERFORM devapp_internal.put_policy('devapp.app', 'SELECT', 'devapp_developer',
        format('developer_id = %s OR team_id = %s', me, my_teams));
    -- what hangs on an app is seen by who sees the app
    PERFORM devapp_internal.put_policy('devapp.app_quota', 'SELECT', 'devapp_developer',
        'app_id IN (SELECT a.app_id FROM devapp.app a)');
    PERFORM devapp_internal.put_policy('devapp.credential', 'SELECT', 'devapp_developer',
        format('deleted_at IS NULL AND %s AND %s', my_apps, credential));
    PERFORM devapp_internal.put_policy('devapp.credential_secret', 'SELECT', 'devapp_developer',
        'credential_id IN (SELECT c.credential_id FROM devapp.credential c)');
    PERFORM devapp_internal.put_policy('devapp.credential_product', 'SELECT', 'devapp_developer',
        'credential_id IN (SELECT c.credential_id FROM devapp.credential c)');
    FOREACH devapp_table IN ARRAY ARRAY['devapp.usage_day', 'devapp.usage_latency', 'devapp.usage_correction']::regclass[] LOOP
        PERFORM devapp_internal.put_policy(devapp_table, 'SELECT', 'devapp_developer', my_apps);
    END LOOP;
    PERFORM devapp_internal.put_policy('devapp.last_used', 'SELECT', 'devapp_developer', format('%s AND %s', my_apps, credential));
    PERFORM devapp_internal.put_policy('devapp.usage_hour', 'SELECT', 'devapp_developer',
        format('%s AND (credential_id IS NULL OR %s)', my_apps, credential));
    PERFORM devapp_internal.put_policy('devapp.audit_event', 'SELECT', 'devapp_developer',
        format('%s AND (entity NOT IN (''credential'', ''credential_secret'', ''credential_product'') OR %s OR entity || ''/'' || entity_id IN %s)',
               my_apps, whole_apps, records));
    PERFORM devapp_internal.put_policy('devapp.notification', 'SELECT', 'devapp_developer',
        format('%1$s IS NOT NULL AND recipients @> (SELECT jsonb_build_array(jsonb_build_object(''developer_id'', %1$s)))', me));
    PERFORM devapp_internal.put_policy('devapp.product', 'SELECT', 'devapp_developer',
        'access = ''public'' OR product_id IN (SELECT cp.product_id FROM devapp.credential_product cp)');
    PERFORM devapp_internal.put_policy('devapp.product_operation', 'SELECT', 'devapp_developer',
        'product_id IN (SELECT p.product_id FROM devapp.product p)');
END
$$;

-- pg_dump takes no policies of an extension's tables along.  Where the roles are
-- there already, as in a restore, they are made at once.
DO $$
BEGIN
    IF to_regrole('devapp_admin') IS NOT NULL AND to_regrole('devapp_developer') IS NOT NULL
       AND to_regrole('devapp_auditor') IS NOT NULL THEN
        PERFORM devapp_internal.setup_policies();
    END IF;
END
$$;
