-- What concerns standbys, on a primary: settings, and that they change nothing here.

-- loads the library, which knows the settings
SELECT decides FROM devapp.standby_status();

-- half a second is neither off nor enough, and 3 is three milliseconds
-- (from 18 on, the words of the range have its unit)
\set VERBOSITY sqlstate
ALTER SYSTEM SET devapp.max_staleness = '500ms';
ALTER SYSTEM SET devapp.max_staleness = '2999ms';
ALTER SYSTEM SET devapp.max_staleness = 3;
ALTER SYSTEM SET devapp.max_staleness = -1;
ALTER SYSTEM SET devapp.max_staleness = '25h';
ALTER SYSTEM SET devapp.max_staleness = 'soon';
\set VERBOSITY default
ALTER SYSTEM SET devapp.max_staleness = '2s';
SET devapp.max_staleness = '3s';
SHOW devapp.max_staleness;

SET devapp.read_after = 'A/B/C';
SET devapp.read_after = 'ffffffff/ffffffff';
\set VERBOSITY sqlstate
SET devapp.replay_wait = '61s';
\set VERBOSITY default
SET devapp.replay_wait = '60s';
SELECT (devapp.verify_key('no key')).code;
SELECT is_standby, decides, reason, staleness, last_commit, received, replayed FROM devapp.standby_status();
SELECT check_name, status FROM devapp.doctor() WHERE check_name LIKE 'standby%';
RESET devapp.read_after;
RESET devapp.replay_wait;

-- nobody's secret: who asks for verdicts may ask whether to ask
BEGIN;
SELECT devapp.setup_roles();
SET LOCAL ROLE devapp_gateway;
SELECT decides FROM devapp.standby_status();
SET LOCAL devapp.read_after = '0/1';
RESET ROLE;
SET LOCAL ROLE devapp_developer;
SELECT decides FROM devapp.standby_status();
ROLLBACK;
