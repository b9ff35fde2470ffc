-- Apigee's management API: apps of developers and of teams, which are its companies and AppGroups.

-- ---------- the form ----------

-- The lists of names with the statuses of their associations, in the order in which they are asked.
CREATE FUNCTION devapp_internal.apigee_credential_form(c devapp.credential) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
               'consumerKey', c.consumer_key,
               'apiProducts', (SELECT coalesce(jsonb_agg(jsonb_build_object('apiproduct', p.name, 'status', cp.status) ORDER BY cp.ordinal), '[]')
                                 FROM devapp.credential_product cp JOIN devapp.product p ON p.product_id = cp.product_id
                                WHERE cp.credential_id = c.credential_id AND cp.removed_at IS NULL),
               'scopes', c.scopes,
               'attributes', devapp_internal.apigee_attribute_list(c.attributes),
               'issuedAt', devapp_internal.apigee_millis(c.issued_at),
               'expiresAt', coalesce(devapp_internal.apigee_millis(c.expires_at), '-1'),
               'status', CASE c.status WHEN 'compromised' THEN 'revoked' ELSE c.status END)
$$;

-- At Apigee what people read of an app are attributes.
CREATE FUNCTION devapp_internal.apigee_app_attributes(a devapp.app) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.attributes || jsonb_strip_nulls(jsonb_build_object('DisplayName', a.display_name, 'Notes', a.description))
$$;

CREATE FUNCTION devapp_internal.apigee_app_form(a devapp.app, with_credentials boolean DEFAULT true) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH live AS (
        SELECT c FROM devapp.credential c WHERE c.app_id = a.app_id AND c.deleted_at IS NULL
    )
    SELECT jsonb_strip_nulls(jsonb_build_object(
               'appId', a.app_id,
               'name', a.name,
               'developerId', a.developer_id,
               'companyName', t.name,
               'appGroup', t.name,
               'appFamily', coalesce(a.app_family, 'default'),
               'status', a.status,
               'callbackUrl', coalesce(a.callback_urls[1], ''),
               'scopes', a.scopes,
               'attributes', devapp_internal.apigee_attribute_list(devapp_internal.apigee_app_attributes(a)),
               'apiProducts', (SELECT coalesce(jsonb_agg(x.name ORDER BY x.first), '[]')
                                 FROM (SELECT p.name, min(cp.ordinal) AS first
                                         FROM live
                                         JOIN devapp.credential_product cp ON cp.credential_id = (live.c).credential_id AND cp.removed_at IS NULL
                                         JOIN devapp.product p ON p.product_id = cp.product_id
                                        GROUP BY p.name) AS x),
               'keyExpiresIn', coalesce((SELECT floor(EXTRACT(epoch FROM (live.c).expires_at - (live.c).issued_at) * 1000)::bigint::text
                                           FROM live ORDER BY (live.c).issued_at, (live.c).credential_id LIMIT 1), '-1'),
               'credentials', CASE WHEN with_credentials
                                   THEN (SELECT coalesce(jsonb_agg(devapp_internal.apigee_credential_form(live.c)
                                                                   ORDER BY (live.c).issued_at, (live.c).credential_id), '[]') FROM live) END,
               'createdAt', devapp_internal.apigee_millis(a.created_at),
               'lastModifiedAt', devapp_internal.apigee_millis(a.updated_at)))
      FROM (SELECT 1) AS one
      LEFT JOIN devapp.team t ON t.team_id = a.team_id
$$;

-- The form of an app that has just got a credential, with its secret.
CREATE FUNCTION devapp_internal.apigee_with_secret(form jsonb, issued devapp.issued_credential) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    FOR i IN 0 .. jsonb_array_length(form -> 'credentials') - 1 LOOP
        IF form #>> ARRAY['credentials', i::text, 'consumerKey'] = issued.consumer_key THEN
            RETURN jsonb_set(form, ARRAY['credentials', i::text, 'consumerSecret'], to_jsonb(issued.secret));
        END IF;
    END LOOP;
    RETURN form;
END
$$;

-- ---------- finding one ----------

