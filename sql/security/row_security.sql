-- Who sees which rows.  Row-level security is on for every table, so that whom
-- somebody grants a table sees no row of it without a policy, and is told so
-- (refuse_without_policy in grants.sql).  It does not hold for the owner of the
-- tables and for superusers.
--
-- The policies are for roles, which setup_roles() makes; so it makes these as
-- well.

-- Updates repeat this, for new tables.
DO $$
DECLARE
    devapp_table regclass;
BEGIN
    FOR devapp_table IN SELECT c.oid FROM pg_class c
                         WHERE c.relnamespace IN ('devapp'::regnamespace, 'devapp_internal'::regnamespace, 'devapp_api'::regnamespace) AND c.relkind IN ('r', 'p')
                            AND NOT c.relrowsecurity LOOP
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

-- Which rows a developer sees.  A subquery around a function makes PostgreSQL call it once a query.
CREATE FUNCTION devapp_internal.developer_policies() RETURNS TABLE (on_table regclass, condition text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me text := '(SELECT devapp.current_developer_id())';
    my_teams text := 'ANY ((SELECT devapp.my_teams())::uuid[])';
    my_apps text := 'app_id IN (SELECT a.app_id FROM devapp.app a)';
    my_credentials text := 'credential_id IN (SELECT c.credential_id FROM devapp.credential c)';
    -- apps of which a developer sees every credential, and what they see of those of others
    whole_apps text := format('app_id IN (SELECT a.app_id FROM devapp.app a WHERE a.team_id IS NULL OR a.team_id IN '
                              '(SELECT m.team_id FROM devapp.team_member m WHERE m.developer_id = %s AND m.environments IS NULL))', me);
    records text := '(SELECT unnest((SELECT devapp.my_visible_records())::text[]))';
    credential text := format('(%s OR ''credential/'' || credential_id::text IN %s)', whole_apps, records);
BEGIN
    RETURN QUERY VALUES
        ('devapp.developer'::regclass, format('developer_id = %s OR developer_id = ANY ((SELECT devapp.my_team_mates())::uuid[])', me)),
        ('devapp.team', format('team_id = %s', my_teams)),
        ('devapp.team_member', format('team_id = %s', my_teams)),
        -- the team's administrators, and whom it is for: lower() of "C" is email_key(), which readers may not call
        ('devapp.team_invitation', 'team_id = ANY ((SELECT devapp.my_teams(true))::uuid[]) OR lower(email COLLATE "C") = (SELECT devapp.actor())'),
        ('devapp.app', format('developer_id = %s OR team_id = %s', me, my_teams)),
        -- whoever sees an app sees what belongs to it
        ('devapp.app_quota', my_apps),
        ('devapp.credential', format('deleted_at IS NULL AND %s AND %s', my_apps, credential)),
        ('devapp.credential_secret', my_credentials),
        ('devapp.credential_product', my_credentials),
        ('devapp.client_key', my_credentials),
        ('devapp.leak', my_credentials),
        ('devapp.usage_day', my_apps),
        ('devapp.usage_latency', my_apps),
        ('devapp.usage_correction', my_apps),
        ('devapp.last_used', format('%s AND %s', my_apps, credential)),
        ('devapp.usage_hour', format('%s AND (credential_id IS NULL OR %s)', my_apps, credential)),
        ('devapp.audit_event', format('%s AND (entity NOT IN (''credential'', ''credential_secret'', ''credential_product'', ''client_key'', ''leak'', ''revoked_token'') OR %s OR entity || ''/'' || entity_id IN %s)',
                                      my_apps, whole_apps, records)),
        ('devapp.notification', format('%1$s IS NOT NULL AND recipients @> (SELECT jsonb_build_array(jsonb_build_object(''developer_id'', %1$s)))', me)),
        ('devapp.product', 'access = ''public'' OR product_id IN (SELECT cp.product_id FROM devapp.credential_product cp)'),
        ('devapp.product_operation', 'product_id IN (SELECT p.product_id FROM devapp.product p)');
END
$$;

CREATE FUNCTION devapp_internal.setup_policies() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.put_policy(c.oid, 'ALL', 'devapp_admin', 'true')
       FROM pg_class c
      WHERE c.relnamespace = 'devapp'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
    PERFORM devapp_internal.put_policy(t, 'SELECT', 'devapp_auditor', 'true')
       FROM unnest(ARRAY['devapp.audit_event', 'devapp.audit_leaf', 'devapp.audit_node', 'devapp.audit_checkpoint',
                         'devapp.pseudonym', 'devapp.legal_hold']::regclass[]) AS t;
    PERFORM devapp_internal.put_policy(p.on_table, 'SELECT', 'devapp_developer', p.condition)
       FROM devapp_internal.developer_policies() AS p;
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
