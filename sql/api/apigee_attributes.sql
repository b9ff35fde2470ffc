-- Apigee's management API: the attributes of developers, API products, apps and companies, all and one at a time.

-- What a path is about: as devapp.set_attribute() names it, with the attributes that Apigee sees.
CREATE FUNCTION devapp_internal.apigee_find_entity(request devapp_internal.http_request, OUT entity text, OUT id text, OUT attributes jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app;
    the_product devapp.product;
    the_developer devapp.developer;
    the_team devapp.team;
BEGIN
    IF request.params ? 'app' THEN
        the_app := devapp_internal.apigee_find_app(request);
        entity := 'app';
        id := the_app.app_id;
        attributes := devapp_internal.apigee_app_attributes(the_app);
    ELSIF request.params ? 'product' THEN
        the_product := devapp_internal.apigee_find_product(request.params ->> 'product');
        entity := 'product';
        id := the_product.name;
        attributes := devapp_internal.apigee_product_attributes(the_product);
    ELSIF request.params ? 'developer' THEN
        the_developer := devapp_internal.apigee_find_developer(request);
        entity := 'developer';
        id := the_developer.email;
        attributes := the_developer.attributes;
    ELSE
        the_team := devapp_internal.apigee_find_team(request);
        entity := 'team';
        id := the_team.name;
        attributes := the_team.attributes;
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.apigee_get_attributes(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_entity(request);
BEGIN
    RETURN devapp_internal.json_response(200, jsonb_build_object('attribute', devapp_internal.apigee_attribute_list(named.attributes)));
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_attributes IS 'All attributes';

CREATE FUNCTION devapp_internal.apigee_put_attributes(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_entity(request);
    body constant jsonb := devapp_internal.apigee_body(request);
    given constant jsonb := devapp_internal.apigee_attribute_object(body, 'attribute');
BEGIN
    IF given IS NULL THEN
        PERFORM devapp_internal.apigee_refuse('attribute must be an array of names and values', 'For example {"attribute": [{"name": "tier", "value": "gold"}]}.');
    END IF;
    CASE named.entity
        WHEN 'app' THEN
            PERFORM devapp.update_app(app => named.id, display_name => coalesce(given ->> 'DisplayName', ''),
                        description => coalesce(given ->> 'Notes', ''), attributes => given - '{DisplayName,Notes}'::text[]);
        WHEN 'product' THEN
            PERFORM devapp.update_product(product => named.id, access => given ->> 'access', attributes => given - 'access');
        WHEN 'developer' THEN
            PERFORM devapp.update_developer(developer => named.id, attributes => given);
        ELSE
            PERFORM devapp.update_team(team => named.id, attributes => given);
    END CASE;
    RETURN devapp_internal.apigee_get_attributes(request);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_put_attributes IS 'Replaces all attributes';

-- ---------- one attribute ----------

CREATE FUNCTION devapp_internal.apigee_answer_attribute(request devapp_internal.http_request, attributes jsonb) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name constant text := devapp_internal.canonical_name(request.params ->> 'attribute');
BEGIN
    IF NOT attributes ? name THEN
        PERFORM devapp_internal.http_error(404, 'organizations.keymanagement.AttributeDoesntExist',
                    format('Attribute with name %s does not exist', devapp_internal.masked(name)));
    END IF;
    RETURN devapp_internal.json_response(200, jsonb_build_object('name', name, 'value', attributes -> name));
END
$$;

CREATE FUNCTION devapp_internal.apigee_get_attribute(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_entity(request);
BEGIN
    RETURN devapp_internal.apigee_answer_attribute(request, named.attributes);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_get_attribute IS 'An attribute';

-- Sets an attribute, or removes it where the value is null.  What is an attribute at Apigee only is a column here.
CREATE FUNCTION devapp_internal.apigee_set_attribute(entity text, id text, name text, value text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF entity = 'app' AND name IN ('DisplayName', 'Notes') THEN
        PERFORM devapp.update_app(app => id, display_name => CASE name WHEN 'DisplayName' THEN coalesce(value, '') END,
                    description => CASE name WHEN 'Notes' THEN coalesce(value, '') END);
    ELSIF entity = 'product' AND name = 'access' THEN
        PERFORM devapp.update_product(product => id, access => coalesce(value, 'public'));
    ELSIF value IS NULL THEN
        PERFORM devapp.remove_attribute(entity => entity, id => id, name => name);
    ELSE
        PERFORM devapp.set_attribute(entity => entity, id => id, name => name, value => value);
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.apigee_put_attribute(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_entity(request);
    name constant text := devapp_internal.canonical_name(request.params ->> 'attribute');
    body constant jsonb := devapp_internal.apigee_body(request);
BEGIN
    IF body -> 'name' <> to_jsonb(name) THEN
        PERFORM devapp_internal.apigee_refuse('name must match the path');
    END IF;
    PERFORM devapp_internal.apigee_set_attribute(named.entity, named.id, name, coalesce(devapp_internal.apigee_text(body, 'value'), ''));
    RETURN devapp_internal.apigee_get_attribute(request);
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_put_attribute IS 'Sets an attribute';

CREATE FUNCTION devapp_internal.apigee_delete_attribute(request devapp_internal.http_request) RETURNS devapp_internal.http_response
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named constant record := devapp_internal.apigee_find_entity(request);
    answer constant devapp_internal.http_response := devapp_internal.apigee_answer_attribute(request, named.attributes);
    name constant text := devapp_internal.canonical_name(request.params ->> 'attribute');
BEGIN
    PERFORM devapp_internal.apigee_set_attribute(named.entity, named.id, name, NULL);
    RETURN answer;
END
$$;
COMMENT ON FUNCTION devapp_internal.apigee_delete_attribute IS 'Removes an attribute';

SELECT devapp_internal.add_apigee_route(r.method, o.owner || '/attributes' || r.tail, r.function, r.needs)
  FROM unnest(ARRAY['/developers/{developer}', '/developers/{developer}/apps/{app}', '/apiproducts/{product}', '/companies/{team}',
                    '/companies/{team}/apps/{app}', '/appgroups/{team}/apps/{app}']) AS o(owner),
       (VALUES ('GET', '', 'apigee_get_attributes', 'read'),
               ('POST', '', 'apigee_put_attributes', 'admin'),
               ('PUT', '', 'apigee_put_attributes', 'admin'),
               ('GET', '/{attribute}', 'apigee_get_attribute', 'read'),
               ('POST', '/{attribute}', 'apigee_put_attribute', 'admin'),
               ('PUT', '/{attribute}', 'apigee_put_attribute', 'admin'),
               ('DELETE', '/{attribute}', 'apigee_delete_attribute', 'admin')) AS r(method, tail, function, needs);
