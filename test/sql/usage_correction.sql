-- Usage that an administrator puts right.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('correct@example.com');
SELECT FROM devapp.create_product('correct');
SELECT FROM devapp.create_product('correct-other');
SELECT app_id AS app FROM devapp.create_app('correct', developer => 'correct@example.com', products => '{correct}') \gset
SELECT (now() AT TIME ZONE 'UTC')::date - 1 AS yesterday, (now() AT TIME ZONE 'UTC')::date AS today \gset
CREATE VIEW pg_temp.days AS SELECT p.name AS product, d.environment, d.code, d.calls, d.cost FROM devapp.usage_day d JOIN devapp.product p USING (product_id)
 WHERE p.name LIKE 'correct%' ORDER BY p.name, d.environment, d.code;
DO $$
BEGIN
    EXECUTE format('INSERT INTO %s (day, app_id, product_id, environment, code, calls, cost)
                    SELECT $1, a.app_id, p.product_id, e, c, 9223372036854775807, 100 FROM devapp.app a, devapp.product p, unnest(ARRAY[''prod'', NULL]) AS e, unnest(''{VALID,QUOTA_EXCEEDED}''::devapp.verdict_code[]) AS c
                     WHERE a.name = ''correct'' AND p.name = ''correct''', devapp_internal.usage_partition('usage_day', now() - interval '1 day'))
      USING (now() AT TIME ZONE 'UTC')::date - 1;
END
$$;

-- one environment, and the calls without one; a day and product without calls
SELECT environment, calls_before, calls, cost_before, cost, note FROM devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', 7, 'a standby of another company');
SELECT environment, calls_before, calls, cost_before, cost FROM devapp.correct_usage(:'app', 'correct', NULL, :'yesterday', 5, 'the same', cost => 50);
SELECT calls_before, calls, cost FROM devapp.correct_usage(:'app', 'correct-other', 'prod', :'yesterday', 3, 'the gateway was down, and counted by hand');
SELECT * FROM pg_temp.days;
-- again, and to nothing
SELECT calls_before, calls FROM devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', 0, 'it was nothing');
SELECT calls, cost FROM pg_temp.days WHERE product = 'correct' AND environment = 'prod' AND code = 'VALID';
-- on record
SELECT action, entity, after->>'calls_before' AS before, after->>'calls' AS calls, after->>'note' AS note FROM devapp.audit_event WHERE app_id = :'app' AND entity = 'usage_correction' ORDER BY event_id;
SELECT regexp_replace(what, '\d{4}-\d\d-\d\d', '(day)') AS what FROM devapp.app_history(:'app') WHERE what LIKE 'usage%';
SELECT calls_before, calls, note FROM devapp.usage_correction WHERE app_id = :'app' ORDER BY correction_id;

-- what cannot be corrected
SELECT devapp.correct_usage(:'app', 'correct', 'prod', '2999-01-01', 1, 'too early');
CREATE FUNCTION pg_temp.refused(app uuid, day date) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN PERFORM devapp.correct_usage(app, 'correct', 'prod', day, 1, 'too early'); RETURN 'taken'; EXCEPTION WHEN invalid_parameter_value THEN RETURN 'refused'; END $$;
SELECT pg_temp.refused(:'app', :'today') AS today;
SELECT devapp.correct_usage(:'app', 'correct', 'prod', 'infinity', 1, 'never');
SELECT devapp.correct_usage(:'app', 'correct', 'prod', '2001-02-03', 1, 'too late');
SELECT devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', -1, 'less than nothing');
SELECT devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', 1, 'less than nothing', cost => -1);
SELECT devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', 1, ' ');
SELECT devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', 1, NULL);
SELECT devapp.correct_usage(:'app', 'correct', 'prod', :'yesterday', NULL, 'how many?');
SELECT devapp.correct_usage(:'app', 'correct', 'prod', NULL, 1, 'when?');
SELECT devapp.correct_usage(:'app', 'no such product', 'prod', :'yesterday', 1, 'what?');
SELECT devapp.correct_usage('00000000-0000-0000-0000-000000000000', 'correct', 'prod', :'yesterday', 1, 'whose?');
