-- A history of usage on another server, fed by the publication "usage_feed" of devapp.
--
--	psql -d history -f usage_history.sql
--
-- Run it once, in a database without devapp.  devapp need not be installed on this server;
-- PostgreSQL 15 or later is enough.  See "The usage feed" in
-- doc/operations.md for how to subscribe.
--
-- A subscription writes to the table devapp.usage_minute, because logical replication goes by
-- name.  usage_history.move() takes the rows from there to usage_history.usage_minute: that table
-- may have indexes, be partitioned, columnar or distributed, and whoever works on it keeps nothing
-- from arriving.
\set ON_ERROR_STOP on
BEGIN;

-- If this fails because the schema exists, then devapp is here: take another database.
CREATE SCHEMA devapp;
CREATE TABLE devapp.usage_minute (
    minute timestamptz NOT NULL,
    app_id uuid,
    credential_id uuid,
    secret_version integer,
    product_id uuid,
    operation_id uuid,
    environment text,
    code text NOT NULL,
    calls bigint NOT NULL,
    cost bigint NOT NULL,
    flush_id bigint NOT NULL
);
COMMENT ON TABLE devapp.usage_minute IS 'What arrives from devapp; usage_history.move() takes it away';

CREATE SCHEMA usage_history;
CREATE TABLE usage_history.usage_minute (
    minute timestamptz NOT NULL,
    app_id uuid NOT NULL,
    credential_id uuid,
    secret_version integer,
    product_id uuid,
    operation_id uuid,
    environment text,
    code text NOT NULL,
    calls bigint NOT NULL,
    cost bigint NOT NULL,
    flush_id bigint NOT NULL
);
CREATE INDEX usage_minute_app_id_minute_idx ON usage_history.usage_minute (app_id, minute);
CREATE INDEX usage_minute_minute_idx ON usage_history.usage_minute USING brin (minute);
COMMENT ON TABLE usage_history.usage_minute IS 'Calls by the minute, as devapp.usage_minute on the server that published them; rows of one key add up';
COMMENT ON COLUMN usage_history.usage_minute.app_id IS 'App of the key; all zeros: the key was unknown or malformed';

CREATE TABLE usage_history.known_flush (
    flush_id bigint NOT NULL,
    CONSTRAINT known_flush_pkey PRIMARY KEY (flush_id)
);
COMMENT ON TABLE usage_history.known_flush IS 'Flushes that were here when a subscription began again: if they arrive once more they are left out';

-- The lock keeps the subscription from writing for as long as this takes, so that what is inserted
-- and what is truncated are the same rows.  Both are in one transaction: whatever ends it, each row
-- is in one of the two tables.
CREATE FUNCTION usage_history.move() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s'
AS $$
DECLARE
    moved bigint;
BEGIN
    -- with an older snapshot, rows would be truncated that it does not see
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'usage can only be moved in a READ COMMITTED transaction'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF NOT EXISTS (SELECT FROM devapp.usage_minute) THEN
        RETURN 0;
    END IF;
    BEGIN
        LOCK TABLE devapp.usage_minute IN ACCESS EXCLUSIVE MODE;
    EXCEPTION WHEN lock_not_available THEN
        -- much is arriving at once, as when a subscription begins
        RETURN 0;
    END;
    INSERT INTO usage_history.usage_minute (minute, app_id, credential_id, secret_version, product_id, operation_id,
                                            environment, code, calls, cost, flush_id)
    SELECT a.minute, coalesce(a.app_id, '00000000-0000-0000-0000-000000000000'), a.credential_id, a.secret_version, a.product_id,
           a.operation_id, a.environment, a.code, a.calls, a.cost, a.flush_id
      FROM devapp.usage_minute a
     WHERE NOT EXISTS (SELECT FROM usage_history.known_flush k WHERE k.flush_id = a.flush_id);
    GET DIAGNOSTICS moved = ROW_COUNT;
    TRUNCATE devapp.usage_minute;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION usage_history.move() IS 'Takes what has arrived to the history; how many rows';

-- Moves what arrives until it is ended.  It qualifies every name: a procedure that commits cannot
-- pin its search_path.
CREATE PROCEDURE usage_history.follow(pause double precision DEFAULT 1)
    LANGUAGE plpgsql
AS $$
DECLARE
    moved bigint;
BEGIN
    LOOP
        moved := usage_history.move();
        COMMIT;
        IF moved OPERATOR(pg_catalog.=) 0 THEN
            PERFORM pg_catalog.pg_sleep(pause);
        END IF;
    END LOOP;
END
$$;
COMMENT ON PROCEDURE usage_history.follow(double precision) IS 'Moves what arrives, and looks again after the given number of seconds; it does not end by itself';

-- A flush arrives whole or not at all, since devapp writes it in one transaction.  So when all that
-- has arrived is in the history, a flush of which there are rows is there whole, and can be left
-- out when the first copy of the next subscription brings it again.
CREATE FUNCTION usage_history.begin_again() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '1min'
AS $$
DECLARE
    added bigint;
BEGIN
    IF EXISTS (SELECT FROM pg_subscription_rel r WHERE r.srrelid = 'devapp.usage_minute'::regclass) THEN
        RAISE EXCEPTION 'a subscription still writes to devapp.usage_minute'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Drop the subscription first. Where its slot is gone: ALTER SUBSCRIPTION ... DISABLE, then SET (slot_name = NONE), then DROP SUBSCRIPTION.';
    END IF;
    LOCK TABLE devapp.usage_minute IN ACCESS EXCLUSIVE MODE;
    PERFORM usage_history.move();
    INSERT INTO usage_history.known_flush (flush_id)
    SELECT DISTINCT h.flush_id FROM usage_history.usage_minute h
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
COMMENT ON FUNCTION usage_history.begin_again() IS 'Prepares for a subscription that takes the place of one that was dropped; how many flushes are known';

CREATE VIEW usage_history.status AS
SELECT s.subname AS subscription, a.pid IS NOT NULL AS is_connected, a.last_msg_receipt_time AS last_message_at,
       (SELECT count(*) FROM devapp.usage_minute) AS waiting_rows
  FROM pg_subscription_rel r
  JOIN pg_subscription s ON s.oid = r.srsubid
  LEFT JOIN pg_stat_subscription a ON a.subid = s.oid AND a.relid IS NULL AND a.pid IS NOT NULL AND a.received_lsn IS NOT NULL
 WHERE r.srrelid = 'devapp.usage_minute'::regclass;
COMMENT ON VIEW usage_history.status IS 'Whether the subscription is connected, and how many rows wait for usage_history.move()';

COMMIT;
