-- Reports of what somebody has to do something about: what waits, expires, and is to be
-- rotated.
\set SHOW_CONTEXT never
BEGIN;
SELECT FROM devapp.create_developer('governed@example.com');
SELECT FROM devapp.create_team('governed-team');
SELECT FROM devapp.create_team('governed-board');
SELECT FROM devapp.create_product('governed-auto');
SELECT FROM devapp.create_product('governed-manual', approval => 'manual');
SELECT FROM devapp.create_product('governed-board', approval => 'manual');
SELECT FROM devapp.add_product_approver('governed-board', team => 'governed-board');
SELECT FROM devapp.add_product_approver('governed-board', team => 'governed-team');
SELECT FROM devapp.add_product_approver('governed-board', role => 'pg_monitor');

-- ---------- what waits ----------

SELECT FROM devapp.set_app_approval('auto');
SELECT app_id AS works, credential_id AS works_1 FROM devapp.create_app('governed-works', 'governed@example.com', products => '{governed-auto,governed-board}') \gset
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id AS new, credential_id AS new_1 FROM devapp.create_app('governed-new', team => 'governed-team', products => '{governed-manual,governed-board}') \gset
SELECT app_id AS bare FROM devapp.create_app('governed-bare', 'governed@example.com') \gset
-- none of these waits: a rejected app, a deleted one, a revoked credential, what was removed
SELECT app_id AS rejected, credential_id AS rejected_1 FROM devapp.create_app('governed-rejected', 'governed@example.com', products => '{governed-manual}') \gset
SELECT FROM devapp.reject_app(:'rejected');
SELECT FROM devapp.delete_app((devapp.create_app('governed-deleted', 'governed@example.com', products => '{governed-manual}')).app_id);
SELECT credential_id AS works_2 FROM devapp.issue_credential(:'works', products => '{governed-manual}') \gset
SELECT FROM devapp.revoke_credential(:'works_2');
SELECT credential_id AS works_3 FROM devapp.issue_credential(:'works', products => '{governed-manual}') \gset
SELECT FROM devapp.remove_credential_product(:'works_3', 'governed-manual');

SET LOCAL session_replication_role = replica;
UPDATE devapp.credential_product SET created_at = now() - interval '36 hours' WHERE credential_id = :'works_1';
UPDATE devapp.app SET created_at = now() - interval '240 hours' WHERE app_id = :'bare';
UPDATE devapp.app SET created_at = now() - interval '240 hours', decided_at = now() - interval '120 hours' WHERE app_id = :'rejected';
UPDATE devapp.credential_product SET created_at = now() - interval '240 hours' WHERE credential_id = :'rejected_1';
RESET session_replication_role;
SELECT app, owner, owner_kind, app_status, product, waiting_days, approvers
  FROM devapp_report.pending_approvals WHERE app LIKE 'governed-%' ORDER BY waiting_since, app, product;
-- handed in again it waits since then
SELECT FROM devapp.resubmit_app(:'rejected');
SELECT app, product, waiting_days FROM devapp_report.pending_approvals WHERE app = 'governed-rejected';
SELECT FROM devapp.approve_app(:'new');
SELECT FROM devapp.approve_app(:'bare');
SELECT FROM devapp.approve_app(:'rejected');
SELECT app, product FROM devapp_report.pending_approvals WHERE app LIKE 'governed-%';
-- by the indexes of what is pending, not by reading all apps
CREATE FUNCTION pg_temp.plan() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text;
BEGIN
    SET LOCAL enable_seqscan = off;
    FOR line IN EXPLAIN (COSTS OFF) SELECT * FROM devapp_report.pending_approvals LOOP
        IF line ~ 'pending_idx' THEN RETURN NEXT substring(line FROM '(\w+_pending_idx)'); END IF;
    END LOOP;
END $$;
SELECT DISTINCT index FROM pg_temp.plan() AS index ORDER BY index;

-- ---------- what expires ----------

SELECT credential_id AS soon FROM devapp.issue_credential(:'works', expires_in => '250 hours', environment => 'test') \gset
SELECT credential_id AS today FROM devapp.issue_credential(:'works', expires_in => '1 hour') \gset
SELECT credential_id AS over FROM devapp.issue_credential(:'works', expires_in => '1 hour') \gset
SELECT credential_id AS long_over FROM devapp.issue_credential(:'works', expires_in => '1 hour') \gset
SELECT credential_id AS revoked FROM devapp.issue_credential(:'works', expires_in => '1 hour') \gset
SELECT FROM devapp.revoke_credential(:'revoked');
SET LOCAL session_replication_role = replica;
UPDATE devapp.credential SET expires_at = now() - interval '1 hour' WHERE credential_id = :'over';
UPDATE devapp.credential SET expires_at = now() - interval '721 hours' WHERE credential_id = :'long_over';
RESET session_replication_role;
SELECT credential_id = ANY (ARRAY[:'soon', :'today', :'over']::uuid[]) AS known, kind, environment, app, owner, app_status, days_left, is_expired
  FROM devapp_report.credentials_expiring WHERE owner = 'governed@example.com' ORDER BY expires_at;