-- The owner whom a path names, for public functions; label is Apigee's word for it in errors.
CREATE FUNCTION devapp_internal.apigee_owner(request devapp_internal.http_request, OUT developer_id uuid, OUT team_id uuid, OUT developer text, OUT team text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_developer devapp.developer;
    the_team devapp.team;
BEGIN
    IF request.params ? 'developer' THEN
        the_developer := devapp_internal.apigee_find_developer(request);
        developer_id := the_developer.developer_id;
        developer := the_developer.email;
    ELSE
        the_team := devapp_internal.apigee_find_team(request);
        team_id := the_team.team_id;
        team := the_team.name;
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.apigee_find_app(request devapp_internal.http_request) RETURNS devapp.app
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'app';
    owner constant record := devapp_internal.apigee_owner(request);
    found_row devapp.app;
BEGIN
    SELECT * INTO found_row FROM devapp.app a
     WHERE a.name = devapp_internal.canonical_name(named) AND a.deleted_at IS NULL
       AND (a.developer_id = owner.developer_id OR a.team_id = owner.team_id);
    IF NOT FOUND THEN
        PERFORM devapp_internal.http_error(404, 'developer.service.AppDoesNotExist',
                    format('App named %s does not exist under %s', devapp_internal.masked(named), coalesce(owner.developer, owner.team)));
    END IF;
    RETURN found_row;
END
$$;

-- As a change made it, or as it was.
CREATE FUNCTION devapp_internal.apigee_answer_app(status integer, app_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form constant jsonb := (SELECT devapp_internal.apigee_app_form(a) FROM devapp.app a WHERE a.app_id = apigee_answer_app.app_id);
BEGIN
    RETURN devapp_internal.json_response(status, form);
END
$$;

-- The same with the secret of a new credential.
CREATE FUNCTION devapp_internal.apigee_answer_issued(status integer, issued devapp.issued_credential) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form constant jsonb := (SELECT devapp_internal.apigee_app_form(a) FROM devapp.app a WHERE a.app_id = issued.app_id);
BEGIN
    RETURN devapp_internal.json_response(status, devapp_internal.apigee_with_secret(form, issued));
END
$$;

-- ---------- lists ----------

CREATE FUNCTION devapp_internal.apigee_app_forms(apps devapp.app[], with_credentials boolean DEFAULT true) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(devapp_internal.apigee_app_form(apps[n], with_credentials) ORDER BY n), '[]') FROM generate_subscripts(apps, 1) AS n
$$;

CREATE FUNCTION devapp_internal.apigee_owned_apps(developer_id uuid, team_id uuid, start_key text, most integer) RETURNS devapp.app[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT a FROM devapp.app a
                  WHERE a.deleted_at IS NULL
                    AND (a.developer_id = apigee_owned_apps.developer_id OR a.team_id = apigee_owned_apps.team_id)
                    AND (start_key IS NULL OR a.name COLLATE "C" >= devapp_internal.canonical_name(start_key))
                  ORDER BY a.name COLLATE "C"
                  LIMIT most)
$$;

CREATE FUNCTION devapp_internal.apigee_list_owned_apps(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    owner constant record := devapp_internal.apigee_owner(request);
    apps constant devapp.app[] := devapp_internal.apigee_owned_apps(owner.developer_id, owner.team_id,
                                      devapp_internal.one_value(request.query, 'startKey'), devapp_internal.apigee_count(request, 'count', 100));
    names constant jsonb := (SELECT jsonb_agg(a.name) FROM unnest(apps) AS a);
BEGIN
    RETURN devapp_internal.apigee_answer_list(names, 'app',
               CASE WHEN devapp_internal.apigee_flag(request, 'expand') THEN devapp_internal.apigee_app_forms(apps) END);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_owned_apps IS 'Names of the apps of a developer or company, or the apps with expand=true';

-- Of the whole organization, by id.
CREATE FUNCTION devapp_internal.apigee_list_apps(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most constant integer := devapp_internal.apigee_count(request, 'rows', 1000);
    start_key constant text := devapp_internal.one_value(request.query, 'startKey');
    start_id constant uuid := devapp_internal.reference_uuid(start_key);
    ids constant text[] := string_to_array(lower(devapp_internal.one_value(request.query, 'ids')), ',');
    app_status constant text := lower(devapp_internal.one_value(request.query, 'status'));
    key_status constant text := lower(devapp_internal.one_value(request.query, 'keyStatus'));
    app_type constant text := lower(coalesce(devapp_internal.one_value(request.query, 'apptype'), devapp_internal.one_value(request.query, 'appType')));
    family constant text := devapp_internal.one_value(request.query, 'appfamily');
    product constant text := coalesce(devapp_internal.one_value(request.query, 'apiProduct'), devapp_internal.one_value(request.query, 'apiproduct'));
    wanted_product constant uuid := CASE WHEN product IS NOT NULL THEN (devapp_internal.apigee_find_product(product)).product_id END;
    with_credentials constant boolean := lower(devapp_internal.one_value(request.query, 'includeCred')) IS DISTINCT FROM 'false';
    apps devapp.app[];
    names jsonb;
BEGIN
    IF start_key <> '' AND start_id IS NULL THEN
        PERFORM devapp_internal.apigee_refuse('startKey must be the id of an app');
    END IF;
    apps := ARRAY(
        SELECT a FROM devapp.app a
         WHERE a.deleted_at IS NULL
           AND (start_id IS NULL OR a.app_id >= start_id)
           AND (ids IS NULL OR a.app_id::text = ANY (ids))
           AND (app_status IS NULL OR a.status = app_status)
           AND (app_type IS NULL OR (app_type = 'developer') = (a.developer_id IS NOT NULL))
           AND (family IS NULL OR coalesce(a.app_family, 'default') = family)
           AND (num_nonnulls(key_status, wanted_product) = 0
                OR EXISTS (SELECT FROM devapp.credential c
                            WHERE c.app_id = a.app_id AND c.deleted_at IS NULL
                              AND (key_status IS NULL OR c.status = key_status)
                              AND (wanted_product IS NULL
                                   OR EXISTS (SELECT FROM devapp.credential_product cp
                                               WHERE cp.credential_id = c.credential_id AND cp.product_id = wanted_product
                                                 AND cp.removed_at IS NULL))))
         ORDER BY a.app_id
         LIMIT most);
    names := (SELECT jsonb_agg(a.app_id) FROM unnest(apps) AS a);
    RETURN devapp_internal.apigee_answer_list(names, 'app',
               CASE WHEN ids IS NOT NULL OR devapp_internal.apigee_flag(request, 'expand')
                    THEN devapp_internal.apigee_app_forms(apps, with_credentials) END);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_list_apps IS 'Ids of all apps, or the apps with expand=true; by status, key status, product, owner and family';

-- ---------- one app ----------

CREATE FUNCTION devapp_internal.apigee_get_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.app := devapp_internal.apigee_find_app(request);
BEGIN
    RETURN devapp_internal.apigee_answer_app(200, named.app_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_app IS 'An app with its keys, without their secrets';

-- There, no family is called default; null where it stays, '' where it is cleared.
CREATE FUNCTION devapp_internal.apigee_family(body jsonb) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := devapp_internal.apigee_change(body, 'appFamily');
BEGIN
    RETURN CASE given WHEN 'default' THEN '' ELSE given END;
END
$$;

-- The kind of a new key.  Apigee's keys have no kind, so a setting says it unless the body does.
CREATE FUNCTION devapp_internal.apigee_kind(body jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(devapp_internal.apigee_text(body, 'kind'), devapp_internal.setting('apigee_kind'));
END
$$;

CREATE FUNCTION devapp_internal.apigee_create_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    owner constant record := devapp_internal.apigee_owner(request);
    attributes constant jsonb := devapp_internal.apigee_attribute_object(body, 'attributes');
    issued devapp.issued_credential;
BEGIN
    issued := devapp.create_app(
        name => devapp_internal.apigee_text(body, 'name'),
        developer => owner.developer,
        team => owner.team,
        products => devapp_internal.apigee_product_names(body),
        display_name => attributes ->> 'DisplayName',
        description => attributes ->> 'Notes',
        callback_urls => array_remove(ARRAY[nullif(devapp_internal.apigee_text(body, 'callbackUrl'), '')], NULL),
        scopes => devapp_internal.apigee_texts(body, 'scopes'),
        app_family => nullif(devapp_internal.apigee_family(body), ''),
        attributes => attributes - '{DisplayName,Notes}'::text[],
        kind => devapp_internal.apigee_kind(body),
        expires_in => devapp_internal.apigee_lifetime(body, 'keyExpiresIn', '1 millisecond'));
    RETURN devapp_internal.apigee_answer_issued(201, issued);
EXCEPTION WHEN unique_violation THEN
    PERFORM devapp_internal.http_error(409, 'developer.service.AppWithNameAlreadyExists',
                format('App with name %s already exists', devapp_internal.masked(body ->> 'name')));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_create_app IS 'Creates an app with a first key, whose secret only this answer shows';

-- A callback URL takes the place of the first; null where they stay.
CREATE FUNCTION devapp_internal.apigee_callbacks(a devapp.app, given text) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN given = '' THEN a.callback_urls[2:]
                WHEN given IS NOT NULL THEN given || array_remove(a.callback_urls[2:], given) END;
END
$$;

-- Products of the body that the app does not have get a key of their own, as at Apigee.
CREATE FUNCTION devapp_internal.apigee_update_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    body constant jsonb := devapp_internal.apigee_body(request);
    -- locked, because of its callback URLs
    named constant devapp.app := devapp_internal.find_live_app((devapp_internal.apigee_find_app(request)).app_id, true);
    attributes constant jsonb := devapp_internal.apigee_attribute_object(body, 'attributes');
    products constant text[] := devapp_internal.apigee_product_names(body);
    present constant jsonb := CASE WHEN products <> '{}' THEN devapp_internal.apigee_app_form(named, false) -> 'apiProducts' END;
    new_products constant text[] := ARRAY(SELECT p FROM unnest(products) AS p WHERE NOT present ? devapp_internal.canonical_name(p));
    issued devapp.issued_credential;
BEGIN
    PERFORM devapp_internal.apigee_require_name(body, named.name);
    -- first, since scopes of the app may be theirs
    IF new_products <> '{}' THEN
        issued := devapp_internal.apigee_issue_key(named.app_id, new_products, body - '{attributes,scopes}'::text[]);
    END IF;
    PERFORM devapp.update_app(
        app => named.app_id,
        display_name => CASE WHEN attributes IS NOT NULL THEN coalesce(attributes ->> 'DisplayName', '') END,
        description => CASE WHEN attributes IS NOT NULL THEN coalesce(attributes ->> 'Notes', '') END,
        callback_urls => devapp_internal.apigee_callbacks(named, devapp_internal.apigee_change(body, 'callbackUrl')),
        scopes => devapp_internal.apigee_texts(body, 'scopes'),
        app_family => devapp_internal.apigee_family(body),
        attributes => attributes - '{DisplayName,Notes}'::text[]);
    IF new_products = '{}' THEN
        RETURN devapp_internal.apigee_answer_app(200, named.app_id);
    END IF;
    RETURN devapp_internal.apigee_answer_issued(200, issued);
END
$$;

CREATE FUNCTION devapp_internal.apigee_issue_key(app_id uuid, products text[], body jsonb) RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp.issue_credential(
        app => app_id,
        products => products,
        kind => devapp_internal.apigee_kind(body),
        scopes => devapp_internal.apigee_texts(body, 'scopes'),
        attributes => devapp_internal.apigee_attribute_object(body, 'attributes'),
        expires_in => devapp_internal.apigee_lifetime(body, 'keyExpiresIn', '1 millisecond'));
END
$$;

-- ---------- the status ----------

-- The action of a query, without the d of approved and revoked.
CREATE FUNCTION devapp_internal.apigee_decision(action text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lower(action) IN ('approve', 'approved', 'revoke', 'revoked') IS NOT TRUE THEN
        PERFORM devapp_internal.apigee_refuse('action must be approve or revoke', 'For example ?action=revoke.');
    END IF;
    RETURN rtrim(lower(action), 'd');
END
$$;

CREATE FUNCTION devapp_internal.apigee_sent_decision(request devapp_internal.http_request) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_decision(devapp_internal.one_value(request.query, 'action'));
END
$$;

-- Apps are approved or revoked there; here they can be pending, rejected or suspended as well.
CREATE FUNCTION devapp_internal.apigee_decide_app(a devapp.app, action text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF action = 'revoke' THEN
        IF a.status = 'pending' THEN
            PERFORM devapp.reject_app(app => a.app_id);
        ELSIF a.status <> 'rejected' THEN
            PERFORM devapp.revoke_app(app => a.app_id);
        END IF;
        RETURN;
    END IF;
    IF a.status = 'suspended' THEN
        PERFORM devapp.resume_app(app => a.app_id);
    ELSE
        IF a.status = 'rejected' THEN
            PERFORM devapp.resubmit_app(app => a.app_id);
        END IF;
        PERFORM devapp.approve_app(app => a.app_id);
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.apigee_set_app_status(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.app := devapp_internal.apigee_find_app(request);
    action constant text := devapp_internal.apigee_sent_decision(request);
BEGIN
    PERFORM devapp_internal.apigee_decide_app(named, action);
    RETURN devapp_internal.empty_response(204);
END
$$;

CREATE FUNCTION devapp_internal.apigee_post_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named devapp.app;
    body jsonb;
BEGIN
    IF request.query ? 'action' THEN
        RETURN devapp_internal.apigee_set_app_status(request);
    END IF;
    named := devapp_internal.apigee_find_app(request);
    body := devapp_internal.apigee_body(request);
    RETURN devapp_internal.apigee_answer_issued(200,
               devapp_internal.apigee_issue_key(named.app_id, coalesce(devapp_internal.apigee_product_names(body), '{}'), body));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_post_app IS 'Approves or revokes an app with action=approve or revoke; without an action it adds a key';

-- Those of AppGroups get their status by PUT.
CREATE FUNCTION devapp_internal.apigee_put_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN request.query ? 'action' THEN devapp_internal.apigee_set_app_status(request)
                ELSE devapp_internal.apigee_update_app(request) END;
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_put_app IS 'Changes an app; products that it does not have get a new key; action=approve or revoke sets its status';

CREATE FUNCTION devapp_internal.apigee_remove_app(app_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer constant devapp_internal.http_response := devapp_internal.apigee_answer_app(200, app_id);
BEGIN
    PERFORM devapp.delete_app(app => app_id);
    RETURN answer;
END
$$;

CREATE FUNCTION devapp_internal.apigee_delete_app(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_remove_app((devapp_internal.apigee_find_app(request)).app_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_app IS 'Deletes an app with its keys';

-- ---------- by id ----------

CREATE FUNCTION devapp_internal.apigee_find_app_id(request devapp_internal.http_request) RETURNS uuid
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant text := request.params ->> 'app';
    found_id uuid;
BEGIN
    SELECT a.app_id INTO found_id FROM devapp.app a WHERE a.app_id = devapp_internal.reference_uuid(named) AND a.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM devapp_internal.http_error(404, 'developer.service.AppDoesNotExist', format('App with id %s does not exist', devapp_internal.masked(named)));
    END IF;
    RETURN found_id;
END
$$;

CREATE FUNCTION devapp_internal.apigee_get_app_by_id(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_answer_app(200, devapp_internal.apigee_find_app_id(request));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_app_by_id IS 'An app with its keys, by id';

CREATE FUNCTION devapp_internal.apigee_delete_app_by_id(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_remove_app(devapp_internal.apigee_find_app_id(request));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_app_by_id IS 'Deletes an app with its keys, by id';

SELECT devapp_internal.add_apigee_route('GET', '/apps', 'apigee_list_apps', 'read');
SELECT devapp_internal.add_apigee_route('GET', '/apps/{app}', 'apigee_get_app_by_id', 'read');
SELECT devapp_internal.add_apigee_route('DELETE', '/apps/{app}', 'apigee_delete_app_by_id', 'admin');
SELECT devapp_internal.add_apigee_route('GET', '/developers/{developer}/apps', 'apigee_list_owned_apps', 'read');
SELECT devapp_internal.add_apigee_route('GET', '/companies/{team}/apps', 'apigee_list_owned_apps', 'read');
SELECT devapp_internal.add_apigee_route(r.method, o.owner || '/apps' || r.tail, r.function, r.needs)
  FROM unnest(ARRAY['/developers/{developer}', '/companies/{team}', '/appgroups/{team}']) AS o(owner),
       (VALUES ('POST', '', 'apigee_create_app', 'admin'),
               ('GET', '/{app}', 'apigee_get_app', 'read'),
               ('PUT', '/{app}', 'apigee_put_app', 'admin'),
               ('POST', '/{app}', 'apigee_post_app', 'admin'),
               ('DELETE', '/{app}', 'apigee_delete_app', 'admin')) AS r(method, tail, function, needs);
