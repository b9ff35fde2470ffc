-- What Apigee's routes answer, for the document of the API.  Their bodies may have whatever Apigee
-- knows, so they are not described, and not checked by schemas.

SELECT devapp_internal.add_schema('ApigeeAttribute', '{"name": "string", "value": "string"}');
SELECT devapp_internal.add_schema('ApigeeAttributes', '{"attribute": "[#ApigeeAttribute]"}');
SELECT devapp_internal.add_schema('ApigeeOrganization', '{
    "name": "string", "displayName": "string", "type": "string", "environments": "[string]", "properties": "object"}');
SELECT devapp_internal.add_schema('ApigeeDeveloper', '{
    "developerId": "uuid", "email": "email", "firstName?": "string", "lastName?": "string", "userName?": "string", "status": "active|inactive",
    "organizationName": "string", "attributes": "[#ApigeeAttribute]", "apps": "[string]: Their names", "companies": "[string]: Names of teams",
    "createdAt": "string: Milliseconds since 1970", "lastModifiedAt": "string"}');
SELECT devapp_internal.add_schema('ApigeeDevelopers', '{"developer": "[#ApigeeDeveloper]"}');
SELECT devapp_internal.add_schema('ApigeeProduct', '{
    "name": "string", "displayName": "string", "description?": "string", "approvalType": "auto|manual", "environments": "[string]", "proxies": "[string]",
    "scopes": "[string]", "quota?": "string", "quotaInterval?": "string", "quotaTimeUnit?": "string", "attributes": "[#ApigeeAttribute]",
    "apiResources": "[string]", "operationGroup?": "object: Operations with methods, proxies or quotas of their own", "createdAt": "string", "lastModifiedAt": "string"}');
SELECT devapp_internal.add_schema('ApigeeProducts', '{"apiProduct": "[#ApigeeProduct]"}');
SELECT devapp_internal.add_schema('ApigeeKeyProduct', '{"apiproduct": "string", "status": "pending|approved|revoked"}');
SELECT devapp_internal.add_schema('ApigeeKey', '{
    "consumerKey": "string", "consumerSecret?": "string: Where it was made, once", "apiProducts": "[#ApigeeKeyProduct]", "scopes": "[string]",
    "attributes": "[#ApigeeAttribute]", "issuedAt": "string", "expiresAt": "string: Milliseconds since 1970; -1: never", "status": "approved|revoked"}');
SELECT devapp_internal.add_schema('ApigeeApp', '{
    "appId": "uuid", "name": "string", "developerId?": "uuid", "companyName?": "string", "appGroup?": "string", "appFamily": "string", "status": "string",
    "callbackUrl": "string", "scopes": "[string]", "attributes": "[#ApigeeAttribute]", "apiProducts": "[string]", "keyExpiresIn": "string: Milliseconds; -1: never",
    "credentials?": "[#ApigeeKey]", "createdAt": "string", "lastModifiedAt": "string"}');
SELECT devapp_internal.add_schema('ApigeeApps', '{"app": "[#ApigeeApp]"}');
SELECT devapp_internal.add_schema('ApigeeTeam', '{
    "name": "string", "appGroupId": "uuid", "displayName": "string", "organization": "string", "status": "active|inactive", "attributes": "[#ApigeeAttribute]",
    "apps": "[string]", "createdAt": "string", "lastModifiedAt": "string"}');
SELECT devapp_internal.add_schema('ApigeeTeams', '{"company": "[#ApigeeTeam]"}');
SELECT devapp_internal.add_schema('ApigeeMember', '{"email": "email", "role": "admin|member"}');
SELECT devapp_internal.add_schema('ApigeeMembers', '{"developer": "[#ApigeeMember]"}');

