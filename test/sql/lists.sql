-- Arrays in arguments are lists: of one dimension and without nulls, the same in every function.
\set SHOW_CONTEXT never

SELECT FROM devapp.create_developer('lists@example.com');
SELECT FROM devapp.create_product('lists-a');
SELECT FROM devapp.create_product('lists-b');
SELECT app_id AS app, credential_id AS credential FROM devapp.create_app('lists', 'lists@example.com', products => '{lists-a}') \gset

SELECT FROM devapp.create_app('two', 'lists@example.com', products => '{{lists-a},{lists-b}}');
SELECT FROM devapp.create_app('two', 'lists@example.com', products => '{lists-a,NULL}');
SELECT FROM devapp.issue_credential(:'app', products => '{{lists-a}}');
SELECT FROM devapp.add_operation('lists-a', '/x', '{{GET,PUT}}');
SELECT FROM devapp.add_operation('lists-a', '/x', '{GET,NULL}');
SELECT * FROM devapp.bulk_approve(app_ids => ARRAY[[:'app'::uuid]]);
-- a list that begins elsewhere is a list
SELECT products FROM devapp.issue_credential(:'app', products => '[5:6]={lists-a,lists-b}');
SELECT FROM devapp.add_operation('lists-a', '/x', '{}');

-- every public function with an array, through the one entry
CREATE TEMP TABLE refused (function text, argument text, two_dimensions text, a_null text);
DO $$
DECLARE
    tried record;
    state text[];
BEGIN
    FOR tried IN
        SELECT p.oid::regproc::text AS function, a.name, t.oid::regtype AS type,
               (SELECT string_agg(coalesce(format('%I => NULL', x.name), 'NULL'), ', ' ORDER BY x.i)
                  FROM unnest(p.proargnames[:p.pronargs]) WITH ORDINALITY AS x(name, i)
                 WHERE x.i <> a.i AND x.i <= p.pronargs - p.pronargdefaults) AS others
          FROM pg_proc p
         CROSS JOIN LATERAL unnest(p.proargtypes::oid[], p.proargnames[:p.pronargs]) WITH ORDINALITY AS a(type, name, i)
          JOIN pg_type t ON t.oid = a.type AND t.typcategory = 'A'
         WHERE p.pronamespace = 'devapp'::regnamespace AND p.prosrc ~ '^devapp_enter'
         ORDER BY 1, 2
    LOOP
        state := '{}';
        FOR i IN 1 .. 2 LOOP
            BEGIN
                EXECUTE format('SELECT %s(%s%I => %L::%s)', tried.function, tried.others || ', ', tried.name,
                               (ARRAY['{{NULL}}', '{NULL}'])[i], tried.type);
                state := state || 'accepted'::text;
            EXCEPTION WHEN OTHERS THEN
                state := state || SQLSTATE;
            END;
        END LOOP;
        INSERT INTO refused VALUES (tried.function, tried.name, state[1], state[2]);
    END LOOP;
END
$$;
SELECT count(*) >= 19 AS all, two_dimensions, a_null FROM refused GROUP BY two_dimensions, a_null;

-- how calls went: a null means that there is none, but nothing has two dimensions
SELECT devapp.record_usage(ARRAY[:'credential', NULL]::uuid[], '{lists-a,NULL}', '{200,200}', '{1 ms,1 ms}');
SELECT devapp.record_usage(ARRAY[[:'credential']]::uuid[], '{{lists-a}}', '{{200}}', '{{1 ms}}');
SELECT devapp.latency_percentile('{{1}}', 0.5);
SELECT devapp.latency_percentile('{NULL}', 0.5);
