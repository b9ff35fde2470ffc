-- Kong's declarative configuration: its consumers' keys go on working.  The bcrypt hash was made by Python's crypt.
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT FROM devapp.create_team('kong-team');
SELECT FROM devapp.create_developer('kong@import.example');
SELECT FROM devapp.create_product('kong-gold');
SELECT FROM devapp.create_product('kong-iron');
SELECT '{"_format_version": "3.0", "_transform": true, "services": [{"name": "s", "url": "http://s.example"}],
  "consumers": [
    {"username": "wäsche", "custom_id": "c-17", "tags": ["a"], "acls": [{"group": "kong-gold"}, {"group": "kong-iron"}],
     "keyauth_credentials": [{"key": "Kg3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}, {"key": "Kh3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "created_at": 1577836800, "ttl": 60},
                             {"key": "Ki3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "created_at": 4102444000, "ttl": 800}],
     "oauth2_credentials": [{"name": "shop", "client_id": "kong-shop", "client_secret": "Cs3Aq7Xl0bqI4mVwRr0c9uYk", "redirect_uris": ["https://a.example"]},
                            {"name": "old", "client_id": "kong-old", "hash_secret": true, "client_secret": "$2b$06$Vt1iBq9zUeL0cHnXk7sOTedzsu3ulTea7TPQN9CREZx0oJhPUFfeW"}]},
    {"custom_id": "only-an-id"}]}' AS doc \gset
SELECT * FROM devapp.import_kong(:'doc', owner => 'kong-team');
SELECT code, app_name, product FROM devapp.verify_key('Kg3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN');
SELECT code, expires_at AT TIME ZONE 'UTC' AS expires FROM devapp.verify_key('Ki3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN');
SELECT (devapp.verify_client('kong-shop', 'Cs3Aq7Xl0bqI4mVwRr0c9uYk')).code, (devapp.verify_client('kong-old', 'a good password')).code;
SELECT outcome, count(*) FROM devapp.import_kong(:'doc', owner => 'team:kong-team') GROUP BY outcome ORDER BY outcome;
-- an older version's file; a ttl that nobody can count from, a group that is no product, a hash of another form, consumers of one name
SELECT * FROM devapp.import_kong('{"_format_version": "1.1", "consumers": [
    {"username": "one", "keyauth_credentials": [{"key": "Kj3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN", "ttl": 60}, {"id": "7"}], "oauth2_credentials": [{"client_id": "kong-hash", "hash_secret": true, "client_secret": "$pbkdf2-sha512$i=10000,l=32$x"}]},
    {"username": "one", "acls": [{"group": "kong-tin"}], "keyauth_credentials": [{"key": "Kk3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}, {"key": "Kl3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}]}]}', owner => 'kong@import.example');
-- a broken consumer is a line
SELECT * FROM devapp.import_kong('{"consumers": [{"username": "broken", "keyauth_credentials": {"key": "Km3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}}, 7,
    {"username": "whole", "keyauth_credentials": [{"key": "Kn3Aq7Xl0bqI4mVwRr0c9uYkH2sTfPzN"}]}]}', owner => 'kong-team', skip_refused => true);
SELECT * FROM devapp.import_kong('{"consumers": [{"username": "x"}]}', owner => 'nobody@import.example');
SELECT * FROM devapp.import_kong('{"consumers": [], "acls": [{"consumer": "x", "group": "y"}]}', owner => 'kong-team');
SELECT * FROM devapp.import_kong('{"services": []}', owner => 'kong-team');
