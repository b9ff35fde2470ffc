-- key_owner(): whose key is this.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer(email => 'keyowner@example.com');
SELECT FROM devapp.create_team(name => 'keyowner-team');
SELECT credential_id, consumer_key, secret FROM devapp.create_app(name => 'keyowner', developer => 'keyowner@example.com') \gset
SELECT consumer_key AS team_key FROM devapp.create_app(name => 'keyowner', team => 'keyowner-team') \gset

-- by the consumer key, with blanks around it or without
SELECT consumer_key = :'consumer_key' AS same_key, secret_version, status, app_name, app_status, owner, owner_status FROM devapp.key_owner(key => :'consumer_key');
SELECT owner FROM devapp.key_owner(key => ' ' || :'team_key' || ' ');
-- by the digest; of an old secret as well
SELECT encode(sha256(:'secret'), 'hex') AS old_digest \gset
SELECT secret AS new_secret FROM devapp.rotate_credential(:'credential_id') \gset
SELECT owner, secret_version FROM devapp.key_owner(key => :'old_digest');
SELECT owner, secret_version FROM devapp.key_owner(key => '\x' || upper(encode(sha256(:'new_secret'), 'hex')));
-- a whole key is answered by its consumer key, with a notice that shows no secret
SELECT k.owner, k.secret_version, k::text LIKE '%' || right(:'secret', 38) || '%' AS shows_secret FROM devapp.key_owner(key => :'secret') AS k;

-- bad input; what is shown of a key that is wrong in its last character
SELECT FROM devapp.key_owner(key => repeat('0', 64));
SELECT FROM devapp.key_owner(key => 'dvk_live_unknown');
SELECT FROM devapp.key_owner(key => '');
SELECT FROM devapp.key_owner(key => NULL);
CREATE FUNCTION pg_temp.error_of(key text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM devapp.key_owner(key => error_of.key);
    RETURN 'none';
EXCEPTION WHEN undefined_object THEN
    RETURN SQLERRM;
END $$;
SELECT position(substr(:'secret', length(:'consumer_key') + 2, 20) IN pg_temp.error_of(left(:'secret', -1) || '-')) AS secret_at;

-- a month's partition has the indexes for who and when
SELECT count(DISTINCT i.indrelid) = (SELECT count(*) FROM pg_inherits WHERE inhparent = 'devapp.audit_event'::regclass) AS every_partition
  FROM pg_index i JOIN pg_inherits h ON h.inhrelid = i.indrelid AND h.inhparent = 'devapp.audit_event'::regclass
 WHERE pg_get_indexdef(i.indexrelid) LIKE '%(actor, occurred_at)%';
