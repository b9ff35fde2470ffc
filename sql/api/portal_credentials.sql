-- The portal: credentials of the developer's apps.  A secret is in the answer that made it, and
-- nowhere else; no cache stores an answer.

CREATE FUNCTION devapp_internal.portal_answer_credential(credential_id uuid) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.json_response(200, devapp.get_credential(credential_id));
END
$$;

CREATE FUNCTION devapp_internal.portal_list_credentials(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    most constant integer := devapp_internal.portal_limit(request);
    after constant jsonb := devapp_internal.portal_after(request, 'credentials');
BEGIN
    RETURN devapp_internal.portal_page('credentials',
               ARRAY(SELECT devapp_internal.credential_document(x.c, false)
                       FROM (SELECT c FROM devapp_internal.visible_credentials(the_app) c
                              WHERE c.credential_id > coalesce((after ->> 0)::uuid, '00000000-0000-0000-0000-000000000000')
                              ORDER BY c.credential_id
                              LIMIT most + 1) AS x
                      ORDER BY (x.c).credential_id),
               most, 'credential_id');
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_list_credentials IS 'Credentials of an app, in the order of their ids';

CREATE FUNCTION devapp_internal.portal_issue_credential(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app constant uuid := devapp_internal.portal_app_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'CredentialCreate');
    issued devapp.issued_credential;
BEGIN
    issued := devapp.issue_credential(
        app => the_app,
        kind => body ->> 'kind',
        products => devapp_internal.body_list(body, 'products'),
        environment => body ->> 'environment',
        scopes => devapp_internal.body_list(body, 'scopes'),
        expires_in => (body ->> 'expires_in')::interval,
        attributes => devapp_internal.body_words(body, 'attributes'),
        label => body ->> 'label',
        note => body ->> 'note',
        replaces => body ->> 'replaces',
        overlap => (body ->> 'overlap')::interval,
        allowed_cidrs => devapp_internal.body_list(body, 'allowed_cidrs')::cidr[]);
    RETURN devapp_internal.json_response(201, to_jsonb(issued), devapp_internal.portal_location(request.base_url, '/credentials/' || issued.credential_id));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_issue_credential IS 'Issues or replaces a credential, whose secret only this response contains';

CREATE FUNCTION devapp_internal.portal_get_credential(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.portal_answer_credential(devapp_internal.portal_credential_id(request));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_get_credential IS 'One credential with its products and the versions of its secret, without the secrets';

CREATE FUNCTION devapp_internal.portal_update_credential(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'CredentialChange');
BEGIN
    PERFORM devapp.update_credential(
        credential => the_credential,
        label => devapp_internal.body_change(body, 'label'),
        scopes => devapp_internal.body_list(body, 'scopes'),
        attributes => devapp_internal.body_words(body, 'attributes'),
        allowed_cidrs => devapp_internal.body_list(body, 'allowed_cidrs')::cidr[]);
    RETURN devapp_internal.portal_answer_credential(the_credential);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_update_credential IS 'Changes a credential; what is left out stays, and null clears';

CREATE FUNCTION devapp_internal.portal_delete_credential(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    note constant text := devapp_internal.one_value(request.query, 'note');
BEGIN
    PERFORM devapp.delete_credential(credential => the_credential, note => note);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_delete_credential IS 'Deletes a credential, which stops working at once';

-- ---------- rotation and revocation ----------

CREATE FUNCTION devapp_internal.portal_rotate_credential(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'Rotation');
    issued devapp.issued_credential;
BEGIN
    issued := devapp.rotate_credential(the_credential, coalesce((body ->> 'overlap')::interval, '7 days'), body ->> 'note');
    RETURN devapp_internal.json_response(200, to_jsonb(issued));
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_rotate_credential IS 'Issues a new secret, which only this response contains; the old one works during the overlap';

CREATE FUNCTION devapp_internal.portal_complete_rotation(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'Nothing');
BEGIN
    PERFORM devapp.complete_rotation(the_credential);
    RETURN devapp_internal.portal_answer_credential(the_credential);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_complete_rotation IS 'Ends the old secret of a rotation immediately';

CREATE FUNCTION devapp_internal.portal_cancel_rotation(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'Nothing');
BEGIN
    PERFORM devapp.cancel_rotation(the_credential);
    RETURN devapp_internal.portal_answer_credential(the_credential);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_cancel_rotation IS 'Ends the new secret of a rotation immediately and restores the old one';

CREATE FUNCTION devapp_internal.portal_revoke_credential(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'Revocation');
BEGIN
    PERFORM devapp.revoke_credential(credential => the_credential, note => body ->> 'note', compromised => coalesce((body ->> 'compromised')::boolean, false));
    RETURN devapp_internal.portal_answer_credential(the_credential);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_revoke_credential IS 'Revokes a credential; as compromised, it can never be restored';

-- ---------- products ----------

CREATE FUNCTION devapp_internal.portal_add_credential_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    body constant jsonb := devapp_internal.read_body(request, 'ProductRequest');
BEGIN
    PERFORM devapp.add_credential_product(credential => the_credential, product => body ->> 'product', note => body ->> 'note');
    RETURN devapp_internal.portal_answer_credential(the_credential);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_add_credential_product IS 'Requests a product for a credential';

CREATE FUNCTION devapp_internal.portal_remove_credential_product(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential constant uuid := devapp_internal.portal_credential_id(request);
    product constant text := request.params ->> 'product';
    note constant text := devapp_internal.one_value(request.query, 'note');
BEGIN
    PERFORM devapp.remove_credential_product(credential => the_credential, product => product, note => note);
    RETURN devapp_internal.empty_response(204);
END
$$;
COMMENT ON FUNCTION devapp_internal.portal_remove_credential_product IS 'Removes a product from a credential';

-- ---------- schemas and routes ----------

SELECT devapp_internal.add_schema('Nothing', '{}', is_body => true);
SELECT devapp_internal.add_schema('Association', '{
    "name": "string: Name of the product", "status": "pending|approved|revoked", "asked_at": "time", "decided_by": "string?", "decided_at": "time?",
    "decision_note": "string?"}');
SELECT devapp_internal.add_schema('Secret', '{
    "version": "integer", "valid_from": "time", "superseded_at": "time?", "valid_until": "time?", "ended_at": "time?", "last_used_at": "time?",
    "last_seen_at": "time?"}');
SELECT devapp_internal.add_schema('Credential', '{
    "credential_id": "uuid", "consumer_key": "string: Its public part", "label": "string?", "kind": "api_key|oauth_client|jwt", "environment": "string?",
    "status": "approved|revoked|compromised", "effective_status": "string: active, or what keeps it from working", "decided_by": "string?",
    "decided_at": "time?", "decision_note": "string?", "scopes": "[string]", "allowed_cidrs": "[string]", "attributes": "words", "issued_at": "time",
    "expires_at": "time?", "revoked_at": "time?", "replaces": "uuid?", "last_used_at": "time?", "last_seen_at": "time?",
    "pending_products": "[string]", "products": "[#Association]", "secrets": "[#Secret]"}');
SELECT devapp_internal.add_schema('CredentialDetail', '{"products": "[#CredentialProduct]", "app": "#AppSummary"}', extends => 'Credential');
SELECT devapp_internal.add_schema('IssuedCredential', '{
    "app_id": "uuid", "app_status": "string", "credential_id": "uuid", "kind": "api_key|oauth_client|jwt", "consumer_key": "string: Its public part",
    "secret": "string: The whole key, client secret or token: it is shown once and stored nowhere", "secret_version": "integer", "status": "string",
    "environment": "string?", "products": "[string]", "expires_at": "time?", "previous_valid_until": "time?: Until when the secret before works",
    "pending_products": "[string]?"}');
SELECT devapp_internal.add_schema('CredentialCreate', '{
    "kind?": "api_key|oauth_client|jwt", "products?": "[string]?: Their names; those of the other credentials if it is left out", "environment?": "string?",
    "scopes?": "[string]?", "expires_in?": "string?: Such as 90 days or P90D", "attributes?": "words?", "label?": "string?", "note?": "string?",
    "replaces?": "string?: Id or consumer key of a credential that ends after the overlap", "overlap?": "string?: 7 days if it is left out",
    "allowed_cidrs?": "[string]?"}', is_body => true);
SELECT devapp_internal.add_schema('CredentialChange', '{
    "label?": "string?", "scopes?": "[string]?", "attributes?": "words?", "allowed_cidrs?": "[string]?"}', is_body => true);
SELECT devapp_internal.add_schema('Rotation', '{"overlap?": "string?: How long the old secret works, such as 1 day or PT1H; 7 days if it is left out", "note?": "string?"}', is_body => true);
SELECT devapp_internal.add_schema('Revocation', '{"compromised?": "boolean?: Others know the secret, so it never works again", "note?": "string?"}', is_body => true);

SELECT devapp_internal.add_portal_list('/apps/{app}/credentials', 'portal_list_credentials', 'Credential');
SELECT devapp_internal.add_portal_route('POST', '/apps/{app}/credentials', 'portal_issue_credential', '{"201": "#IssuedCredential"}', body => 'CredentialCreate');
SELECT devapp_internal.add_portal_route('GET', '/credentials/{credential}', 'portal_get_credential', '{"200": "#CredentialDetail"}');
SELECT devapp_internal.add_portal_route('PATCH', '/credentials/{credential}', 'portal_update_credential', '{"200": "#CredentialDetail"}', body => 'CredentialChange');
SELECT devapp_internal.add_portal_route('DELETE', '/credentials/{credential}', 'portal_delete_credential', '{"204": null}', '{"note": "string: Why; it stays in the history"}');
SELECT devapp_internal.add_portal_route('POST', '/credentials/{credential}/rotate', 'portal_rotate_credential', '{"200": "#IssuedCredential"}', body => 'Rotation');
SELECT devapp_internal.add_portal_route('POST', '/credentials/{credential}/complete-rotation', 'portal_complete_rotation', '{"200": "#CredentialDetail"}', body => 'Nothing');
SELECT devapp_internal.add_portal_route('POST', '/credentials/{credential}/cancel-rotation', 'portal_cancel_rotation', '{"200": "#CredentialDetail"}', body => 'Nothing');
SELECT devapp_internal.add_portal_route('POST', '/credentials/{credential}/revoke', 'portal_revoke_credential', '{"200": "#CredentialDetail"}', body => 'Revocation');
SELECT devapp_internal.add_portal_route('POST', '/credentials/{credential}/products', 'portal_add_credential_product', '{"200": "#CredentialDetail"}', body => 'ProductRequest');
SELECT devapp_internal.add_portal_route('DELETE', '/credentials/{credential}/products/{product}', 'portal_remove_credential_product', '{"204": null}', '{"note": "string: Why; it stays in the history"}');
