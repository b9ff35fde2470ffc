-- Apigee's lists and the files of apigeecli: their keys go on working.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT '{
  "developers": {"developer": [
    {"email": "gee@import.example", "firstName": "Grace", "lastName": "Höpper", "userName": "grace", "developerId": "3a1c", "status": "active",
     "attributes": [{"name": "tier", "value": "gold"}], "organizationName": "acme", "createdAt": "1577836800000"}]},
  "apiproducts": [
    {"name": "gee-weather", "displayName": "Weather", "approvalType": "manual", "apiResources": ["/weather/**"], "environments": ["prod"], "proxies": [], "scopes": [""],
     "quota": "100", "quotaInterval": "1", "quotaTimeUnit": "day", "attributes": [{"name": "access", "value": "private"}, {"name": "area", "value": "north"}]},
    {"name": "gee-maps", "approvalType": "auto", "environments": [], "scopes": ["read"],
     "operationGroup": {"operationConfigs": [{"apiSource": "maps", "operations": [{"resource": "/maps", "methods": ["GET"]}, {"resource": "/maps/*"}], "quota": {"limit": "5", "interval": "1", "timeUnit": "hour"}}]}}],
  "apps": [
    {"appId": "9c2f", "name": "sky", "developerId": "3a1c", "status": "approved", "callbackUrl": "https://sky.example/cb", "appFamily": "default", "scopes": [],
     "attributes": [{"name": "DisplayName", "value": "Sky"}, {"name": "Notes", "value": "all about it"}, {"name": "plan", "value": "b"}],
     "credentials": [
       {"consumerKey": "Gq3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "consumerSecret": "s3cr3tS3cr3tS3cr", "expiresAt": "-1", "issuedAt": "1577836800000", "status": "approved",
        "apiProducts": [{"apiproduct": "gee-weather", "status": "approved"}, {"apiproduct": "gee-maps", "status": "pending"}], "scopes": [], "attributes": []},
       {"consumerKey": "Rv8Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "consumerSecret": "t3cr3tS3cr3tS3cr", "expiresAt": "4102444800000", "status": "revoked",
        "apiProducts": [{"apiproduct": "gee-weather", "status": "approved"}]},
       {"consumerKey": "Ex8Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "consumerSecret": "u3cr3tS3cr3tS3cr", "expiresAt": "1577836800000", "status": "approved", "apiProducts": []}]}]}' AS doc \gset
SELECT * FROM devapp.import_apigee(:'doc');
-- the mapping is a function without effects
SELECT key, jsonb_array_length(value) FROM jsonb_each(devapp_internal.apigee_document(:'doc', 'api_key')) ORDER BY key;
SELECT code, product FROM devapp.verify_key('Gq3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN', '/weather/today', 'GET', 'prod');
SELECT code FROM devapp.verify_key('Gq3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN', '/maps', 'GET', 'prod', 'maps');
SELECT code FROM devapp.verify_key('Rv8Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN', '/weather/today', 'GET', 'prod');
SELECT code FROM devapp.verify_key('Ex8Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN', '/weather/today', 'GET', 'prod');
SELECT p.name, p.display_name, p.approval, p.access, p.environments, p.scopes, p.quota_limit, p.quota_interval, p.quota_unit, p.attributes FROM devapp.product p WHERE p.name LIKE 'gee-%' ORDER BY p.name;
SELECT o.resource, o.methods, o.proxy, o.quota_limit, o.quota_unit FROM devapp.product_operation o JOIN devapp.product p USING (product_id) WHERE p.name LIKE 'gee-%' ORDER BY o.resource;
SELECT a.name, a.display_name, a.description, a.callback_urls, a.app_family, a.attributes, d.first_name, d.last_name, d.user_name, d.attributes FROM devapp.app a JOIN devapp.developer d USING (developer_id) WHERE d.email = 'gee@import.example';
SELECT outcome, count(*) FROM devapp.import_apigee(:'doc') GROUP BY outcome ORDER BY outcome;
-- pairs, as OAuth clients
SELECT name, outcome, detail FROM devapp.import_apigee('{"app": [{"name": "sea", "developerId": "gee@import.example", "status": "approved", "credentials": [
   {"consumerKey": "Oa3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "consumerSecret": "s3cr3tS3cr3tS3cr3tS", "expiresAt": -1, "status": "approved", "apiProducts": [{"apiproduct": "gee-maps", "status": "approved"}]},
   {"consumerKey": "Ob3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "consumerSecret": "short", "expiresAt": -1, "status": "approved", "apiProducts": []}]}]}', kind => 'OAUTH_CLIENT', weak => true);
SELECT code, product FROM devapp.verify_client('Oa3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN', 's3cr3tS3cr3tS3cr3tS', '/maps', 'GET', 'prod', 'maps');
-- bad lines: an owner that is not there, an older version's status, a product that is not there, a broken list
SELECT * FROM devapp.import_apigee('[{"name": "lost", "developerId": "77", "credentials": [{"consumerKey": "Lo3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "status": "approved"}]},
   {"name": "bad", "developerId": "gee@import.example", "status": "active"},
   {"name": "late", "developerId": "gee@import.example", "credentials": [
      {"consumerKey": "La3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "status": "locked"},
      {"consumerKey": "Lb3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "apiProducts": [{"apiproduct": "gone", "status": "approved"}]},
      {"consumerKey": "Lc3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "apiProducts": ["gee-maps"]},
      {"consumerSecret": "s3cr3tS3cr3tS3cr3tS"}]}]', skip_refused => true);
-- owners that the document does not have: a team by its companyName or appGroup, a developer by an e-mail
SELECT FROM devapp.create_team('gee-team');
SELECT * FROM devapp.import_apigee('[{"name": "hill", "companyName": "gee-team"}, {"name": "dale", "appGroup": "gee-team"},
   {"name": "wood", "developerId": "99", "developerEmail": "gee@import.example"}, {"name": "moor", "companyName": "no-team"}]', skip_refused => true);
-- a list that is null is left out
SELECT kind, outcome FROM devapp.import_apigee('{"apiProducts": [{"name": "gee-null", "environments": null, "proxies": null, "scopes": null}],
   "apps": [{"name": "null", "developerId": "gee@import.example", "scopes": null, "credentials": [{"consumerKey": "Nu3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "scopes": null}]}]}');
-- a line, not the document, is refused for a list that is none and for what would open more than it does at Apigee: a product of
-- other operations would be for every path; a second app of a name is refused whole
SELECT * FROM devapp.import_apigee('{"apiProducts": [
     {"name": "gee-graph", "graphqlOperationGroup": {"operationConfigs": [{"apiSource": "graph", "operations": [{"operation": "menu"}]}]}},
     {"name": "gee-empty", "graphqlOperationGroup": {"operationConfigs": []}}, {"name": "gee-scopes", "scopes": "read"}],
   "apps": [{"name": "list", "developerId": "gee@import.example", "credentials": {"consumerKey": "Li3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}},
     {"name": "lists", "developerId": "gee@import.example", "credentials": [7, {"consumerKey": "Lj3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "apiProducts": "gee-maps"},
        {"consumerKey": "Lk3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}]},
     {"name": "lists", "developerId": "gee@import.example", "credentials": [{"consumerKey": "Ll3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}]}]}', skip_refused => true);
SELECT (devapp.verify_key('Lk3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN')).code AS first, (devapp.verify_key('Ll3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN')).code AS repeated;
SELECT * FROM devapp.import_apigee('{"environments": []}');
SELECT * FROM devapp.import_apigee('[]', kind => 'both');