-- Lists are names, or objects with expand=true.  Where action is in the query there is no body.
SELECT devapp_internal.describe_route(r.method, r.pattern::text, d.answers, d.query || CASE WHEN d.answers ? '204' AND r.method = 'POST' THEN '{"action": "string"}' ELSE '{}' END::jsonb)
  FROM (VALUES
    ('apigee_get_organization', '{"200": "#ApigeeOrganization"}'::jsonb, '{}'::jsonb),
    ('apigee_list_developers', '{"200": "[string] or #ApigeeDevelopers"}', '{"expand": "boolean", "count": "integer", "startKey": "string"}'),
    ('apigee_get_developer', '{"200": "#ApigeeDeveloper"}', '{}'),
    ('apigee_create_developer', '{"201": "#ApigeeDeveloper"}', '{}'),
    ('apigee_write_developer', '{"200": "#ApigeeDeveloper", "204": null}', '{}'),
    ('apigee_delete_developer', '{"200": "#ApigeeDeveloper"}', '{}'),
    ('apigee_list_products', '{"200": "[string] or #ApigeeProducts"}', '{"expand": "boolean", "count": "integer", "startKey": "string"}'),
    ('apigee_get_product', '{"200": "#ApigeeProduct"}', '{}'),
    ('apigee_create_product', '{"201": "#ApigeeProduct"}', '{}'),
    ('apigee_update_product', '{"200": "#ApigeeProduct"}', '{}'),
    ('apigee_delete_product', '{"200": "#ApigeeProduct"}', '{}'),
    ('apigee_list_apps', '{"200": "[string] or #ApigeeApps"}', '{"expand": "boolean", "rows": "integer", "startKey": "string", "status": "string", "apptype": "string"}'),
    ('apigee_list_owned_apps', '{"200": "[string] or #ApigeeApps"}', '{"expand": "boolean", "count": "integer", "startKey": "string"}'),
    ('apigee_get_app', '{"200": "#ApigeeApp"}', '{}'),
    ('apigee_get_app_by_id', '{"200": "#ApigeeApp"}', '{}'),
    ('apigee_create_app', '{"201": "#ApigeeApp"}', '{}'),
    ('apigee_put_app', '{"200": "#ApigeeApp"}', '{}'),
    ('apigee_post_app', '{"200": "#ApigeeApp", "204": null}', '{}'),
    ('apigee_delete_app', '{"200": "#ApigeeApp"}', '{}'),
    ('apigee_delete_app_by_id', '{"200": "#ApigeeApp"}', '{}'),
    ('apigee_get_key', '{"200": "#ApigeeKey"}', '{}'),
    ('apigee_create_key', '{"201": "#ApigeeKey"}', '{}'),
    ('apigee_update_key', '{"200": "#ApigeeKey"}', '{}'),
    ('apigee_post_key', '{"200": "#ApigeeKey", "204": null}', '{}'),
    ('apigee_delete_key', '{"200": "#ApigeeKey"}', '{}'),
    ('apigee_list_companies', '{"200": "[string] or #ApigeeTeams"}', '{"expand": "boolean", "count": "integer", "startKey": "string"}'),
    ('apigee_get_team', '{"200": "#ApigeeTeam"}', '{}'),
    ('apigee_create_team', '{"201": "#ApigeeTeam"}', '{}'),
    ('apigee_write_team', '{"200": "#ApigeeTeam", "204": null}', '{}'),
    ('apigee_delete_team', '{"200": "#ApigeeTeam"}', '{}'),
    ('apigee_get_members', '{"200": "#ApigeeMembers"}', '{}'),
    ('apigee_put_members', '{"200": "#ApigeeMembers"}', '{}'),
    ('apigee_get_attributes', '{"200": "#ApigeeAttributes"}', '{}'),
    ('apigee_put_attributes', '{"200": "#ApigeeAttributes"}', '{}'),
    ('apigee_get_attribute', '{"200": "#ApigeeAttribute"}', '{}'),
    ('apigee_put_attribute', '{"200": "#ApigeeAttribute"}', '{}'),
    ('apigee_delete_attribute', '{"200": "#ApigeeAttribute"}', '{}')) AS d(function, answers, query)
  JOIN devapp_api.route r ON r.function = d.function;
