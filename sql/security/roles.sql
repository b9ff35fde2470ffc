-- The roles that people and programs take on.  Roles belong to the cluster, not to
-- the extension: they are made on demand, and stay when it is dropped.

CREATE FUNCTION devapp._ensure_role(name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = _ensure_role.name) THEN
        EXECUTE format('CREATE ROLE %I NOLOGIN', _ensure_role.name);
    END IF;
END
$$;

-- Runs the developer program: every function but those that set it up, and the
-- tables as far as their triggers let anybody.
CREATE FUNCTION devapp._grant_to_admin() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    usage_function regprocedure;
    trigger_function regprocedure;
BEGIN
    GRANT USAGE ON SCHEMA devapp, devapp_report TO devapp_admin;
    GRANT SELECT ON ALL TABLES IN SCHEMA devapp, devapp_report TO devapp_admin;
    GRANT INSERT, UPDATE ON
        devapp.developer, devapp.team, devapp.team_member, devapp.product, devapp.product_operation,
        devapp.app, devapp.credential, devapp.credential_secret, devapp.credential_product
        TO devapp_admin;
    GRANT DELETE ON devapp.team_member, devapp.product_operation TO devapp_admin;
    GRANT INSERT, UPDATE ON devapp.bulk_run, devapp.bulk_item TO devapp_admin;
    GRANT INSERT, UPDATE, DELETE ON devapp.approval_rule TO devapp_admin;
    GRANT INSERT, DELETE ON devapp.product_approver TO devapp_admin;
    GRANT USAGE, SELECT ON SEQUENCE devapp.credential_product_ordinal_seq TO devapp_admin;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA devapp, devapp_report TO devapp_admin;
    REVOKE EXECUTE ON FUNCTION
        devapp.setup_roles(), devapp._ensure_role(text), devapp._grant_to_admin(), devapp._grant_to_developer(),
        devapp._grant_to_gateway(), devapp._grant_to_analyst(), devapp._setup_policies(), devapp._put_policy(regclass, text, text, text),
        devapp._set_actor(text, boolean)
        FROM devapp_admin;
    -- what is counted is written by devapp.flush_usage() and the worker alone
    FOR usage_function IN SELECT p.oid FROM pg_proc p
                           WHERE p.pronamespace = 'devapp'::regnamespace
                             AND p.proname IN ('_take_usage', '_taken_calls', '_taken_responses', '_add_counts', '_add_latencies', '_lock_usage', '_write_calls',
                                               '_write_responses', '_write_quota_usage', '_consume_quota', '_forget_quota', '_flush_usage',
                                               '_roll_up_usage', '_roll_up_hours', '_roll_up_days',
                                               '_usage_partition', '_maintain_usage_if_due', 'maintain_usage',
                                               '_is_due', '_maintain_audit_if_due', '_schedule_notifications_if_due',
                                               '_seal_audit_if_due', '_write_usage', '_take_shipment', 'receive_usage',
                                               '_refresh_report', '_refresh_reports_if_due', '_tell_worker',
                                               '_new_batch', '_lock_extension', '_begin_restore', '_orphans', '_may_work',
                                               '_begin_work', '_holders', '_lock_tables', '_lock_structure', 'finish_restore') LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM devapp_admin', usage_function);
    END LOOP;
    -- a trigger fires without it, and nobody is to put one of these on a table of his
    FOR trigger_function IN SELECT p.oid FROM pg_proc p
                             WHERE p.pronamespace = 'devapp'::regnamespace AND p.prorettype = 'trigger'::regtype LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM devapp_admin', trigger_function);
    END LOOP;
END
$$;

