-- Export: as JSON, and flat; never a secret.
\set SHOW_CONTEXT never
-- an app with a product that waits is approved
SELECT FROM devapp.set_app_approval('auto');

SELECT FROM devapp.create_developer('export@example.com');
SELECT FROM devapp.create_team('export-team');
SELECT FROM devapp.create_product('export-1');
SELECT FROM devapp.create_product('export-2', approval => 'manual');
SELECT * FROM devapp.create_app('export one', developer => 'export@example.com', products => '{export-1,export-2}', display_name => 'one',
    description => E'two\nlines', callback_urls => '{https://a.example/cb}', attributes => '{"tier": "gold"}', environment => 'live', expires_in => '1 day') \gset
SELECT * FROM devapp.issue_credential(:'app_id', products => '{}', kind => 'oauth_client') \gset second_
SELECT FROM devapp.create_app('export @two', team => 'export-team');
SELECT app_id AS gone FROM devapp.create_app('export gone', developer => 'export@example.com') \gset
SELECT FROM devapp.delete_app(:'gone');
-- names from before such were refused
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE devapp.team SET name = '=export-team' WHERE name = 'export-team';
UPDATE devapp.app SET display_name = '=HYPERLINK("http://evil.example","click")', app_family = '+49' WHERE app_id = :'app_id';
COMMIT;
-- are in nobody's way
SELECT app_family FROM devapp.update_app(:'app_id', description => E'two\nlines');

-- all that belongs to an app
SELECT jsonb_pretty(regexp_replace(regexp_replace(regexp_replace(app::text, '"[0-9a-f]{8}-[0-9a-f-]{27}"', '"(id)"', 'g'), '"20[0-9T:.+-]+"', '"(time)"', 'g'), 'dvk_(\w+)_[0-9A-Za-z]{12}', 'dvk_\1_(key id)', 'g')::jsonb)
  FROM devapp.export_apps('{"owner": "export@example.com"}') AS app;
-- in the order of app_id, without the deleted, which can be asked for
SELECT app ->> 'name' AS name, app ->> 'team' AS team, jsonb_array_length(app -> 'credentials') AS credentials FROM devapp.export_apps('{"name": "export*"}') AS app;
SELECT app ->> 'name' AS name, app ->> 'status' AS status FROM devapp.export_apps('{"name": "export*", "status": "deleted"}') AS app;
-- no filter: all that are not deleted
SELECT (SELECT count(*) FROM devapp.export_apps()) = (SELECT count(*) FROM devapp.app WHERE deleted_at IS NULL) AS all;
SELECT (SELECT count(DISTINCT app_id) FROM devapp.export_apps_table()) = (SELECT count(*) FROM devapp.app WHERE deleted_at IS NULL) AS all;

-- no secret, no digest
SELECT count(*) AS apps, bool_or(app::text LIKE '%' || split_part(:'secret', '_', 4) || '%') AS has_secret, bool_or(app::text ~* 'digest|secret|blake2b') AS speaks_of_secrets
  FROM devapp.export_apps('{"name": "export*"}') AS app;
SELECT bool_or(t::text LIKE '%' || split_part(:'secret', '_', 4) || '%') AS has_secret, bool_or(t::text LIKE '%blake2b%') AS has_digest FROM devapp.export_apps_table('{"name": "export*"}') AS t;

-- flat: a row for each product of each credential; an app or credential without has one row
SELECT app_name, developer, team, app_status, kind, environment, credential_status, expires_at IS NOT NULL AS expires, product, product_status FROM devapp.export_apps_table('{"name": "export*"}');
COPY (SELECT app_name, display_name, team, app_family, product FROM devapp.export_apps_table('{"name": "export*"}')) TO STDOUT (FORMAT csv, HEADER);
-- names are data from outsiders, which no spreadsheet may take for formulas; on request they stay as they are
COPY (SELECT app_name, display_name, team, app_family, product FROM devapp.export_apps_table('{"name": "export*"}', escape_formulas => false)) TO STDOUT (FORMAT csv, HEADER);
SELECT v AS value, devapp_internal.csv_cell(v, true), devapp_internal.csv_cell(v, false) = v AS as_is FROM unnest(ARRAY['=1', '+1', '-1', '@a', E'\tx', E'\rx', E'\nx', 'a=1', '', '''x']) AS v;
-- the fullwidth forms of = + - @, and their neighbour < that is none
SELECT v, starts_with(devapp_internal.csv_cell(c || '1', true), '''') AS escaped
  FROM unnest(ARRAY['efbc9d', 'efbc8b', 'efbc8d', 'efbca0', 'efbc9c']) AS v, convert_from(decode(v, 'hex'), 'UTF8') AS c;
SELECT devapp_internal.csv_cell(NULL, true) IS NULL AS null_stays;

-- nothing is written and nothing locked
BEGIN READ ONLY;
SELECT count(*) FROM devapp.export_apps('{"owner": "export@example.com", "product": "export-1", "status": "approved"}');
SELECT count(*) FROM devapp.export_apps_table('{"team": "=export-team"}');
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode NOT IN ('AccessShareLock', 'ExclusiveLock');
COMMIT;


-- labels, which are data from outsiders as well, and what a credential takes the place of
SELECT FROM devapp.issue_credential(:'app_id', products => '{}', label => 'label', replaces => :'second_credential_id');
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE devapp.credential SET label = '+label' WHERE label = 'label' AND app_id = :'app_id';
COMMIT;
SELECT c ->> 'label' AS label, (c ->> 'replaces')::uuid = :'second_credential_id' AS replaces_second
  FROM devapp.export_apps('{"owner": "export@example.com"}') AS app, jsonb_array_elements(app -> 'credentials') AS c;
SELECT DISTINCT ON (credential_id) label, replaces = :'second_credential_id' AS replaces_second FROM devapp.export_apps_table('{"owner": "export@example.com"}') ORDER BY credential_id;
SELECT FROM devapp.set_app_approval('conditional');
