-- app_history() and access_at(), the latter against the truth: what verify_key said at
-- each moment is what access_at says of it later.
\set SHOW_CONTEXT never
SET client_min_messages = error;
SELECT FROM devapp.create_developer('history@example.com');
SELECT FROM devapp.create_developer('history2@example.com');
SELECT FROM devapp.create_team('history-team');
SELECT FROM devapp.create_product('history-read');
SELECT FROM devapp.add_operation('history-read', '/a/*', '{GET}');
SELECT FROM devapp.add_operation('history-read', '/a/**', '{HEAD,PURGE}', 'eu');
SELECT FROM devapp.create_product('history-write', approval => 'manual');
SELECT FROM devapp.add_operation('history-write', '/a/{id}', '{PUT}');
SELECT FROM devapp.add_operation('history-write', '/b/**');

CREATE TEMP TABLE key (credential_id uuid, secret text, made serial);
CREATE TEMP TABLE request (resource text, method text, environment text, proxy text);
INSERT INTO request VALUES (NULL, NULL, NULL, NULL), ('/a/1', 'GET', 'prod', NULL), ('/a/1', 'PUT', 'prod', 'eu'), ('/a/1/2', 'purge', 'test', 'eu'), ('/a/1/2', 'HEAD', 'test', 'us'), ('/b/x', 'GET', 'test', NULL),
    ('/nothing', 'GET', NULL, NULL), ('/a/../b', 'GET', NULL, NULL);
