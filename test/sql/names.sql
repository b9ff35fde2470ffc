-- Names: one name for each spelling of it, and nothing in it that nobody can see.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('names@example.com');

-- blanks around a name are no part of it, whoever gives it
SELECT name, display_name FROM devapp.create_team('  names  ', display_name => U&'\00A0The names\3000');
SELECT name FROM devapp.update_team(' names');
SELECT FROM devapp.create_team('names ');
SELECT FROM devapp.create_team('   ');
SELECT '[' || name || ']' AS name FROM devapp.create_product(E' names ');
SELECT app_id AS shop FROM devapp.create_app(' shop ', 'names@example.com', products => '{" names"}') \gset
SELECT '[' || name || ']' AS name FROM devapp.app WHERE app_id = :'shop';
SELECT FROM devapp.create_app('shop', 'names@example.com');
SELECT count(*) FROM devapp.export_apps('{"product": " names ", "name": " shop"}');
INSERT INTO devapp.team (name) VALUES (' direct ') RETURNING '[' || name || ']' AS name;
INSERT INTO devapp.team (name) VALUES ('direct');
-- what is in it stays; a line end or tab is no blank
SELECT name FROM devapp.create_team('two  words');
SELECT FROM devapp.create_team(E'names\n');

-- an accent composed (NFC) or not (NFD)
\set nfc 'U&''caf\\00E9-names'''
\set nfd 'U&''cafe\\0301-names'''
SELECT name = :nfc AS composed FROM devapp.create_team(:nfd);
SELECT FROM devapp.create_team(:nfc);
SELECT name = :nfc AS found FROM devapp.update_team(:nfd);
SELECT name = :nfc AS composed FROM devapp.create_product(:nfd);
SELECT FROM devapp.create_product(:nfc);
SELECT FROM devapp.add_operation(:nfd, '/x');
SELECT product = :nfc AS composed FROM devapp.add_product_approver(:nfd, team => :nfd) AS a JOIN devapp.product p USING (product_id), LATERAL (SELECT p.name AS product) AS n;
SELECT app_id AS app, credential_id AS credential, products = ARRAY[:nfc] AS composed FROM devapp.create_app(:nfd, 'names@example.com', products => ARRAY[:nfd]) \gset
\echo :composed
SELECT FROM devapp.create_app(:nfc, 'names@example.com');
SELECT FROM devapp.create_app('twice', 'names@example.com', products => ARRAY[:nfd, :nfc]);
SELECT status FROM devapp.set_credential_product_status(:'credential', :nfd, 'revoke');
SELECT devapp.record_usage(ARRAY[:'credential']::uuid[], ARRAY[:nfd], '{200}', '{1 ms}') AS known;
SELECT count(*) FROM devapp.export_apps(jsonb_build_object('product', 'names', 'name', :nfd));
SELECT count(*) FROM devapp.export_apps(jsonb_build_object('name', :nfd));
INSERT INTO devapp.product (name) VALUES (:nfd);
-- rules name products and teams, and look at attributes; an app has none that a rule cannot see
SELECT name = :nfc AND product = :nfc AND app_attributes ? :nfc AS composed FROM devapp.create_approval_rule(:nfd, 71, 'reject', product => :nfd, app_attributes => jsonb_build_object(:nfd, 'x'));
SELECT FROM devapp.set_app_approval('conditional');
SELECT app_status FROM devapp.create_app('by-rule', 'names@example.com', products => ARRAY[:nfc], attributes => jsonb_build_object(' ' || :nfd, 'x'));
SELECT FROM devapp.set_app_approval('conditional');
SELECT FROM devapp.delete_approval_rule(:nfd);