-- ---------- what is to be rotated ----------

SELECT app_id AS app, credential_id AS key, consumer_key FROM devapp.create_app('governed-rotated', 'governed@example.com') \gset
SELECT FROM devapp.approve_app(:'app');
SELECT FROM devapp.rotate_credential(:'key', '24 hours');
SELECT FROM devapp.complete_rotation(:'key');
SELECT FROM devapp.rotate_credential(:'key', '24 hours');
SET LOCAL session_replication_role = replica;
-- version 1 worked for 100 days, version 2 for 1 day
UPDATE devapp.credential_secret SET valid_from = now() - interval '2424 hours', superseded_at = now() - interval '24 hours', valid_until = now() - interval '3 hours'
 WHERE credential_id = :'key' AND version = 1;
UPDATE devapp.credential_secret SET valid_from = now() - interval '24 hours' WHERE credential_id = :'key' AND version = 2;
RESET session_replication_role;
-- the first is presented still, and refused; the second was used before the third was issued
INSERT INTO devapp.last_used VALUES (:'key', 1, :'app', now() - interval '30 hours', now() - interval '2 hours'),
                                    (:'key', 2, :'app', now() - interval '3 hours', now() - interval '3 hours');
CREATE FUNCTION pg_temp.hours(at timestamptz) RETURNS numeric LANGUAGE sql AS $$ SELECT round(extract(epoch FROM at - now()) / 3600) $$;
SELECT consumer_key = :'consumer_key' AS known, app, owner, secret_version AS version, is_current, pg_temp.hours(issued_at) AS issued, pg_temp.hours(rotated_at) AS rotated,
       pg_temp.hours(overlap_ends_at) AS overlap_ends, age_days, is_overdue, still_used, pg_temp.hours(last_used_at) AS used, pg_temp.hours(last_seen_at) AS seen
  FROM devapp_report.rotations WHERE app = 'governed-rotated' ORDER BY secret_version;
-- replaced: it is still used if it was presented while it works, or after it had ended, in the last 30 days
CREATE FUNCTION pg_temp.still_used(ended_hours_ago integer, seen_hours_ago integer) RETURNS boolean LANGUAGE sql AS $$
    UPDATE devapp.credential_secret SET valid_from = now() - interval '5000 hours', superseded_at = now() - interval '1000 hours', valid_until = now() - ended_hours_ago * interval '1 hour'
     WHERE credential_id = (SELECT credential_id FROM devapp_report.rotations WHERE app = 'governed-rotated' LIMIT 1) AND version = 1;
    UPDATE devapp.last_used SET last_seen_at = now() - seen_hours_ago * interval '1 hour'
     WHERE credential_id = (SELECT credential_id FROM devapp_report.rotations WHERE app = 'governed-rotated' LIMIT 1) AND secret_version = 1;
    SELECT still_used FROM devapp_report.rotations WHERE app = 'governed-rotated' AND secret_version = 1 $$;
SET LOCAL session_replication_role = replica;
SELECT pg_temp.still_used(-24, 2) AS works, pg_temp.still_used(3, 2) AS refused, pg_temp.still_used(1, 2) AS rotated_in_time,
       pg_temp.still_used(-24, 1001) AS before_rotation, pg_temp.still_used(900, 719) AS days_29, pg_temp.still_used(900, 721) AS days_31;
RESET session_replication_role;
-- overdue: the current one, when it works and is older than the setting, which is in days
SELECT FROM devapp.complete_rotation(:'key');
SET LOCAL session_replication_role = replica;
UPDATE devapp.credential_secret SET valid_from = now() - interval '49 hours' WHERE credential_id = :'key' AND version = 3;
RESET session_replication_role;
CREATE FUNCTION pg_temp.overdue(max_age integer) RETURNS text LANGUAGE sql AS $$
    SELECT set_config('devapp.rotation_max_age', max_age::text, true);
    SELECT coalesce(string_agg(secret_version::text, ' '), 'none') FROM devapp_report.rotations WHERE app = 'governed-rotated' AND is_overdue $$;
SELECT pg_temp.overdue(2) AS after_2, pg_temp.overdue(3) AS after_3, pg_temp.overdue(0) AS never;
SELECT FROM devapp.suspend_app(:'app');
SELECT pg_temp.overdue(2) AS suspended;
SELECT FROM devapp.revoke_credential(:'key');
SELECT count(*) FROM devapp_report.rotations WHERE app = 'governed-rotated';
ROLLBACK;
