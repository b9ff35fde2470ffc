-- Which function answers which request.  CREATE EXTENSION fills the table, as each file
-- declares its routes beside their functions; it is not dumped.  A function is named by
-- text, because pg_upgrade refuses tables with columns of type regprocedure.

CREATE TABLE devapp_api.route (
    method text COLLATE "C" NOT NULL,
    pattern devapp.resource_pattern COLLATE "C" NOT NULL,
    function text COLLATE "C" NOT NULL,
    needs text NOT NULL,
    error_form text NOT NULL,
    CONSTRAINT route_pkey PRIMARY KEY (pattern, method),
    CONSTRAINT route_method_valid CHECK (method IN ('GET', 'POST', 'PUT', 'PATCH', 'DELETE')),
    CONSTRAINT route_pattern_valid CHECK (pattern::text ~ '^/([^*{}]|(?<=/)[{][a-z_]+[}](?=/|$)|(?<=/)[{][a-z_]+[+][}]$)*$'),
    CONSTRAINT route_needs_valid CHECK (needs IN ('nothing', 'read', 'admin', 'verify', 'developer', 'client')),
    CONSTRAINT route_error_form_valid CHECK (error_form IN ('apigee', 'oauth', 'devapp', 'none'))
);
COMMENT ON TABLE devapp_api.route IS 'Routes of the API over HTTP: the function for each method and path pattern';
COMMENT ON COLUMN devapp_api.route.method IS 'GET, POST, PUT, PATCH or DELETE; GET answers HEAD as well';
COMMENT ON COLUMN devapp_api.route.pattern IS 'Path, with {name} for a whole segment, and {name+} for the rest at its end';
COMMENT ON COLUMN devapp_api.route.function IS 'Name of the function in devapp_internal that handles the request';
COMMENT ON COLUMN devapp_api.route.needs IS 'Who may call: nothing (anyone), read, admin or verify (key with that scope), developer, client (OAuth)';
COMMENT ON COLUMN devapp_api.route.error_form IS 'Form of the body of errors: apigee, oauth, devapp, or none';

-- Backends keep the routes compiled (src/api/route.c).
CREATE FUNCTION devapp_internal.forget_routes() RETURNS trigger
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'devapp_forget_routes';
CREATE TRIGGER forget_routes AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON devapp_api.route FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.forget_routes();

-- Declares that a function answers a method on the paths of a pattern.
CREATE FUNCTION devapp_internal.add_route(method text, pattern text, function text, needs text, error_form text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    called constant regprocedure := format('%s(devapp_internal.http_request)', function);
BEGIN
    INSERT INTO devapp_api.route (method, pattern, function, needs, error_form)
    SELECT add_route.method, add_route.pattern, p.proname, add_route.needs, add_route.error_form
      FROM pg_proc p
     WHERE p.oid = called AND p.pronamespace = 'devapp_internal'::regnamespace
       AND p.prorettype = 'devapp_internal.http_response'::regtype;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'function % cannot answer a request', called
            USING ERRCODE = 'invalid_function_definition',
                  DETAIL = 'It must be in schema devapp_internal, take a devapp_internal.http_request and return a devapp_internal.http_response.';
    END IF;
END
$$;

-- What the document of the API says about bodies and answers (sql/api/document.sql).  Bodies
-- are checked by the same schemas.
CREATE TABLE devapp_internal.api_schema (
    name text COLLATE "C" NOT NULL,
    schema jsonb NOT NULL,
    CONSTRAINT api_schema_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE devapp_internal.api_schema IS 'JSON schemas of the API over HTTP; filled by CREATE EXTENSION, not dumped';

CREATE TABLE devapp_internal.route_document (
    method text COLLATE "C" NOT NULL,
    pattern text COLLATE "C" NOT NULL,
    answers jsonb NOT NULL,
    query jsonb NOT NULL,
    body text COLLATE "C",
    CONSTRAINT route_document_pkey PRIMARY KEY (pattern, method)
);
COMMENT ON TABLE devapp_internal.route_document IS 'Parameters, bodies and responses of routes; filled by CREATE EXTENSION, not dumped';
COMMENT ON COLUMN devapp_internal.route_document.answers IS 'By status: the type of the answer, in short, or null if it has no body';
COMMENT ON COLUMN devapp_internal.route_document.query IS 'By the name of a parameter of the query: its type, in short';
COMMENT ON COLUMN devapp_internal.route_document.body IS 'Name of the schema of the body; null: it is not described';

CREATE TABLE devapp_internal.api_document (
    only_row boolean NOT NULL DEFAULT true,
    body text NOT NULL,
    CONSTRAINT api_document_pkey PRIMARY KEY (only_row),
    CONSTRAINT api_document_is_one CHECK (only_row)
);
COMMENT ON TABLE devapp_internal.api_document IS 'Cached OpenAPI document without its head; not dumped';
