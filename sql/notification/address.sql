-- Where notifications go: developers have an e-mail, teams and roles are given addresses.

CREATE FUNCTION devapp_internal.require_one_address(email text, webhook_url text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF num_nonnulls(email, webhook_url) <> 1 THEN
        RAISE EXCEPTION 'a recipient must have either an e-mail address or a webhook URL'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either email => (an address) or webhook_url => (an https URL). For both, create two recipients.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.find_notification_recipient(name text) RETURNS devapp.notification_recipient
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.notification_recipient;
BEGIN
    SELECT * INTO found_row FROM devapp.notification_recipient r
     WHERE r.name = devapp_internal.canonical_name(find_notification_recipient.name)
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'recipient % does not exist', devapp_internal.quoted(find_notification_recipient.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the recipients with SELECT * FROM devapp.notification_recipient.';
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.add_notification_recipient(name text, team text, role text, email text, webhook_url text)
    RETURNS devapp.notification_recipient
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.notification_recipient;
BEGIN
    IF num_nonnulls(team, role) <> 1 THEN
        RAISE EXCEPTION 'a recipient must belong to either a team or a role'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either team => (a name) or role => (a database role). Developers are reached by their own e-mail.';
    END IF;
    PERFORM devapp_internal.require_one_address(email, webhook_url);
    PERFORM devapp_internal.require_database_role(role);
    INSERT INTO devapp.notification_recipient AS r (name, team_id, role_name, email, webhook_url)
    VALUES (add_notification_recipient.name,
            CASE WHEN team IS NOT NULL THEN (devapp_internal.find_team(team, false)).team_id END,
            role, add_notification_recipient.email, add_notification_recipient.webhook_url)
    ON CONFLICT DO NOTHING
    RETURNING r.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'recipient % already exists', devapp_internal.quoted(add_notification_recipient.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another name, or change its address with devapp.update_notification_recipient.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.add_notification_recipient(
    name text,
    team text DEFAULT NULL,
    role text DEFAULT NULL,
    email text DEFAULT NULL,
    webhook_url text DEFAULT NULL
) RETURNS devapp.notification_recipient
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.add_notification_recipient(text, text, text, text, text) IS
    'Adds an e-mail address or an https URL at which a team or a database role is notified';
SELECT devapp_internal.grant_to('devapp.add_notification_recipient', 'admin');

CREATE FUNCTION devapp_internal.update_notification_recipient(name text, email text, webhook_url text)
    RETURNS devapp.notification_recipient
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.notification_recipient := devapp_internal.find_notification_recipient(name);
BEGIN
    PERFORM devapp_internal.require_one_address(email, webhook_url);
    UPDATE devapp.notification_recipient r
       SET email = update_notification_recipient.email, webhook_url = update_notification_recipient.webhook_url
     WHERE r.recipient_id = changed.recipient_id
    RETURNING r.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.update_notification_recipient(name text, email text DEFAULT NULL, webhook_url text DEFAULT NULL)
    RETURNS devapp.notification_recipient
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.update_notification_recipient(text, text, text) IS 'Changes the address of a recipient';
SELECT devapp_internal.grant_to('devapp.update_notification_recipient', 'admin');

CREATE FUNCTION devapp_internal.remove_notification_recipient(name text) RETURNS devapp.notification_recipient
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    removed devapp.notification_recipient := devapp_internal.find_notification_recipient(name);
BEGIN
    DELETE FROM devapp.notification_recipient r WHERE r.recipient_id = removed.recipient_id;
    RETURN removed;
END
$$;

CREATE FUNCTION devapp.remove_notification_recipient(name text) RETURNS devapp.notification_recipient
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.remove_notification_recipient(text) IS 'Removes a recipient';
SELECT devapp_internal.grant_to('devapp.remove_notification_recipient', 'admin');

-- Where a notification has to be delivered to yet, each address once.
CREATE FUNCTION devapp_internal.notification_addresses(recipients jsonb, delivered_to text[]) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH told AS (
        SELECT r ->> 'kind' AS kind, r ->> 'to' AS address, r ->> 'name' AS name, (r ->> 'team_id')::uuid AS team_id
          FROM jsonb_array_elements(notification_addresses.recipients) AS r
    ), reached AS (
        SELECT 'email' AS kind, t.address, t.name, NULL AS recipient
          FROM told t
         WHERE t.kind = 'developer'
        UNION ALL
        SELECT CASE WHEN n.email IS NULL THEN 'webhook' ELSE 'email' END, coalesce(n.email, n.webhook_url), t.name, n.name
          FROM told t
          JOIN devapp.notification_recipient n ON t.kind = 'team' AND n.team_id = t.team_id
                                               OR t.kind = 'role' AND n.role_name = t.address
    ), each_once AS (
        SELECT DISTINCT ON (r.address) r.*
          FROM reached r
         WHERE r.address <> ALL (notification_addresses.delivered_to)
         ORDER BY r.address, r.recipient NULLS FIRST
    )
    SELECT coalesce(jsonb_agg(to_jsonb(e) ORDER BY e.address), '[]') FROM each_once e
$$;