CREATE TEMP TABLE truth (moment text, at timestamptz, app_id uuid, credential_id uuid, LIKE request, code devapp.verdict_code, product text);
-- what each credential's newest secret gets now, for each request
CREATE FUNCTION pg_temp.record(moment text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO truth
    SELECT record.moment, clock_timestamp(), c.app_id, k.credential_id, r.*, v.code, v.product
      FROM (SELECT DISTINCT ON (credential_id) * FROM key ORDER BY credential_id, made DESC) AS k
      JOIN devapp.credential c USING (credential_id)
     CROSS JOIN request r
     CROSS JOIN devapp.verify_key(k.secret, r.resource, r.method, r.environment, r.proxy) AS v $$;
-- the changes, one transaction each; a moment after each
CREATE PROCEDURE pg_temp.step(moment text, change text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE change;
    COMMIT;
    PERFORM pg_temp.record(moment);
    COMMIT;
END $$;

SELECT FROM devapp.set_app_approval('manual');
CREATE TEMP TABLE made AS SELECT * FROM devapp.create_app('history', developer => 'history@example.com', products => '{history-read,history-write}');
SELECT FROM devapp.set_app_approval('auto');
SELECT app_id, credential_id, secret FROM made \gset
INSERT INTO key SELECT credential_id, secret FROM made;
SELECT pg_temp.record('pending');
SELECT clock_timestamp() AS early \gset
CALL pg_temp.step('rejected', format('SELECT devapp.reject_app(%L, %L)', :'app_id', 'no terms'));
CALL pg_temp.step('resubmitted', format('SELECT devapp.resubmit_app(%L)', :'app_id'));
CALL pg_temp.step('approved', format('SELECT devapp.approve_app(%L, %L)', :'app_id', 'looks fine'));
CALL pg_temp.step('suspended', format('SELECT devapp.suspend_app(%L)', :'app_id'));
CALL pg_temp.step('resumed', format('SELECT devapp.resume_app(%L)', :'app_id'));
CALL pg_temp.step('owner inactive', 'SELECT devapp.set_developer_status(''history@example.com'', ''deactivate'')');
CALL pg_temp.step('owner active', 'SELECT devapp.set_developer_status(''history@example.com'', ''activate'')');
CALL pg_temp.step('association revoked', format('SELECT devapp.set_credential_product_status(%L, %L, %L)', :'credential_id', 'history-read', 'revoke'));
CALL pg_temp.step('association approved', format('SELECT devapp.set_credential_product_status(%L, %L, %L)', :'credential_id', 'history-read', 'approve'));
CALL pg_temp.step('environments', 'SELECT devapp.update_product(''history-read'', environments => ''{prod}'')');
CALL pg_temp.step('proxies', 'SELECT devapp.update_product(''history-write'', proxies => ''{us}'')');
CALL pg_temp.step('operation added', 'SELECT devapp.add_operation(''history-read'', ''/b/**'', ''{GET}'')');
CALL pg_temp.step('operation removed', 'SELECT devapp.remove_operation(''history-read'', ''/a/*'', ''{GET}'')');
CALL pg_temp.step('operation changed', 'UPDATE devapp.product_operation SET methods = ''{GET}'', proxy = NULL WHERE resource = ''/a/{id}''');
CALL pg_temp.step('all operations removed', 'DELETE FROM devapp.product_operation WHERE product_id = (SELECT product_id FROM devapp.product WHERE name = ''history-read'')');
CALL pg_temp.step('operations again', 'SELECT devapp.add_operation(''history-read'', ''/a/*'')');
CALL pg_temp.step('removed', format('SELECT devapp.remove_credential_product(%L, %L)', :'credential_id', 'history-read'));
CALL pg_temp.step('no product', format('SELECT devapp.remove_credential_product(%L, %L)', :'credential_id', 'history-write'));
CALL pg_temp.step('associated again', format('SELECT devapp.add_credential_product(%L, %L)', :'credential_id', 'history-write'));
CALL pg_temp.step('both again', format('SELECT devapp.add_credential_product(%L, %L)', :'credential_id', 'history-read'));
-- in an environment that its product, which comes later, does not cover
CALL pg_temp.step('another credential', format('INSERT INTO key SELECT credential_id, secret FROM devapp.issue_credential(%L, environment => %L, products => ''{}''); SELECT devapp.add_credential_product((SELECT credential_id FROM key ORDER BY made DESC LIMIT 1), %L)', :'app_id', 'test', 'history-read'));
CALL pg_temp.step('one that expired', format('INSERT INTO key SELECT credential_id, secret FROM devapp.issue_credential(%L, expires_in => %L)', :'app_id', '1 microsecond'));
CALL pg_temp.step('rotated', format('INSERT INTO key SELECT credential_id, secret FROM devapp.rotate_credential(%L)', :'credential_id'));
CALL pg_temp.step('rotation done', format('SELECT devapp.complete_rotation(%L)', :'credential_id'));
CALL pg_temp.step('secret ended', format('UPDATE devapp.credential_secret SET valid_until = now() WHERE credential_id = %L AND version = 2', :'credential_id'));
CALL pg_temp.step('secret goes on', format('UPDATE devapp.credential_secret SET valid_until = NULL WHERE credential_id = %L AND version = 2', :'credential_id'));
CALL pg_temp.step('transferred', format('UPDATE devapp.app SET developer_id = NULL, team_id = (SELECT team_id FROM devapp.team WHERE name = %L) WHERE app_id = %L', 'history-team', :'app_id'));
CALL pg_temp.step('old owner inactive', 'SELECT devapp.set_developer_status(''history@example.com'', ''deactivate'')');
CALL pg_temp.step('team inactive', 'SELECT devapp.set_team_status(''history-team'', ''deactivate'')');
CALL pg_temp.step('team active', 'SELECT devapp.set_team_status(''history-team'', ''activate'')');
CALL pg_temp.step('revoked credential', format('SELECT devapp.revoke_credential(%L, %L)', :'credential_id', 'lost'));
CALL pg_temp.step('approved credential', format('SELECT devapp.approve_credential(%L)', :'credential_id'));
CALL pg_temp.step('revoked app', format('SELECT devapp.revoke_app(%L)', :'app_id'));
CALL pg_temp.step('approved app', format('SELECT devapp.approve_app(%L)', :'app_id'));
CALL pg_temp.step('compromised', format('SELECT devapp.revoke_credential(%L, %L, true)', :'credential_id', 'on a forge'));
CALL pg_temp.step('described', format('SELECT devapp.update_app(%L, description => %L)', :'app_id', repeat('long ', 30)));
CALL pg_temp.step('deleted', format('SELECT devapp.delete_app(%L, %L)', :'app_id', 'bye'));
RESET client_min_messages;

-- the test is worth something
SELECT code, count(*), count(DISTINCT moment) AS moments FROM truth GROUP BY code ORDER BY code;
SELECT t.moment, t.credential_id = :'credential_id' AS first_one, t.resource, t.method, t.environment, t.proxy, t.code, t.product, a.code AS access_at, a.product AS by_product
  FROM truth t
  LEFT JOIN LATERAL devapp.access_at(t.app_id, t.resource, t.method, t.environment, t.at, t.proxy) AS a USING (credential_id)
 WHERE (a.code, a.product, a.allowed) IS DISTINCT FROM (t.code, t.product, t.code = 'VALID');
-- a credential is there from when it was made
SELECT t.moment, count(*) FILTER (WHERE a.credential_id IS NOT NULL) AS credentials
  FROM (SELECT DISTINCT moment, min(at) AS at FROM truth GROUP BY moment) AS t LEFT JOIN LATERAL devapp.access_at(:'app_id', at => t.at) AS a ON true
 WHERE t.moment IN ('pending', 'both again', 'another credential', 'one that expired', 'deleted') GROUP BY t.moment, t.at ORDER BY t.at;
SELECT count(*) FROM devapp.access_at(:'app_id', at => (SELECT min(occurred_at) FROM devapp.audit_event));
-- the result depends on no setting of the session
SET datestyle = 'SQL, DMY'; SET timezone = 'America/New_York';
SELECT count(*) FILTER (WHERE (a.code, a.product) IS DISTINCT FROM (t.code, t.product)) AS wrong
  FROM truth t LEFT JOIN LATERAL devapp.access_at(t.app_id, t.resource, t.method, t.environment, t.at, t.proxy) AS a USING (credential_id) WHERE t.resource = '/a/1';
RESET datestyle; RESET timezone;
-- by default: now
SELECT consumer_key = (SELECT consumer_key FROM made) AS first_one, allowed, code, product FROM devapp.access_at(:'app_id', '/a/1');

-- bad input
SELECT devapp.access_at('00000000-0000-0000-0000-000000000000');
SELECT devapp.access_at(NULL);
\set VERBOSITY sqlstate
SELECT devapp.access_at(:'app_id', at => NULL);
SELECT devapp.access_at(:'app_id', at => now() + interval '1 minute');
SELECT devapp.access_at(:'app_id', at => 'infinity');
SELECT devapp.access_at(:'app_id', at => '-infinity');
SELECT devapp.access_at(:'app_id', at => '2000-01-01');
\set VERBOSITY default
SET timezone = 'UTC';
SELECT devapp.access_at(:'app_id', at => '2999-01-01 00:00+00');
RESET timezone;
SELECT devapp.app_history('00000000-0000-0000-0000-000000000000');
SELECT devapp.app_history(NULL);

-- the timeline
SET datestyle = 'ISO';
SELECT who = current_user AS me, regexp_replace(what, '\d{4}-\d\d-\d\d [\d:.+-]+', '...', 'g') AS what, note, array_position((SELECT array_agg(c.consumer_key ORDER BY c.credential_id) FROM devapp.credential c WHERE c.app_id = :'app_id'), h.consumer_key) AS credential
  FROM devapp.app_history(:'app_id') AS h;
SELECT count(*) = (SELECT count(*) FROM devapp.audit_event e WHERE e.app_id = :'app_id') AS complete, bool_and(later > event_id) AS in_order, bool_and(next >= occurred_at) AS in_time
  FROM (SELECT *, lead(event_id, 1, event_id + 1) OVER () AS later, lead(occurred_at, 1, occurred_at) OVER () AS next FROM devapp.app_history(:'app_id')) AS h;
-- who
SELECT devapp.act_as('history2@example.com', is_local => false);
SELECT app_id AS other FROM devapp.create_app('theirs', developer => 'history2@example.com') \gset
SELECT devapp.act_as('', is_local => false);
SELECT DISTINCT who FROM devapp.app_history(:'other');

-- nothing to decide on is an error of its own
SELECT devapp_internal.decide_facts(NULL, NULL, NULL, NULL, NULL, now(), NULL, NULL);
SELECT devapp_internal.decide_facts('{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT f.code FROM devapp_internal.decide_facts('[]', NULL, NULL, NULL, NULL, now(), NULL, NULL) AS f(code, product);
SELECT FROM devapp.set_app_approval('conditional');
