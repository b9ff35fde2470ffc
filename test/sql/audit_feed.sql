-- The feed of the audit trail: what is sealed, once and in order, with names beside ids.
BEGIN;
SELECT FROM devapp.create_developer('feed@example.com');
SELECT FROM devapp.create_product('feed-weather');
SELECT app_id FROM devapp.create_app('feed-shop', 'feed@example.com', '{feed-weather}') \gset
SELECT coalesce(max(leaf_index), -1) AS before FROM devapp.audit_leaf \gset
-- not sealed yet
SELECT count(*) FROM devapp.audit_feed(nullif(:before, -1), 10000) AS f WHERE f.leaf_index > :before AND line->>'app_id' = :'app_id';
SELECT FROM devapp.seal_audit();
SELECT line->>'actor' AS actor, line->>'db_role' = current_user AS role, line->>'action' AS action, line->>'entity' AS entity, line->>'object' AS object,
       line->>'app' AS app, line->>'developer' AS developer, regexp_replace(line->>'happened', 'dvk_\w+', 'KEY') AS happened, line->>'consumer_key' IS NOT NULL AS key
  FROM devapp.audit_feed(nullif(:before, -1), 10000) WHERE line->>'app_id' = :'app_id';
-- each leaf once, without a gap, whatever the size of the steps
SELECT max(leaf_index) AS last FROM devapp.audit_leaf \gset
SELECT (SELECT array_agg(leaf_index) FROM devapp.audit_feed(:last - 3)) = ARRAY[:last - 2, :last - 1, :last]::bigint[] AS steps,
       (SELECT array_agg(leaf_index) FROM devapp.audit_feed(after_leaf => :last - 3, "limit" => 2)) = ARRAY[:last - 2, :last - 1]::bigint[] AS "limit",
       (SELECT array_agg(leaf_index) FROM devapp.audit_feed("limit" => 2)) AS first, (SELECT count(*) FROM devapp.audit_feed(0, 0)) AS none;
-- a line holds what the hash is made of, and has no line end
SELECT bool_and(encode(sha256('\x00' || decode(line->>'entry', 'hex')), 'hex') = line->>'leaf_hash') AS proved, bool_or(line::text ~ '\n') AS broken,
       bool_and(line->>'occurred_at' ~ '\+00:00$') AS utc
  FROM devapp.audit_feed(:last - 5);
-- a month that was taken out leaves the hash
SET LOCAL session_replication_role = replica;
DELETE FROM devapp.audit_event WHERE event_id = (SELECT event_id FROM devapp.audit_leaf WHERE leaf_index = :last);
SELECT (SELECT array_agg(k) FROM json_object_keys(line) AS k) FROM devapp.audit_feed(:last - 1);
-- beyond the end, and what is out of range
SELECT * FROM devapp.audit_feed(:last);
SELECT * FROM devapp.audit_feed(9223372036854775807, 10000);
SAVEPOINT s;
SELECT devapp.audit_feed(-1);
ROLLBACK TO s;
SELECT devapp.audit_feed(0, -1);
ROLLBACK TO s;
SELECT devapp.audit_feed(0, 10001);
ROLLBACK TO s;
SELECT devapp.audit_feed(0, NULL);
ROLLBACK TO s;
ROLLBACK;
