-- The roles of postgrest.conf, and a table of which each app sees its own rows.
-- Run it as a superuser in the database that PostgREST serves.

CREATE EXTENSION IF NOT EXISTS devapp CASCADE;

-- ---------- roles ----------

-- PostgREST logs in as authenticator, which may do nothing but become web_anon.
CREATE ROLE web_anon NOLOGIN;
CREATE ROLE authenticator LOGIN NOINHERIT;
GRANT web_anon TO authenticator;
-- Where the server logs statements, their parameters would hold keys.
ALTER ROLE authenticator SET log_parameter_max_length = 0;
-- What is asked about each request; change it, and reconnect.
ALTER ROLE authenticator SET devapp.pre_request_options = 'environment=prod; client=x-real-ip';

-- All that the role of a request needs of devapp.
GRANT USAGE ON SCHEMA devapp TO web_anon;
GRANT EXECUTE ON FUNCTION devapp.db_pre_request() TO web_anon;

-- ---------- tables ----------

CREATE SCHEMA api;
GRANT USAGE ON SCHEMA api TO web_anon;

-- The app that makes a request; null outside of one.
CREATE FUNCTION api.request_app() RETURNS uuid
    LANGUAGE sql STABLE
    RETURN (nullif(current_setting('devapp.request', true), '')::jsonb ->> 'app_id')::uuid;

CREATE TABLE api.item (
    item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    app_id uuid NOT NULL DEFAULT api.request_app(),
    name text NOT NULL
);
ALTER TABLE api.item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_items ON api.item TO web_anon USING (app_id = api.request_app());
GRANT SELECT, INSERT, UPDATE, DELETE ON api.item TO web_anon;

-- ---------- what keys are good for ----------

-- Paths are those that PostgREST gets.
SELECT FROM devapp.create_product('items', environments => '{prod,test}');
SELECT FROM devapp.add_operation('items', '/item', '{GET,POST,PATCH,DELETE}');
