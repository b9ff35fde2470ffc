-- A developer program with a history of 60 days, for 034_dashboard.pl.
--   psql -v apps=40 -f test/data/dashboard.sql
-- What is made of it does not depend on the time of day.

SET timezone = 'UTC';

-- ---------- the model ----------

SELECT count(devapp.create_developer(e)) FROM unnest(ARRAY['ada@example.com', 'grace@example.com',
    'alexandra.papadopoulou-van-den-berg@international-developer-relations.example.com', 'o''brien&sons@example.com']) AS e;
SELECT FROM devapp.create_team('logistics');
SELECT FROM devapp.create_team('"onmouseover=alert(1) x="');
SELECT count(devapp.create_product(p, quota_limit => 1000 * n, quota_interval => 1200, quota_unit => 'month'))
  FROM unnest(ARRAY['weather', 'maps', '<i>tides</i>', 'routes & traffic']) WITH ORDINALITY AS x (p, n);
SELECT FROM devapp.create_product('payments', approval => 'manual');

-- the first ones are called what somebody who means harm would call them
CREATE TABLE made AS
SELECT n, made.*
  FROM generate_series(1, :apps) AS n,
       LATERAL devapp.create_app(
           coalesce((ARRAY['forecast', '<script>alert(1)</script>', '"onload=', '</title>', 'invoice-fdp.exe',
                           repeat('mobile application for everybody ', 7), chr(1513) || chr(1500) || chr(1493) || chr(1501) || ' ' || chr(1506) || chr(1493) || chr(1500) || chr(1501),
                           repeat('W', 255), 'it''s & isn''t'])[n],
                    (ARRAY['checkout', 'sync', 'portal', 'fleet', 'kiosk', 'archive'])[1 + n % 6] || '-' || n),
           developer => CASE WHEN n % 7 > 1 OR n = 1
                             THEN (ARRAY['ada@example.com', 'grace@example.com', 'o''brien&sons@example.com',
                                         'alexandra.papadopoulou-van-den-berg@international-developer-relations.example.com'])[1 + n % 4] END,
           team => CASE WHEN n % 7 <= 1 AND n > 1 THEN CASE n % 2 WHEN 0 THEN 'logistics' ELSE '"onmouseover=alert(1) x="' END END,
           products => ARRAY[(ARRAY['weather', 'maps', '<i>tides</i>', 'routes & traffic'])[1 + n % 4]]
                       || CASE WHEN n % 3 = 0 THEN ARRAY['payments'] ELSE '{}'::text[] END,
           expires_in => CASE WHEN n % 5 = 0 THEN make_interval(days => n % 60, hours => 5) END) AS made;
SELECT count(devapp.delete_app(app_id)) FROM made WHERE n % 17 = 0;

-- rotated: an old secret is still used; overdue; waiting for some time
SELECT count(devapp.rotate_credential(credential_id, interval '10 days')) FROM made WHERE n % 9 = 2 AND n % 17 > 0;
SET session_replication_role = replica;
UPDATE devapp.credential_secret s SET valid_from = now() - make_interval(days => 100 + made.n)
  FROM made WHERE made.credential_id = s.credential_id AND made.n % 8 = 1 AND s.version = 1 AND s.superseded_at IS NULL;
UPDATE devapp.credential_product a SET created_at = now() - make_interval(hours => made.n * made.n % 1009)
  FROM made WHERE made.credential_id = a.credential_id AND a.status = 'pending';
-- a name that is refused now, and may come from a dump
UPDATE devapp.app SET name = 'invoice' || chr(8238) || 'fdp.exe' WHERE name = 'invoice-fdp.exe';
UPDATE devapp.app SET created_at = now() - interval '100 days';
UPDATE devapp.developer SET created_at = now() - interval '45 days' WHERE email = 'ada@example.com';
UPDATE devapp.developer SET created_at = now() - interval '400 days' WHERE email = 'grace@example.com';
RESET session_replication_role;
INSERT INTO devapp.last_used (credential_id, secret_version, app_id, last_used_at, last_seen_at)
SELECT credential_id, 1, app_id, clock_timestamp(), clock_timestamp() FROM made WHERE n % 9 = 2 AND n < 60;

-- ---------- usage ----------

SELECT count(devapp_internal.usage_partition(p, now() - make_interval(days => d)))
  FROM generate_series(0, 62) AS d, unnest(ARRAY['usage_day', 'usage_latency']) AS p;

-- a week has a rhythm, one day had no calls, another many errors
CREATE TABLE pattern AS
SELECT made.n, made.app_id, d, current_date - d AS day,
       (select p.product_id FROM devapp.product p WHERE p.name = (ARRAY['weather', 'maps', '<i>tides</i>', 'routes & traffic'])[1 + made.n % 4]) AS product_id,
       (400000.0 / (made.n + 2) * CASE WHEN extract(isodow FROM current_date - d) > 5 THEN 0.4 ELSE 1 END
           * (0.85 + 0.3 * ((made.n * 31 + d * 17) % 13) / 13) * (1 - d / 300.0))::bigint AS calls
  FROM made, generate_series(0, 59) AS d
 WHERE d <> 12 AND (made.n + d) % 11 < 9;
INSERT INTO devapp.usage_day (day, app_id, product_id, environment, code, calls, cost)
SELECT day, app_id, product_id, 'prod', 'VALID'::devapp.verdict_code, calls, calls FROM pattern
 UNION ALL
SELECT day, app_id, product_id, 'prod', code::devapp.verdict_code, (calls * part)::bigint + 1, 0
  FROM pattern, (VALUES ('QUOTA_EXCEEDED', 0.009), ('EXPIRED', 0.002), ('RATE_LIMITED', 0.003), ('PRODUCT_PENDING', 0.0004)) AS refusal (code, part)
 WHERE (n * 7 + d * 5) % 4 > 1
 UNION ALL
SELECT current_date - d, NULL, NULL, NULL, 'NOT_FOUND', 1200 + d * 37 % 900, 0 FROM generate_series(0, 59) AS d WHERE d <> 12;
INSERT INTO devapp.usage_latency (day, app_id, product_id, calls, client_errors, server_errors, latency_total, latency_min, latency_max, histogram)
SELECT day, app_id, product_id, calls, (calls * 0.011)::bigint, (calls * CASE WHEN d = 9 THEN 0.04 ELSE 0.0015 END)::bigint,
       calls * interval '40 ms', interval '3 ms', interval '2.5 s',
       array_fill(0::bigint, ARRAY[52]) || ARRAY[calls * 2 / 10, calls * 5 / 10, calls * 2 / 10, calls * 6 / 100, 0, 0, 0, 0, 0, 0, calls - calls * 2 / 10 * 2 - calls * 5 / 10 - calls * 6 / 100]
  FROM pattern WHERE n % 2 = 1;

-- the quota of this century, used by some up to and past its limit
INSERT INTO devapp.quota_usage (app_id, product_id, operation_id, environment, window_start, window_end, used)
SELECT made.app_id, p.product_id, NULL, 'prod', w.window_start, w.window_end, p.quota_limit * (1.1 - made.n * 0.02)
  FROM made
  JOIN devapp.product p ON p.name = (ARRAY['weather', 'maps', '<i>tides</i>', 'routes & traffic'])[1 + made.n % 4],
       LATERAL devapp_internal.quota_window(now(), p.quota_interval, p.quota_unit, p.time_zone) AS w
 WHERE made.n <= 40;
