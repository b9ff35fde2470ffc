-- The API over HTTP: one schema for what HTTP servers call, and what a route's function gets and gives.

CREATE SCHEMA devapp_api;
COMMENT ON SCHEMA devapp_api IS E'devapp\nA developer program: developers, apps, keys, API products, approvals and tokens';

CREATE TYPE devapp_api.response AS (status integer, headers jsonb, body bytea);
COMMENT ON TYPE devapp_api.response IS 'Answer to an HTTP request';
COMMENT ON COLUMN devapp_api.response.status IS 'Status, 100 to 599';
COMMENT ON COLUMN devapp_api.response.headers IS 'Header fields by name, each with its value';
COMMENT ON COLUMN devapp_api.response.body IS 'Body; null: none';

CREATE TYPE devapp_internal.http_request AS (
    method text,
    path text,
    params jsonb,
    query jsonb,
    headers jsonb,
    form jsonb,
    body jsonb,
    basic_user text,
    basic_password text,
    bearer text,
    base_url text,
    client inet
);
COMMENT ON TYPE devapp_internal.http_request IS 'A request, as the function of a route gets it; src/api/handle.c makes it';
COMMENT ON COLUMN devapp_internal.http_request.method IS 'Method in upper case; HEAD comes as GET';
COMMENT ON COLUMN devapp_internal.http_request.path IS 'Path as it was sent, without the query';
COMMENT ON COLUMN devapp_internal.http_request.params IS 'Values of the {names} in the route''s pattern, decoded';
COMMENT ON COLUMN devapp_internal.http_request.query IS 'Query parameters, decoded; a repeated one has an array of its values';
COMMENT ON COLUMN devapp_internal.http_request.headers IS 'Header fields, names in lower case';
COMMENT ON COLUMN devapp_internal.http_request.form IS 'Parameters of a form in the body, like the query; null if the body is not a form';
COMMENT ON COLUMN devapp_internal.http_request.body IS 'Body, if it is JSON; otherwise null';
COMMENT ON COLUMN devapp_internal.http_request.basic_user IS 'User of Authorization: Basic; decoded as in a form where a client is needed';
COMMENT ON COLUMN devapp_internal.http_request.basic_password IS 'Password of Authorization: Basic; decoded like the user';
COMMENT ON COLUMN devapp_internal.http_request.bearer IS 'Token of Authorization: Bearer or DPoP';
COMMENT ON COLUMN devapp_internal.http_request.base_url IS 'Beginning of the URLs of this API, such as https://api.example.com';
COMMENT ON COLUMN devapp_internal.http_request.client IS 'Address of the client; null if it is not known';

CREATE TYPE devapp_internal.http_response AS (status integer, headers jsonb, body text);
COMMENT ON TYPE devapp_internal.http_response IS 'What the function of a route returns';
