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

-- nor are they called in any other way than they are made for
CREATE FUNCTION pg_temp.kind(function text, kind text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF kind = 'SELECT' THEN
        EXECUTE format('SELECT devapp_internal.%I()', function);
    ELSE
        EXECUTE format('CREATE TRIGGER t %s INSERT ON mine FOR EACH %s EXECUTE FUNCTION devapp_internal.%I(''x'', ''x'')',
                       split_part(kind, ' ', 1), split_part(kind, ' ', 2), function);
        INSERT INTO mine VALUES (1);
    END IF;
    RAISE EXCEPTION 'it was called';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT function, kind, pg_temp.kind(function, kind)
  FROM unnest('{audit_row,guard_delete,guard_immutable,guard_row,guard_status,invalidate_cache,mark_restore}'::text[]) AS function,
       unnest('{SELECT,BEFORE ROW,AFTER ROW,BEFORE STATEMENT,AFTER STATEMENT}'::text[]) AS kind;
SELECT pg_temp.kind('as_owner', 'SELECT');
-- their arguments are read when they are called
CREATE FUNCTION pg_temp.arguments(call text, kind text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER aaa %s INSERT OR UPDATE ON devapp.product FOR EACH ROW EXECUTE FUNCTION devapp_internal.%s', kind, call);
    PERFORM devapp.create_product('with a wrong trigger');
    UPDATE devapp.product SET approval = 'manual' WHERE name = 'with a wrong trigger';
    RAISE EXCEPTION 'it was called';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT call, pg_temp.arguments(call, kind) FROM (VALUES
    ('audit_row()', 'AFTER'), ('audit_row(''product'')', 'AFTER'), ('audit_row(''product'', ''id=nothing'')', 'AFTER'),
    ('guard_row(''name'')', 'BEFORE'), ('guard_row(''nothing:name'')', 'BEFORE'), ('guard_row(''name:nothing'')', 'BEFORE'),
    ('guard_status()', 'BEFORE'),
    ('note_foreign_secret()', 'AFTER'), ('invalidate_cache()', 'AFTER'), ('invalidate_cache(''nothing'')', 'AFTER'),
    ('as_owner()', 'AFTER'), ('as_owner(''nothing'')', 'AFTER')) AS t(call, kind);

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
