-- A devapp_api.handle() that says what it was given, for adapter.js.

CREATE SCHEMA devapp_api;
CREATE TYPE devapp_api.response AS (status integer, headers jsonb, body bytea);

CREATE FUNCTION devapp_api.handle(method text, path text, query text, headers jsonb, body bytea) RETURNS devapp_api.response
    LANGUAGE plpgsql
AS $$
DECLARE
    answer jsonb := jsonb_build_object('method', method, 'path', path, 'query', query, 'headers', headers, 'body', encode(body, 'hex'));
BEGIN
    CASE path
        WHEN '/empty' THEN
            RETURN ROW(204, '{}'::jsonb, NULL::bytea);
        WHEN '/two' THEN
            RETURN ROW(401, '{"WWW-Authenticate": ["Bearer", "Basic realm=\"devapp\""]}'::jsonb, ''::bytea);
        WHEN '/bytes' THEN
            RETURN ROW(200, '{"Content-Type": "application/x-bytes"}'::jsonb, '\x00ff0d0a80'::bytea);
        WHEN '/error' THEN
            RAISE EXCEPTION USING ERRCODE = query, MESSAGE = 'dvk_live_of_a_message', DETAIL = headers ->> 'authorization';
        WHEN '/sleep' THEN
            PERFORM pg_sleep(query::double precision);
        WHEN '/end' THEN
            PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'devapp-http' AND pid <> pg_backend_pid();
        WHEN '/prepared' THEN
            answer := (SELECT jsonb_agg(s.name) FROM pg_prepared_statements AS s);
        ELSE NULL;
    END CASE;
    RETURN ROW(200, '{"Content-Type": "application/json", "Cache-Control": "no-store"}'::jsonb, convert_to(answer::text, 'UTF8'));
END
$$;