-- attributes
SELECT devapp.set_attribute('app', :'app', :nfd, '1') = jsonb_build_object(:nfc, '1') AS composed;
SELECT devapp.set_attribute('app', :'app', ' ' || :nfc, '2') = jsonb_build_object(:nfc, '2') AS same_one;
SELECT count(*) FROM devapp.export_apps(jsonb_build_object('attribute', jsonb_build_object(:nfd, '2')));
SELECT devapp.remove_attribute('app', :'app', :nfd) = '{}' AS removed;
SELECT attributes = jsonb_build_object(:nfc, E'a "b" \\ c') AS composed FROM devapp.update_app(:'app', attributes => jsonb_build_object(:nfd, E'a "b" \\ c'));
SELECT FROM devapp.update_app(:'app', attributes => '{"a": "1", " a": "2"}');

-- what others compare is kept as it is
SELECT proxy = :nfd AS as_given FROM devapp.add_operation('names', '/y', proxy => :nfd);
SELECT proxies = '{" a"}' AS as_given FROM devapp.update_product('names', proxies => '{" a"}');
-- and e-mails: NFC would make a k of the sign for kelvin
SELECT FROM devapp.create_developer('kate-names@example.com');
SELECT email = U&'\212Aate-names@example.com' AS another FROM devapp.create_developer(U&'\212Aate-names@example.com');

-- nothing that nobody can see: every such character, in every place, of every name
CREATE TEMP TABLE invisible AS
SELECT chr(('x' || lpad(hex, 8, '0'))::bit(32)::integer) AS c, hex
  FROM unnest('{ad,34f,61c,180e,200b,200c,200d,200e,200f,2028,2029,202a,202b,202c,202d,202e,2060,2064,2066,2067,2068,2069,206f,3164,fe0f,feff,ffa0,fff9,1d173,e0001,e0061}'::text[]) AS hex;
