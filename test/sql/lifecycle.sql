-- The lifecycles: every entity, every status, every action.
\set SHOW_CONTEXT never

CREATE FUNCTION pg_temp.try_next(entity text, status text, action text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN devapp.next_status(entity, status, action);
EXCEPTION WHEN object_not_in_prerequisite_state OR invalid_parameter_value THEN
    RETURN '-';
END
$$;

-- app
SELECT s AS status, string_agg(a || ' ' || n, ', ' ORDER BY o) AS legal
  FROM unnest('{pending,rejected,approved,suspended,revoked,deleted}'::text[]) AS s,
       unnest('{approve,reject,resubmit,suspend,resume,revoke,delete}'::text[]) WITH ORDINALITY AS x(a, o),
       LATERAL (SELECT pg_temp.try_next('app', s, a)) AS y(n)
 WHERE n <> '-' GROUP BY s ORDER BY s;
-- the rest
SELECT e AS entity, s AS status, string_agg(a || ' ' || n, ', ' ORDER BY o) AS legal
  FROM unnest('{credential,credential_product,developer,team}'::text[]) AS e,
       unnest('{pending,approved,revoked,compromised,active,inactive}'::text[]) AS s,
       unnest('{approve,revoke,compromise,activate,deactivate}'::text[]) WITH ORDINALITY AS x(a, o),
       LATERAL (SELECT pg_temp.try_next(e, s, a)) AS y(n)
 WHERE n <> '-' GROUP BY e, s ORDER BY e, s;

-- Apigee's words
SELECT devapp.next_status('app', 'pending', 'approved'), devapp.next_status('app', 'approved', 'revoked'),
       devapp.next_status('credential', 'approved', 'revoked'), devapp.next_status('credential_product', 'pending', 'approved'),
       devapp.next_status('developer', 'active', 'inactive'), devapp.next_status('developer', 'inactive', 'active');

-- what is not possible is said, with what is
SELECT devapp.next_status('app', 'pending', 'suspend');
SELECT devapp.next_status('app', 'approved', 'approve');
SELECT devapp.next_status('app', 'deleted', 'approve');
SELECT devapp.next_status('credential', 'compromised', 'approve');
SELECT devapp.next_status('app', 'pending', 'bless');
SELECT devapp.next_status('app', 'lost', 'approve');
SELECT devapp.next_status('product', 'pending', 'approve');
SELECT devapp.next_status(NULL, 'pending', 'approve');

-- triggers hold direct UPDATEs to it as well
SELECT FROM devapp.create_developer('lifecycle@example.com');
SELECT FROM devapp.create_product('lifecycle', approval => 'manual');
SELECT FROM devapp.set_app_approval('manual');
SELECT app_id, credential_id FROM devapp.create_app('lifecycle', developer => 'lifecycle@example.com', products => '{lifecycle}') \gset
SELECT FROM devapp.set_app_approval('conditional');
SELECT status, decided_by, decided_at, decision_note FROM devapp.app WHERE app_id = :'app_id';
SELECT status, decided_by FROM devapp.credential_product WHERE credential_id = :'credential_id';

UPDATE devapp.app SET status = 'suspended' WHERE app_id = :'app_id';
UPDATE devapp.app SET status = 'Approved' WHERE app_id = :'app_id';
UPDATE devapp.app SET status = NULL WHERE app_id = :'app_id';
UPDATE devapp.app SET decided_by = 'nobody' WHERE app_id = :'app_id';
UPDATE devapp.app SET decided_at = '2000-01-01' WHERE app_id = :'app_id';
UPDATE devapp.app SET deleted_at = now() WHERE app_id = :'app_id';
UPDATE devapp.credential SET revoked_at = now() WHERE app_id = :'app_id';
UPDATE devapp.credential_product SET status = 'rejected' WHERE credential_id = :'credential_id';
SELECT status FROM devapp.app WHERE app_id = :'app_id';

BEGIN;
-- a legal one writes down who and when, and does what the function does
UPDATE devapp.app SET status = 'approved', decision_note = 'by hand' WHERE app_id = :'app_id';
SELECT status, decided_by = current_user AS by_me, decided_at = now() AS at_now, decision_note FROM devapp.app WHERE app_id = :'app_id';
SELECT status, decided_by = current_user AS by_me, decision_note FROM devapp.credential_product WHERE credential_id = :'credential_id';
-- a note that is not given is not the last one's
UPDATE devapp.app SET status = 'suspended' WHERE app_id = :'app_id';
SELECT status, decision_note FROM devapp.app WHERE app_id = :'app_id';
-- whoever writes it again unchanged changes nothing
UPDATE devapp.app SET status = status, decided_by = decided_by, deleted_at = deleted_at WHERE app_id = :'app_id';

COMMIT;

-- revoked as compromised is final
BEGIN;
UPDATE devapp.credential SET status = 'revoked' WHERE app_id = :'app_id';
SELECT status, revoked_at = now() AS now FROM devapp.credential WHERE app_id = :'app_id';
COMMIT;
UPDATE devapp.credential SET status = 'compromised', revoked_at = NULL WHERE app_id = :'app_id';
SELECT status, revoked_at < now() AS kept FROM devapp.credential WHERE app_id = :'app_id';
UPDATE devapp.credential SET status = 'approved' WHERE app_id = :'app_id';
UPDATE devapp.credential SET status = 'revoked' WHERE app_id = :'app_id';
SELECT devapp.approve_credential(:'credential_id');
-- revoking it again changes nothing
\set VERBOSITY sqlstate
SELECT status FROM devapp.revoke_credential(:'credential_id');
SELECT status FROM devapp.revoke_credential(:'credential_id', compromised => true);
\set VERBOSITY default

-- deleted is final
BEGIN;
UPDATE devapp.app SET status = 'deleted' WHERE app_id = :'app_id';
SELECT status, deleted_at = now() AS now FROM devapp.app WHERE app_id = :'app_id';
COMMIT;
UPDATE devapp.app SET status = 'approved' WHERE app_id = :'app_id';
