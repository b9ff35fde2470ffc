-- What the reports are measured on: a developer program with :apps apps, and 60 days
-- of usage with :usage_rows rows of devapp.usage_day, a tenth as many of latencies.
--   psql -v apps=300000 -v usage_rows=10000000 -f test/bench/reports.sql
-- The database has the extension and no apps.
--
-- Of five rows of a day, three are calls of three apps, one of the first app to its
-- second product, or if it has none in another environment, and one of calls of it
-- that were refused.  So an app is called on
-- every third day; ids spread the busy ones evenly.

CREATE SCHEMA bench;
CREATE FUNCTION bench.id(space integer, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ('00000000-0000-7000-' || (8000 + space)::text || '-' || lpad(to_hex(n), 12, '0'))::uuid;

-- loaded as a dump would be, without triggers
SET session_replication_role = replica;
SET timezone = 'UTC';

INSERT INTO devapp.developer (developer_id, email)
SELECT bench.id(1, i), 'dev' || i || '@example.com' FROM generate_series(1, :apps / 10) AS i;
INSERT INTO devapp.team (team_id, name) SELECT bench.id(2, i), 'team' || i FROM generate_series(1, :apps / 300) AS i;
INSERT INTO devapp.team_member (team_id, developer_id)
SELECT DISTINCT bench.id(2, i % (:apps / 300) + 1), bench.id(1, i) FROM generate_series(1, :apps / 60) AS i;
INSERT INTO devapp.product (product_id, name, approval, quota_limit, quota_interval, quota_unit)
SELECT bench.id(3, i), 'product' || i, CASE WHEN i % 2 = 0 THEN 'auto' ELSE 'manual' END, 1000, 1, 'day' FROM generate_series(0, 49) AS i;
INSERT INTO devapp.product_approver (product_id, team_id)
SELECT bench.id(3, i), bench.id(2, i % (:apps / 300) + 1) FROM generate_series(1, 49, 2) AS i;

-- one app of ten is a team's, 150 are pending, the last hundredth is deleted
INSERT INTO devapp.app (app_id, developer_id, team_id, name, status, created_at, deleted_at)
SELECT bench.id(0, i), CASE WHEN i % 10 > 0 THEN bench.id(1, i % (:apps / 10) + 1) END,
       CASE WHEN i % 10 = 0 THEN bench.id(2, i / 10 % (:apps / 300) + 1) END, 'app' || i,
       CASE WHEN i % (:apps / 150) = 1 THEN 'pending' WHEN i > :apps * 0.99 THEN 'deleted' ELSE 'approved' END,
       now() - i % 700 * interval '1 day', CASE WHEN i > :apps * 0.99 THEN now() - interval '1 day' END
  FROM generate_series(1, :apps) AS i;

-- one of ten apps has a second credential; a fifth of them expires; some are revoked
INSERT INTO devapp.credential (credential_id, app_id, consumer_key, status, issued_at, expires_at, revoked_at)
SELECT bench.id(4, i), bench.id(0, (i - 1) % :apps + 1), 'dvk_live_' || lpad(to_hex(i), 12, '0'),
       CASE WHEN i % 50 = 3 THEN 'revoked' ELSE 'approved' END, now() - i % 400 * interval '1 day',
       CASE WHEN i % 5 = 0 THEN now() + (i % 1000 - 100) * interval '1 day' END,
       CASE WHEN i % 50 = 3 THEN now() - interval '5 days' END
  FROM generate_series(1, :apps * 11 / 10) AS i;

-- a tenth was rotated
INSERT INTO devapp.credential_secret (credential_id, version, purpose, digest, scheme, valid_from, superseded_at, valid_until)
SELECT bench.id(4, i), v, 'api_key', ('blake2b:0:' || encode(sha256((i || '/' || v)::bytea), 'hex'))::devapp.secret_digest, 'blake2b',
       now() - (i % 400 + 20 - v) * interval '1 day',
       CASE WHEN v < last THEN now() - (i % 400 + 19 - v) * interval '1 day' END,
       CASE WHEN v < last THEN now() - (i % 400 + 12 - v) * interval '1 day' END
  FROM generate_series(1, :apps * 11 / 10) AS i,
       LATERAL (SELECT CASE WHEN i % 10 = 0 THEN 2 ELSE 1 END AS last) AS x,
       generate_series(1, last) AS v;

-- every credential has a product, half of them two; 150 associations are pending
INSERT INTO devapp.credential_product (credential_id, product_id, status, created_at)
SELECT bench.id(4, i), bench.id(3, (i + n * 7) % 50),
       CASE WHEN i % (:apps / 150) = 2 AND n = 0 THEN 'pending' ELSE 'approved' END, now() - i % 400 * interval '1 day'
  FROM generate_series(1, :apps * 11 / 10) AS i, generate_series(0, 1) AS n
 WHERE n = 0 OR i % 2 = 0;

INSERT INTO devapp.last_used (credential_id, secret_version, app_id, last_used_at, last_seen_at)
SELECT bench.id(4, i), 1, bench.id(0, (i - 1) % :apps + 1), now() - i % 300 * interval '1 day', now() - i % 300 * interval '1 day'
  FROM generate_series(1, :apps * 11 / 10) AS i WHERE i % 5 > 0;
RESET session_replication_role;

SELECT DISTINCT devapp_internal.usage_partition(p, now() - d * interval '1 day')
  FROM generate_series(0, 59) AS d, unnest(ARRAY['usage_day', 'usage_latency']) AS p \g /dev/null

INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
SELECT (now() - d * interval '1 day')::date, bench.id(0, n), bench.id(3, (n + CASE WHEN k % 5 = 3 AND n % 2 = 0 THEN 7 ELSE 0 END) % 50),
       CASE WHEN k % 5 = 3 AND n % 2 = 1 THEN 'test' ELSE 'prod' END || CASE WHEN turn > 0 THEN turn::text ELSE '' END,
       CASE WHEN k % 5 = 4 THEN 'QUOTA_EXCEEDED' ELSE 'VALID' END::devapp.verdict_code, calls, CASE WHEN k % 5 = 4 THEN 0 ELSE calls END
  FROM generate_series(0, 59) AS d, generate_series(0, :usage_rows / 60 - 1) AS k,
       LATERAL (SELECT (k / 5 * 3 + CASE WHEN k % 5 < 3 THEN k % 5 ELSE 0 END) AS place) AS x,
       LATERAL (SELECT (place * 7919::bigint + d * 104729::bigint) % :apps + 1 AS n, place / :apps AS turn) AS y,
       LATERAL (SELECT n % 1000 * 7 + d + k % 97 + 1 AS calls) AS z
 ORDER BY 1 DESC, 2;

INSERT INTO devapp.usage_latency (day, app_id, product_id, calls, client_errors, server_errors, latency_total, latency_min, latency_max, histogram)
SELECT (now() - d * interval '1 day')::date, bench.id(0, n), bench.id(3, n % 50), 100, 3, 1, interval '2 s', interval '10 ms', interval '90 ms',
       '[54:60]={10,20,40,20,5,4,1}'::bigint[]
  FROM generate_series(0, 59) AS d, generate_series(0, :usage_rows / 600 - 1) AS k,
       LATERAL (SELECT (k * 7919::bigint + d * 104729::bigint) % :apps + 1 AS n) AS y
 ORDER BY 1 DESC, 2
ON CONFLICT DO NOTHING;
VACUUM ANALYZE;