SELECT FROM devapp.create_team(U&'na\202Emes');
SELECT FROM devapp.create_developer(U&'na\200Bmes@example.com');
SELECT FROM devapp.create_product('shown', display_name => U&'na\2066mes');
SELECT FROM devapp.create_product('listed', environments => ARRAY[U&'na\200Dmes']);
SELECT FROM devapp.set_attribute('app', :'app', U&'na\FEFFmes', 'x');
CREATE FUNCTION pg_temp.refusal(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE sql;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;
SELECT DISTINCT pg_temp.refusal(format('SELECT FROM devapp.create_team(%L)', overlay('hidden' PLACING c FROM place FOR 0))) AS refusal
  FROM invisible, generate_series(1, 7) AS place
 -- separators of lines around a name are blanks
 WHERE NOT (hex IN ('2028', '2029') AND place IN (1, 7));
SELECT DISTINCT pg_temp.refusal(format(statement, 'hid' || c || 'den')) AS refusal
  FROM invisible, unnest(ARRAY['SELECT FROM devapp.create_product(%L)', 'SELECT FROM devapp.create_app(%L, ''names@example.com'')',
       'SELECT FROM devapp.create_approval_rule(%L, 72, ''approve'')', 'SELECT FROM devapp.update_developer(''names@example.com'', first_name => %L)',
       'INSERT INTO devapp.team (name) VALUES (%L)']) AS statement
 ORDER BY 1;
-- neighbours of them are letters like others, and descriptions are texts
SELECT count(*) FROM unnest('{ac,ae,61b,200a,2010,2030,ffee}'::text[]) AS hex,
     LATERAL (SELECT pg_temp.refusal(format('SELECT FROM devapp.create_team(%L)', 'x' || chr(('x' || lpad(hex, 8, '0'))::bit(32)::integer) || 'x'))) AS r(refusal) WHERE refusal = 'accepted';
SELECT description = U&'\2067right to left\2069' AS kept FROM devapp.update_product('names', description => U&'\2067right to left\2069');

-- a key is a secret, and is not kept in any text
SELECT secret AS key, credential_id AS credential FROM devapp.issue_credential(:'app') \gset
SELECT DISTINCT regexp_replace(pg_temp.refusal(format(statement, 'see ' || :'key' || '!')), '^(\S+): .* (contains.*)$', '\1 \2') AS refusal
  FROM unnest(ARRAY['SELECT FROM devapp.create_team(%L)', 'SELECT FROM devapp.create_product(''keys'', description => %L)', 'SELECT FROM devapp.create_product(''keys'', environments => ARRAY[%L])',
       'SELECT FROM devapp.create_app(''keys'', ''names@example.com'', attributes => jsonb_build_object(''key'', %L))', 'SELECT FROM devapp.create_app(''keys'', ''names@example.com'', attributes => jsonb_build_object(%L, ''key''))',
       'SELECT FROM devapp.create_app(''keys'', ''names@example.com'', callback_urls => ARRAY[''https://a.example/'' || split_part(%L, '' '', 2)])',
       'SELECT FROM devapp.update_developer(''names@example.com'', last_name => %L)', 'INSERT INTO devapp.team (name) VALUES (%L)']) AS statement;
-- nor in what has a form of its own
SELECT FROM devapp.create_product('names-op');
SELECT FROM devapp.add_operation('names-op', '/orders');
SELECT credential_id AS client FROM devapp.create_app('names-client', 'names@example.com', '{names-op}', kind => 'oauth_client') \gset
SELECT q AS statement, regexp_replace(pg_temp.refusal(format(q, 'see ' || :'key' || '!')), '^(\S+): ', '\1 ') AS refusal
  FROM unnest(ARRAY['SELECT FROM devapp.create_product(''keys'', scopes => ARRAY[%L])', 'SELECT FROM devapp.add_operation(''names-op'', ''/'' || split_part(%L, '' '', 2))',
       'SELECT FROM devapp.correct_usage(''names@example.com/names-client'', ''names-op'', %L, current_date - 2, 5, ''x'')',
       'SELECT FROM devapp.correct_usage(''names@example.com/names-client'', ''names-op'', NULL, current_date - 2, 5, %L)',
       'INSERT INTO devapp.client_key (credential_id, kid, alg, jwk) SELECT credential_id, %L, ''EdDSA'', ''{}'' FROM devapp.credential LIMIT 1',
       'INSERT INTO devapp.token_issuer (issuer, jwks, audience, claim, names) VALUES (''names'', ''{}'', ARRAY[%L], ''sub'', ''client'')',
       'INSERT INTO devapp.notification (event, app_id, recipients, worker) VALUES (''app_approved'', devapp.uuid_v7(), ''[{}]'', %L)']) AS q;
SELECT FROM devapp.revoke_credential(:'credential', 'leaked: ' || :'key');
SELECT FROM devapp.create_developer('names2@example.com');
SELECT FROM devapp.transfer_app(:'app', developer => 'names2@example.com', note => :'key');
-- its consumer key is public, and what looks like a key and is none is a word
SELECT status, decision_note ~ 'dvk_live_............$' AS noted FROM devapp.revoke_credential(:'credential', 'leaked: ' || left(:'key', 21));
SELECT description FROM devapp.update_product('names', description => 'dvk_live_0123456789AB_mysecret');

-- no spreadsheet takes a name, a short text, an e-mail or what reports show for a formula
SELECT FROM devapp.create_team('=1+1');
SELECT FROM devapp.create_team('  @team');
SELECT FROM devapp.create_team('formula', display_name => '-1');
SELECT FROM devapp.create_product(U&'\FF1Dproduct');
SELECT FROM devapp.create_product('formula', description => '=HYPERLINK("http://evil.example")');
SELECT FROM devapp.create_app('=HYPERLINK("http://evil.example")', 'names@example.com');
SELECT FROM devapp.create_app('formula', 'names@example.com', app_family => '+49');
SELECT FROM devapp.create_developer('=cmd@example.com');
SELECT FROM devapp.create_developer('formula@example.com', first_name => '@Ann');
SELECT FROM devapp.create_approval_rule('-rule', 1, 'hold');
INSERT INTO devapp.team (name) VALUES ('+team');
SELECT name FROM devapp.create_team('a=b+c-d@e');