-- Sees what is his own and his teams' (row_security.sql), never a digest, and
-- manages it by functions that ask who he is (authority.sql).
CREATE FUNCTION devapp._grant_to_developer() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    GRANT USAGE ON SCHEMA devapp TO devapp_developer;
    GRANT SELECT (developer_id, email, first_name, last_name, user_name, status, created_at, updated_at, deleted_at)
        ON devapp.developer TO devapp_developer;
    GRANT SELECT (team_id, name, display_name, status, created_at, updated_at, deleted_at)
        ON devapp.team TO devapp_developer;
    GRANT SELECT (secret_id, credential_id, version, purpose, scheme, valid_from, superseded_at, valid_until)
        ON devapp.credential_secret TO devapp_developer;
    -- not from where and in which role administrators work
    GRANT SELECT (event_id, occurred_at, actor, action, entity, entity_id, app_id, developer_id, team_id, before, after, note)
        ON devapp.audit_event TO devapp_developer;
    GRANT SELECT ON
        devapp.team_member, devapp.product, devapp.product_operation, devapp.app, devapp.credential,
        devapp.credential_product,
        devapp.usage_hour, devapp.usage_day, devapp.usage_latency, devapp.last_used,
        devapp.app_last_used, devapp.credential_last_used, devapp.daily_latency, devapp.my_usage, devapp.my_latency
        TO devapp_developer;
    GRANT EXECUTE ON FUNCTION
        devapp.actor(), devapp.current_developer_id(), devapp.whoami(), devapp._caller(), devapp._claims_count(),
        devapp._my_teams(boolean), devapp._my_team_mates(),
        devapp.create_app(text, text, text, text[], text, text, text[], text[], text, jsonb, text, text, interval),
        devapp.update_app(uuid, text, text, text[], text[], text, jsonb),
        devapp.resubmit_app(uuid, text), devapp.delete_app(uuid, text),
        devapp.issue_credential(uuid, text, text[], text, text[], interval, jsonb),
        devapp.rotate_credential(uuid, interval), devapp.complete_rotation(uuid), devapp.cancel_rotation(uuid),
        devapp.revoke_credential(uuid, text, boolean),
        devapp.add_credential_product(uuid, text), devapp.remove_credential_product(uuid, text),
        devapp.set_attribute(text, text, text, text), devapp.remove_attribute(text, text, text),
        devapp.update_developer(text, text, text, text, text, jsonb),
        devapp.update_team(text, text, jsonb),
        devapp.add_team_member(text, text, text), devapp.set_team_role(text, text, text),
        devapp.remove_team_member(text, text),
        devapp.approve_app(uuid, text), devapp.reject_app(uuid, text),
        devapp.set_credential_product_status(uuid, text, text, text), devapp.my_approvals(),
        devapp.explain_access(uuid, text, text, text, text, timestamptz), devapp.quota_status(uuid),
        devapp.app_history(uuid), devapp.access_at(uuid, text, text, text, timestamptz, text),
        devapp.pattern_matches(devapp.resource_pattern, text),
        devapp.latency_percentile(bigint[], double precision), devapp.add_histograms(bigint[]), devapp._add_histograms(bigint[], bigint[])
        TO devapp_developer;
END
$$;

-- Verifies, and reports how the calls went; it can read no table.
CREATE FUNCTION devapp._grant_to_gateway() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    GRANT USAGE ON SCHEMA devapp TO devapp_gateway;
    GRANT EXECUTE ON FUNCTION
        devapp.verify_key(text, text, text, text, text, integer),
        devapp.verify_digest(bytea, text, text, text, text, integer),
        devapp.verify_client(text, text, text, text, text, text, integer),
        devapp.allows(text, text, text, text, text),
        devapp.consume_quota(text, text, text, text, text, integer),
        devapp.record_usage(uuid, text, integer, interval, timestamptz),
        devapp.record_usage(uuid[], text[], integer[], interval[], timestamptz[])
        TO devapp_gateway;
END
$$;

-- Reads the reports, and nothing else: their views have the rights of their owner on
-- the tables.  Functions that a view calls are called by who reads it; without USAGE
-- on the schema he cannot call them himself.
CREATE FUNCTION devapp._grant_to_analyst() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    GRANT USAGE ON SCHEMA devapp_report TO devapp_analyst;
    GRANT SELECT ON ALL TABLES IN SCHEMA devapp_report TO devapp_analyst;
    GRANT EXECUTE ON ALL ROUTINES IN SCHEMA devapp_report TO devapp_analyst;
    -- what the dashboard reads beside them: totals without names
    GRANT SELECT ON devapp._verdict_days, devapp._latency_days, devapp._latency_totals, devapp._app_calls, devapp._app_calls_30d, devapp._near_quotas
        TO devapp_analyst;
    GRANT EXECUTE ON FUNCTION
        devapp._setting(text), devapp._days_since(timestamptz), devapp._http_status(text), devapp._quota_window(timestamptz, integer, text),
        devapp.latency_percentile(bigint[], double precision), devapp.add_histograms(bigint[]), devapp._sum(bigint)
        TO devapp_analyst;
END
$$;

CREATE FUNCTION devapp.setup_roles() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp._lock_structure();
    PERFORM devapp._ensure_role(r)
       FROM unnest(ARRAY['devapp_admin', 'devapp_developer', 'devapp_gateway', 'devapp_analyst']) AS r;
    PERFORM devapp._grant_to_admin();
    PERFORM devapp._grant_to_developer();
    PERFORM devapp._grant_to_gateway();
    PERFORM devapp._grant_to_analyst();
    PERFORM devapp._setup_policies();
    PERFORM FROM devapp.maintain_audit();
END
$$;

COMMENT ON FUNCTION devapp._ensure_role(text) IS 'Internal: makes a role if it is not there';
COMMENT ON FUNCTION devapp._grant_to_admin() IS 'Internal: what devapp_admin may do';
COMMENT ON FUNCTION devapp._grant_to_developer() IS 'Internal: what devapp_developer may do';
COMMENT ON FUNCTION devapp._grant_to_gateway() IS 'Internal: what devapp_gateway may do';
COMMENT ON FUNCTION devapp._grant_to_analyst() IS 'Internal: what devapp_analyst may do';
COMMENT ON FUNCTION devapp.setup_roles() IS
    'Makes the roles devapp_admin, devapp_developer, devapp_gateway and devapp_analyst, what they may do and which rows they see, and the next months of the audit trail; can be run again';
