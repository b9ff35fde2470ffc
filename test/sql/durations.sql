-- Intervals that lead out of the calendar, or nowhere, have an error of ours and a hint.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('durations@example.com');
SELECT FROM devapp.create_product('durations');
SELECT app_id AS app, credential_id AS credential FROM devapp.create_app('durations', 'durations@example.com', products => '{durations}') \gset

SELECT FROM devapp.create_app('too-long', 'durations@example.com', expires_in => '1000000 years');
SELECT FROM devapp.create_app('too-long', 'durations@example.com', expires_in => '-1000000 years');
SELECT FROM devapp.issue_credential(:'app', expires_in => '1000000 years');
-- less than a day, but its months lead out of the calendar
SELECT FROM devapp.issue_credential(:'app', expires_in => '300000 years -107999999 days');
SELECT FROM devapp.rotate_credential(:'credential', '1000000 years');
SELECT FROM devapp.rotate_credential(:'credential', '-1000000 years');
SELECT * FROM devapp.bulk_rotate(app_ids => ARRAY[:'app'::uuid], overlap => '1000000 years');
SELECT FROM devapp.claim_notifications(1, '1000000 years');
SELECT FROM devapp.claim_notifications(1, '-1000000 years');
SELECT FROM devapp.purge_notifications('1000000 years');
SELECT FROM devapp.purge_notifications('-1 second');
SELECT FROM devapp.schedule_notifications('294276-12-31 UTC');
-- as long as the calendar
SELECT expires_at > '200000-01-01' AS far FROM devapp.issue_credential(:'app', expires_in => '200000 years');
SELECT devapp.purge_notifications('6000 years');

-- what is no setting is not shown: it may be anything
SELECT devapp_internal.setting('dvk_live_FZjSwQnoEQ0x');
SELECT devapp_internal.setting('notify');
