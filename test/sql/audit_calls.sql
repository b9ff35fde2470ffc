-- Events are written when the call that made them ends; what was rolled back has none.
\set SHOW_CONTEXT never
SELECT FROM devapp.create_developer('calls@example.com');
SELECT app_id FROM devapp.create_app('calls', developer => 'calls@example.com') \gset
SELECT max(event_id) AS start FROM devapp.audit_event \gset
CREATE TEMP VIEW happened AS
    SELECT e.event_id, e.action, e.entity, e.after ->> 'description' AS description FROM devapp.audit_event e;

-- somebody's own trigger changes the app within the call: more often than rows wait for nothing, and once for good
CREATE FUNCTION pg_temp.interfere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        FOR i IN 1 .. 250 LOOP
            UPDATE devapp.app SET description = 'not kept ' || i WHERE app_id = NEW.app_id;
        END LOOP;
        RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    BEGIN
        UPDATE devapp.app SET description = 'kept' WHERE app_id = NEW.app_id;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    -- a block that ended well goes with the one around it
    BEGIN
        BEGIN
            UPDATE devapp.app SET description = 'not kept in the end' WHERE app_id = NEW.app_id;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
        RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER interfere AFTER UPDATE ON devapp.app FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION pg_temp.interfere();
SELECT FROM devapp.update_app(:'app_id', description => 'first');
SELECT action, entity, description FROM happened WHERE event_id > :start ORDER BY event_id;
DROP TRIGGER interfere ON devapp.app;

-- more than wait, before, in and after a block
CREATE FUNCTION pg_temp.pile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. 150 LOOP
        UPDATE devapp.app SET description = 'before ' || n WHERE app_id = NEW.app_id;
    END LOOP;
    BEGIN
        FOR n IN 1 .. 250 LOOP
            UPDATE devapp.app SET description = 'in ' || n WHERE app_id = NEW.app_id;
        END LOOP;
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    FOR n IN 1 .. 150 LOOP
        UPDATE devapp.app SET description = 'after ' || n WHERE app_id = NEW.app_id;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER pile AFTER UPDATE ON devapp.app FOR EACH ROW WHEN (pg_trigger_depth() = 0)
    EXECUTE FUNCTION pg_temp.pile();
SELECT max(event_id) AS start FROM devapp.audit_event \gset
SELECT FROM devapp.update_app(:'app_id', description => 'many');
SELECT split_part(description, ' ', 1) AS made, count(*), count(DISTINCT event_id), min(event_id) - :start AS first FROM happened WHERE event_id > :start GROUP BY 1 ORDER BY first;
DROP TRIGGER pile ON devapp.app;
-- a call that fails, and one that is taken back after it ended
SELECT max(event_id) AS start FROM devapp.audit_event \gset
DO $$
DECLARE
    the_app text := (SELECT app_id FROM devapp.app WHERE name = 'calls');
BEGIN
    PERFORM devapp.update_app(the_app, description => 'second');
    BEGIN
        PERFORM devapp.update_app(the_app, description => 'taken back');
        RAISE EXCEPTION 'back';
    EXCEPTION WHEN raise_exception THEN NULL;
    END;
    BEGIN
        PERFORM devapp.create_app('fails', developer => 'calls@example.com', environment => 'no such: environment');
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
    UPDATE devapp.app SET description = 'third' WHERE app_id = the_app::uuid;
    -- what was done so far is there to read
    RAISE NOTICE '% events', (SELECT count(*) FROM devapp.audit_event e WHERE e.transaction_id = pg_current_xact_id());
    PERFORM devapp.update_app(the_app, description => 'fourth');
END $$;
SELECT action, entity, description FROM happened WHERE event_id > :start ORDER BY event_id;

-- a trigger that somebody has put on the trail makes events of its own, each of which is written once
CREATE FUNCTION pg_temp.react() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE devapp.app SET description = 'by a statement' WHERE app_id = NEW.app_id;
    PERFORM devapp.update_app(NEW.app_id::text, description => 'by a call');
    RETURN NULL;
END $$;
CREATE TRIGGER react AFTER INSERT ON devapp.audit_event FOR EACH ROW WHEN (NEW.action = 'suspend')
    EXECUTE FUNCTION pg_temp.react();
SELECT max(event_id) AS start FROM devapp.audit_event \gset
SELECT FROM devapp.suspend_app(:'app_id');
UPDATE devapp.app SET status = 'approved' WHERE app_id = :'app_id';
UPDATE devapp.app SET status = 'suspended' WHERE app_id = :'app_id';
SELECT action, entity, description FROM happened WHERE event_id > :start ORDER BY event_id;
DROP TRIGGER react ON devapp.audit_event;
SELECT FROM devapp.resume_app(:'app_id');

-- a call with more events than are kept until its end
SELECT count(c.secret) FROM generate_series(1, 210) AS i, devapp.issue_credential(repeat(:'app_id', sign(i)::integer)) AS c;
SELECT max(event_id) AS start FROM devapp.audit_event \gset
SELECT FROM devapp.delete_app(:'app_id');
SELECT action, entity, count(*), min(event_id) - :start AS first, max(event_id) - :start AS last
  FROM happened WHERE event_id > :start GROUP BY action, entity ORDER BY first;
