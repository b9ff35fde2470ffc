-- Whom to tell, and how a notification is queued.
--
-- The outbox is written by its functions and triggers only.  They run as the owner
-- of the extension, so nobody needs a right on the table to set off a notification,
-- and whoever has none cannot forge one.

-- With the id of a developer or a team, by which it is known that somebody was told, whatever
-- becomes of the address.
CREATE FUNCTION devapp_internal.make_recipient(kind text, address text, name text, why text, id uuid) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('kind', kind, 'to', address, 'name', name, 'why', why)
           || CASE WHEN id IS NULL THEN '{}' ELSE jsonb_build_object(kind || '_id', id) END;

-- What to call a person.  (Here and below columns, not rows: a function that is bound
-- when it is made and uses a row type would be in the way of a new column.)
CREATE FUNCTION devapp_internal.person_name(first_name text, last_name text, user_name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(nullif(concat_ws(' ', nullif(first_name, ''), nullif(last_name, '')), ''), nullif(user_name, ''));

-- A team, if it has an address of its own; no element if it has none.
CREATE FUNCTION devapp_internal.team_recipient(team_id uuid, why text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF team_recipient.team_id IS NULL THEN
        RETURN '[]';
    END IF;
    RETURN coalesce((SELECT jsonb_build_array(devapp_internal.make_recipient('team', t.name, t.display_name, team_recipient.why, t.team_id))
                       FROM devapp.team t
                      WHERE t.team_id = team_recipient.team_id
                        AND EXISTS (SELECT FROM devapp.notification_recipient n WHERE n.team_id = t.team_id)), '[]');
END
$$;

-- The owner of an app by name, and the people to tell: the developer, or the team's
-- admins, or all members where it has no active admin, and the team's own address.  About a
-- credential only those members are told who have its environment.  A set-returning function
-- without SET, so that the planner puts it in its place in a query over many apps; most are of
-- developers, for whom nothing has to be sorted.
CREATE FUNCTION devapp_internal.owner_contact(developer_id uuid, team_id uuid, of_credential boolean, environment text)
    RETURNS TABLE (owner text, recipients jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(o.email, t.name),
           CASE WHEN owner_contact.team_id IS NOT NULL THEN
               (WITH active AS (
                    SELECT d.developer_id, d.email, devapp_internal.person_name(d.first_name, d.last_name, d.user_name) AS name, m.role,
                           bool_or(m.role = 'admin') OVER () AS has_admin
                      FROM devapp.team_member m
                      JOIN devapp.developer d ON d.developer_id = m.developer_id
                     WHERE m.team_id = owner_contact.team_id
                       AND (NOT of_credential OR m.environments IS NULL OR owner_contact.environment = ANY (m.environments))
                       AND d.status = 'active' AND d.deleted_at IS NULL
                )
                SELECT coalesce(jsonb_agg(devapp_internal.make_recipient('developer', x.email, x.name,
                                              CASE x.role WHEN 'admin' THEN 'team_admin' ELSE 'owner' END, x.developer_id) ORDER BY x.email), '[]')
                       || devapp_internal.team_recipient(owner_contact.team_id, 'owner')
                  FROM active x
                 WHERE NOT x.has_admin OR x.role = 'admin')
           WHEN o.status = 'active' AND o.deleted_at IS NULL THEN
               jsonb_build_array(devapp_internal.make_recipient('developer', o.email,
                   devapp_internal.person_name(o.first_name, o.last_name, o.user_name), 'owner', o.developer_id))
           ELSE '[]' END
      FROM (SELECT) AS one_row
      LEFT JOIN devapp.developer o ON o.developer_id = owner_contact.developer_id
      LEFT JOIN devapp.team t ON t.team_id = owner_contact.team_id;
END;

-- Who decides about products of an owner's app: their approvers, but nobody about an
-- app of his own; and the administrators, where no approver may decide about all of
-- them.
CREATE FUNCTION devapp_internal.approver_contact(products uuid[], developer_id uuid, team_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        WITH approver AS (
            SELECT a.product_id,
                   devapp_internal.make_recipient('developer', d.email, devapp_internal.person_name(d.first_name, d.last_name, d.user_name),
                                     'approver', d.developer_id) AS recipient
              FROM devapp.product_approver a
              JOIN devapp.team t ON t.team_id = a.team_id
              JOIN devapp.team_member m ON m.team_id = t.team_id
              JOIN devapp.developer d ON d.developer_id = m.developer_id
             WHERE a.product_id = ANY (approver_contact.products)
               AND t.status = 'active' AND t.deleted_at IS NULL
               AND d.status = 'active' AND d.deleted_at IS NULL
               AND d.developer_id IS DISTINCT FROM approver_contact.developer_id
               AND NOT EXISTS (SELECT FROM devapp.team_member o
                                WHERE o.team_id = approver_contact.team_id AND o.developer_id = d.developer_id)
            UNION ALL
            SELECT a.product_id, devapp_internal.make_recipient('role', a.role_name, NULL, 'approver', NULL)
              FROM devapp.product_approver a
              JOIN pg_roles r ON r.rolname = a.role_name
             WHERE a.product_id = ANY (approver_contact.products)
        ), told AS (
            SELECT DISTINCT a.recipient FROM approver a
            UNION ALL
            -- beside its members, who decide
            SELECT DISTINCT r.recipient
              FROM devapp.product_approver a
              JOIN devapp.team t ON t.team_id = a.team_id
             CROSS JOIN LATERAL jsonb_array_elements(devapp_internal.team_recipient(t.team_id, 'approver')) AS r(recipient)
             WHERE a.product_id = ANY (approver_contact.products)
               AND t.status = 'active' AND t.deleted_at IS NULL
               AND t.team_id IS DISTINCT FROM approver_contact.team_id
            UNION ALL
            SELECT devapp_internal.make_recipient('role', 'devapp_admin', NULL, 'approver', NULL)
             WHERE NOT EXISTS (SELECT FROM approver a
                                GROUP BY a.recipient
                               HAVING count(DISTINCT a.product_id) = cardinality(approver_contact.products))
        )
        SELECT jsonb_agg(t.recipient ORDER BY t.recipient ->> 'kind', t.recipient ->> 'to') FROM told t);
END
$$;

-- The names and ids of an app's products in a status.
CREATE FUNCTION devapp_internal.app_products(app_id uuid, status text, OUT ids uuid[], OUT names text[])
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT coalesce(array_agg(x.product_id ORDER BY x.ordinal), '{}'), coalesce(array_agg(x.name ORDER BY x.ordinal), '{}')
      INTO ids, names
      FROM (SELECT p.product_id, p.name, min(cp.ordinal) AS ordinal
              FROM devapp.credential c
              JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
              JOIN devapp.product p ON p.product_id = cp.product_id
             WHERE c.app_id = app_products.app_id
               AND (app_products.status <> 'pending' OR devapp_internal.can_yet_work(c.status, c.expires_at))
               AND cp.status = app_products.status
               AND cp.removed_at IS NULL
             GROUP BY p.product_id) AS x;
END
$$;

CREATE FUNCTION devapp_internal.app_payload(name text, display_name text, status text, owner text) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('app', name, 'display_name', display_name, 'app_status', status, 'owner', owner);

CREATE FUNCTION devapp_internal.credential_payload(consumer_key text, environment text, expires_at timestamptz) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN jsonb_build_object('consumer_key', consumer_key, 'environment', environment, 'expires_at', expires_at);

-- A notification that was queued before its app was renamed says the present name.
CREATE FUNCTION devapp_internal.present_payload(payload jsonb, app_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT (payload - 'display_name') || jsonb_strip_nulls(jsonb_build_object('app', a.name, 'display_name', a.display_name))
                       FROM devapp.app a WHERE a.app_id = present_payload.app_id), payload)
$$;

-- Without recipients they are those of the owner; nobody to tell, no notification.
CREATE FUNCTION devapp_internal.queue_notification(
    event text,
    app devapp.app,
    credential devapp.credential,
    product_id uuid,
    recipients jsonb,
    details jsonb
) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    contact record;
BEGIN
    SELECT o.owner, coalesce(queue_notification.recipients, o.recipients) AS recipients INTO contact
      FROM devapp_internal.owner_contact(app.developer_id, app.team_id, credential.credential_id IS NOT NULL,
                                         credential.environment) AS o;
    IF contact.recipients = '[]' THEN
        RETURN;
    END IF;
    INSERT INTO devapp.notification (event, app_id, credential_id, product_id, recipients, payload)
    VALUES (queue_notification.event, app.app_id, credential.credential_id, queue_notification.product_id, contact.recipients,
            jsonb_strip_nulls(devapp_internal.app_payload(app.name, app.display_name, app.status, contact.owner)
                              || devapp_internal.credential_payload(credential.consumer_key, credential.environment,
                                                            credential.expires_at)
                              || details));
END
$$;
