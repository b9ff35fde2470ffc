-- Apps, credentials, associations and secrets are inserted without an INSERT
-- (src/table/row_writer.c); triggers, constraints and columns that others add see no difference.
SET client_min_messages = warning;
SELECT FROM devapp.create_developer('writer@example.com');
SELECT FROM devapp.create_product('writer');
BEGIN;
CREATE TEMP TABLE fired (id serial, place text, what text, rows bigint);
GRANT ALL ON fired, fired_id_seq TO PUBLIC;
CREATE FUNCTION pg_temp.fire() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.fired (place, what) VALUES (TG_TABLE_NAME, lower(TG_WHEN || ' ' || TG_LEVEL));
    RETURN NEW;
END $$;
CREATE FUNCTION pg_temp.fire_with_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pg_temp.fired (place, what, rows) SELECT TG_TABLE_NAME, lower(TG_WHEN || ' ' || TG_LEVEL), count(*) FROM made;
    RETURN NULL;
END $$;
CREATE FUNCTION pg_temp.change_label() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.label := NEW.label || ', changed';
    RETURN NEW;
END $$;
DO $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY '{app,credential,credential_product,credential_secret}'::text[] LOOP
        EXECUTE format('CREATE TRIGGER fire_before BEFORE INSERT ON devapp.%I EXECUTE FUNCTION pg_temp.fire()', t);
        EXECUTE format('CREATE TRIGGER fire_before_row BEFORE INSERT ON devapp.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.fire()', t);
        EXECUTE format('CREATE TRIGGER fire_after_row AFTER INSERT ON devapp.%I FOR EACH ROW EXECUTE FUNCTION pg_temp.fire()', t);
        EXECUTE format('CREATE TRIGGER fire_after AFTER INSERT ON devapp.%I REFERENCING NEW TABLE AS made EXECUTE FUNCTION pg_temp.fire_with_rows()', t);
    END LOOP;
END $$;
CREATE TRIGGER change_label BEFORE INSERT ON devapp.credential FOR EACH ROW EXECUTE FUNCTION pg_temp.change_label();
ALTER TABLE devapp.app ADD COLUMN name_length integer GENERATED ALWAYS AS (length(name)) STORED;
ALTER TABLE devapp.credential_product ADD COLUMN chosen text DEFAULT 'by ' || 'default' NOT NULL;
ALTER TABLE devapp.credential ADD CONSTRAINT no_nonsense CHECK (label <> 'nonsense, changed');

SELECT app_id AS app, credential_id AS first FROM devapp.create_app('writer', 'writer@example.com', '{writer}') \gset
SELECT place, what, rows FROM fired ORDER BY id;
SELECT a.name_length, cp.chosen FROM devapp.app a, devapp.credential_product cp WHERE a.app_id = :'app' AND cp.credential_id = :'first';
-- what is returned has the row as the triggers made it
SELECT (devapp.add_app_product(:'app', p.name)).chosen FROM devapp.create_product('writer-2') AS p;
SELECT credential_id AS second FROM devapp.issue_credential(:'app', label => 'mine', products => '{}') \gset
SELECT label FROM devapp.credential WHERE credential_id = :'second';
-- many secrets are one statement
TRUNCATE fired;
SELECT count(*) FROM devapp.bulk_rotate(app_ids => ARRAY[:'app']::devapp.app_ref[], dry_run => false);
SELECT place, what, rows FROM fired ORDER BY id;

CREATE FUNCTION pg_temp.divert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], devapp.uuid_v7())); END $$;
SAVEPOINT refused;
-- a trigger that makes a row refer to another one, of which nobody knows whether it exists
\set VERBOSITY terse
CREATE TRIGGER divert BEFORE INSERT ON devapp.credential FOR EACH ROW EXECUTE FUNCTION pg_temp.divert('app_id');
SELECT FROM devapp.issue_credential(:'app');
ROLLBACK TO refused;
CREATE TRIGGER divert BEFORE INSERT ON devapp.credential_secret FOR EACH ROW EXECUTE FUNCTION pg_temp.divert('credential_id');
SELECT FROM devapp.issue_credential(:'app');
ROLLBACK TO refused;
\set VERBOSITY sqlstate
SELECT FROM devapp.issue_credential(:'app', label => 'nonsense');
ROLLBACK TO refused;
SELECT FROM devapp.create_app('writer', 'writer@example.com');
ROLLBACK TO refused;
SELECT FROM devapp.create_app(E' writer\u00a0', 'writer@example.com');
ROLLBACK TO refused;
SELECT FROM devapp.add_credential_product(:'first', 'writer');
ROLLBACK TO refused;
\set VERBOSITY default
ROLLBACK;
-- nothing is locked or written in a READ ONLY transaction
BEGIN READ ONLY;
SELECT devapp_internal.lock_product('writer', false);
ROLLBACK;
BEGIN READ ONLY;
SELECT devapp_internal.insert_association(devapp.uuid_v7(), devapp.uuid_v7(), 'approved', NULL, NULL);
ROLLBACK;
SELECT FROM devapp.delete_product('writer');
SELECT FROM devapp.delete_developer('writer@example.com');
