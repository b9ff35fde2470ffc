-- Apigee's management API: the keys of an app.

-- A key that is not the app's own does not exist.  It is not named in the error: it may be a
-- secret in the wrong place.
CREATE FUNCTION devapp_internal.apigee_find_key(request devapp_internal.http_request) RETURNS devapp.credential
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant devapp.app := devapp_internal.apigee_find_app(request);
    named constant text := request.params ->> 'key';
    found_row devapp.credential;
BEGIN
    SELECT * INTO found_row FROM devapp.credential c
     WHERE c.consumer_key = named AND c.app_id = the_app.app_id AND c.deleted_at IS NULL;
    IF NOT FOUND THEN
        PERFORM devapp_internal.http_error(404, 'keymanagement.service.InvalidClientIdForGivenApp', 'Invalid consumer key for Given App');
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.apigee_key_form(credential_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.apigee_credential_form(c) FROM devapp.credential c WHERE c.credential_id = apigee_key_form.credential_id
$$;

CREATE FUNCTION devapp_internal.apigee_answer_key(credential_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200, devapp_internal.apigee_key_form(credential_id));
END
$$;

CREATE FUNCTION devapp_internal.apigee_get_key(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.apigee_answer_key((devapp_internal.apigee_find_key(request)).credential_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_key IS 'A key with its products, without its secret';

-- ---------- a pair that the caller brings ----------

-- A part of a pair as Apigee takes it; the value is not shown.
CREATE FUNCTION devapp_internal.apigee_pair_part(body jsonb, name text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given constant text := body ->> name;
BEGIN
    IF (jsonb_typeof(body -> name) = 'string' AND given ~ '^[A-Za-z0-9_-]+$' AND length(given) <= 2048) IS NOT TRUE THEN
        PERFORM devapp_internal.apigee_refuse(format('%s must have 1 to 2048 letters, digits, _ and -', name), 'A pair has both a consumerKey and a consumerSecret.');
    END IF;
    -- in a path, this word creates a key
    IF given = 'create' THEN
        PERFORM devapp_internal.apigee_refuse(format('%s cannot be create', name), 'Choose another one.');
    END IF;
    RETURN given;
END
$$;

-- Clients of Apigee make secrets of 13 characters and more, which devapp would otherwise call weak.
CREATE FUNCTION devapp_internal.apigee_create_key(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant devapp.app := devapp_internal.apigee_find_app(request);
    body constant jsonb := devapp_internal.apigee_body(request);
    secret constant text := devapp_internal.apigee_pair_part(request.body, 'consumerSecret');
    made devapp.credential;
    form jsonb;
BEGIN
    made := devapp.import_credential(
        app => the_app.app_id,
        consumer_key => devapp_internal.apigee_pair_part(request.body, 'consumerKey'),
        consumer_secret => secret,
        kind => 'oauth_client',
        products => '{}',
        weak => length(secret) >= 13,
        expires_in => devapp_internal.apigee_lifetime(body, 'expiresInSeconds', '1 second'),
        attributes => devapp_internal.apigee_attribute_object(body, 'attributes'));
    form := devapp_internal.apigee_key_form(made.credential_id);
    RETURN devapp_internal.json_response(201, form || jsonb_build_object('consumerSecret', secret));
EXCEPTION WHEN unique_violation THEN
    PERFORM devapp_internal.http_error(409, 'keymanagement.service.consumer_key_already_exists', 'Consumer key already exists');
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_create_key IS 'Adds a key and secret that the caller brings; the key has no products yet';

-- ---------- changes ----------

CREATE FUNCTION devapp_internal.apigee_decide_key(credential_id uuid, action text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF action = 'approve' THEN
        PERFORM devapp.approve_credential(credential => credential_id);
    ELSE
        PERFORM devapp.revoke_credential(credential => credential_id);
    END IF;
END
$$;

-- Products are added to those that the key has; attributes and scopes take the place of its own.
CREATE FUNCTION devapp_internal.apigee_change_key(named devapp.credential, body jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    attributes constant jsonb := devapp_internal.apigee_attribute_object(body, 'attributes');
    scopes constant text[] := devapp_internal.apigee_texts(body, 'scopes');
    product text;
BEGIN
    FOREACH product IN ARRAY coalesce(devapp_internal.apigee_product_names(body), '{}') LOOP
        IF NOT EXISTS (SELECT FROM devapp.credential_product cp JOIN devapp.product p ON p.product_id = cp.product_id
                        WHERE cp.credential_id = named.credential_id AND cp.removed_at IS NULL
                          AND p.name = devapp_internal.canonical_name(product)) THEN
            PERFORM devapp.add_credential_product(credential => named.credential_id, product => product);
        END IF;
    END LOOP;
    IF num_nonnulls(attributes, scopes) > 0 THEN
        PERFORM devapp.update_credential(credential => named.credential_id, scopes => scopes, attributes => attributes);
    END IF;
END
$$;

-- The members of a body about a key.  Those of AppGroups have the key and its new status in it.
CREATE FUNCTION devapp_internal.apigee_key_body(request devapp_internal.http_request) RETURNS jsonb
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    inner_name constant text := 'appGroupAppKey';
BEGIN
    IF jsonb_typeof(request.body -> inner_name) = 'object' THEN
        request.body := (request.body - inner_name) || (request.body -> inner_name);
    END IF;
    RETURN devapp_internal.apigee_body(request);
END
$$;

CREATE FUNCTION devapp_internal.apigee_update_key(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.credential := devapp_internal.apigee_find_key(request);
    body constant jsonb := devapp_internal.apigee_key_body(request);
    action constant text := CASE WHEN body ? 'action' THEN devapp_internal.apigee_decision(devapp_internal.apigee_text(body, 'action')) END;
BEGIN
    PERFORM devapp_internal.apigee_change_key(named, body);
    IF action IS NOT NULL THEN
        PERFORM devapp_internal.apigee_decide_key(named.credential_id, action);
    END IF;
    RETURN devapp_internal.apigee_answer_key(named.credential_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_update_key IS 'Adds products to a key; attributes and scopes replace the existing ones';

CREATE FUNCTION devapp_internal.apigee_post_key(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named devapp.credential;
    action text;
    body jsonb;
BEGIN
    -- no key has this name: creating one is what it stands for
    IF request.params ->> 'key' = 'create' THEN
        RETURN devapp_internal.apigee_create_key(request);
    END IF;
    IF NOT request.query ? 'action' THEN
        RETURN devapp_internal.apigee_update_key(request);
    END IF;
    named := devapp_internal.apigee_find_key(request);
    action := devapp_internal.apigee_sent_decision(request);
    IF request.body IS NOT NULL THEN
        body := devapp_internal.apigee_key_body(request);
        PERFORM devapp_internal.apigee_change_key(named, body);
    END IF;
    PERFORM devapp_internal.apigee_decide_key(named.credential_id, action);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_post_key IS 'Approves or revokes a key with action=approve or revoke, and changes it if there is a body';

CREATE FUNCTION devapp_internal.apigee_delete_key(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant devapp.credential := devapp_internal.apigee_find_key(request);
    answer constant devapp_internal.http_response := devapp_internal.apigee_answer_key(named.credential_id);
BEGIN
    PERFORM devapp.delete_credential(credential => named.credential_id);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_key IS 'Deletes a key';

-- ---------- the products of a key ----------

CREATE FUNCTION devapp_internal.apigee_find_key_product(request devapp_internal.http_request, OUT credential_id uuid, OUT product text)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_key constant devapp.credential := devapp_internal.apigee_find_key(request);
    the_product constant devapp.product := devapp_internal.apigee_find_product(request.params ->> 'product');
BEGIN
    IF NOT EXISTS (SELECT FROM devapp.credential_product cp
                    WHERE cp.credential_id = the_key.credential_id AND cp.product_id = the_product.product_id AND cp.removed_at IS NULL) THEN
        PERFORM devapp_internal.http_error(404, 'keymanagement.service.apiproduct_not_associated', 'APIProduct is not associated with consumer key');
    END IF;
    credential_id := the_key.credential_id;
    product := the_product.name;
END
$$;

CREATE FUNCTION devapp_internal.apigee_post_key_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_key_product(request);
    action constant text := devapp_internal.apigee_sent_decision(request);
BEGIN
    PERFORM devapp.set_credential_product_status(credential => named.credential_id, product => named.product, action => action);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_post_key_product IS 'Approves or revokes a product of a key with action=approve or revoke';

CREATE FUNCTION devapp_internal.apigee_delete_key_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_key_product(request);
BEGIN
    PERFORM devapp.remove_credential_product(credential => named.credential_id, product => named.product);
    RETURN devapp_internal.apigee_answer_key(named.credential_id);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_key_product IS 'Removes a product from a key';

SELECT devapp_internal.add_apigee_route(r.method, o.owner || '/apps/{app}/keys' || r.tail, r.function, r.needs)
  FROM unnest(ARRAY['/developers/{developer}', '/companies/{team}', '/appgroups/{team}']) AS o(owner),
       (VALUES ('POST', '', 'apigee_create_key', 'admin'),
               ('GET', '/{key}', 'apigee_get_key', 'read'),
               ('PUT', '/{key}', 'apigee_update_key', 'admin'),
               ('POST', '/{key}', 'apigee_post_key', 'admin'),
               ('DELETE', '/{key}', 'apigee_delete_key', 'admin'),
               ('POST', '/{key}/apiproducts/{product}', 'apigee_post_key_product', 'admin'),
               ('DELETE', '/{key}/apiproducts/{product}', 'apigee_delete_key_product', 'admin')) AS r(method, tail, function, needs);
