-- The trigger functions serve the tables of devapp, and nobody else's: they trust
-- the columns that they are told of.
\set SHOW_CONTEXT never

CREATE TEMP TABLE mine (x bigint, status text);
CREATE TRIGGER t1 AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION devapp_internal.invalidate_cache('x');
INSERT INTO mine VALUES (1);
DROP TRIGGER t1 ON mine;
CREATE TRIGGER t2 BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION devapp_internal.guard_row('x:name');
INSERT INTO mine VALUES (1);
DROP TRIGGER t2 ON mine;
CREATE TRIGGER t3 BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION devapp_internal.guard_status('app', '', 'x');
INSERT INTO mine VALUES (1);
DROP TRIGGER t3 ON mine;
CREATE TRIGGER t4 BEFORE DELETE ON mine EXECUTE FUNCTION devapp_internal.guard_delete();
DELETE FROM mine;
DROP TRIGGER t4 ON mine;

-- A change that is rolled back is not remembered, also where it was seen before its
-- triggers fired.
SELECT FROM devapp.create_developer('triggers@example.com');
SELECT FROM devapp.create_product('triggers');
SELECT * FROM devapp.create_app('triggers', developer => 'triggers@example.com', products => '{triggers}') \gset
SELECT FROM devapp.revoke_credential(:'credential_id');
CREATE FUNCTION pg_temp.look_and_fail(key text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM clock_timestamp();
    RAISE EXCEPTION 'saw %', (devapp.verify_key(key)).code;
END $$;
WITH changed AS (UPDATE devapp.credential SET status = 'approved' WHERE credential_id = :'credential_id' RETURNING 1)
SELECT pg_temp.look_and_fail(:'secret') FROM changed;
SELECT code FROM devapp.verify_key(:'secret');
