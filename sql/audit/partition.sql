-- Care of the audit trail: its months, and who may write it.

-- The months, in UTC, that have no partition and should: those from this one on,
-- and those of the events that had to go to the default partition.
CREATE FUNCTION devapp_internal.audit_months_missing(months_ahead integer)
    RETURNS TABLE (partition_name text, from_time timestamptz, to_time timestamptz)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
    WITH month AS (
        SELECT date_trunc('month', now()) + make_interval(months => n) AS start
          FROM generate_series(0, months_ahead) AS n
        UNION
        SELECT date_trunc('month', e.occurred_at) FROM devapp.audit_event_default e
    )
    SELECT to_char(m.start, '"audit_event_"YYYY_MM'), m.start, m.start + interval '1 month'
      FROM month m
     WHERE to_regclass('devapp.' || to_char(m.start, '"audit_event_"YYYY_MM')) IS NULL
     ORDER BY m.start
$$;

-- Whatever was granted on the trail, to everybody or by default, ends at SELECT.
CREATE FUNCTION devapp_internal.protect_audit() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    granted record;
BEGIN
    FOR granted IN
        SELECT c.oid::regclass AS relation, c.relkind, a.grantee,
               string_agg(a.privilege_type, ', ' ORDER BY a.privilege_type) AS privileges
          FROM pg_class c, aclexplode(c.relacl) AS a
         WHERE (c.oid IN ('devapp.audit_event'::regclass, 'devapp.audit_event_id_seq'::regclass, 'devapp.audit_leaf'::regclass,
                          'devapp.audit_node'::regclass, 'devapp.audit_checkpoint'::regclass, 'devapp.pseudonym'::regclass)
                OR c.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'devapp.audit_event'::regclass))
           AND a.grantee <> c.relowner
           AND a.privilege_type <> 'SELECT'
         GROUP BY c.oid, c.relkind, a.grantee
    LOOP
        EXECUTE format('REVOKE %s ON %s %s FROM %s CASCADE', granted.privileges,
                       CASE granted.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, granted.relation,
                       CASE granted.grantee WHEN 0 THEN 'PUBLIC' ELSE granted.grantee::regrole::text END);
    END LOOP;
END
$$;

-- A month that is not attached yet.  Its CHECK says what its bounds will, so attaching
-- need not read its rows; it is dropped when the month is attached.
CREATE FUNCTION devapp_internal.create_audit_month(partition_name text, from_time timestamptz, to_time timestamptz) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
BEGIN
    EXECUTE format('CREATE TABLE devapp.%I (LIKE devapp.audit_event_default INCLUDING DEFAULTS INCLUDING INDEXES,
                        CONSTRAINT bounds CHECK (occurred_at >= %L AND occurred_at < %L))', partition_name, from_time, to_time);
    EXECUTE format('ALTER TABLE devapp.%I ENABLE ROW LEVEL SECURITY', partition_name);
    PERFORM devapp_internal.refuse_without_policy(to_regclass('devapp.' || partition_name));
    PERFORM devapp_internal.take_back(to_regclass('devapp.' || partition_name));
END
$$;

-- Makes a month, and moves its rows before it is attached, so that none is missing to
-- anybody and none is in the way.  Attaching locks the default partition against
-- everybody.  In a month that may have begun an event could be on its way there, and would
-- find that its place is elsewhere now: so this keeps writers out, at most until the lock_timeout
-- of either lock.  They do not wait for a month of the future.
--
-- The bounds become text, in which the session may name its time zone by an
-- abbreviation that is read as another one's: hence UTC.
CREATE FUNCTION devapp_internal.make_audit_month(partition_name text, from_time timestamptz, to_time timestamptz) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET lock_timeout = '400ms'
AS $$
DECLARE
    moved bigint;
BEGIN
    PERFORM devapp_internal.create_audit_month(partition_name, from_time, to_time);
    IF from_time < now() + interval '1 day' THEN
        LOCK TABLE ONLY devapp.audit_event IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    LOCK TABLE devapp.audit_event_default IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('WITH moved AS (
                        DELETE FROM devapp.audit_event_default e
                         WHERE e.occurred_at >= %L AND e.occurred_at < %L RETURNING e.*)
                    INSERT INTO devapp.%I SELECT m.* FROM moved m', from_time, to_time, partition_name);
    GET DIAGNOSTICS moved = ROW_COUNT;
    EXECUTE format('ALTER TABLE devapp.audit_event ATTACH PARTITION devapp.%I FOR VALUES FROM (%L) TO (%L)',
                   partition_name, from_time, to_time);
    EXECUTE format('ALTER TABLE devapp.%I DROP CONSTRAINT bounds', partition_name);
    RETURN moved;
END
$$;

-- One who makes months at a time; writers and readers go on.
CREATE FUNCTION devapp_internal.lock_audit_months() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '400ms'
AS $$
BEGIN
    LOCK TABLE ONLY devapp.audit_event IN SHARE UPDATE EXCLUSIVE MODE;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    RAISE WARNING 'partitions of the audit trail were not created: another session is creating them or analyzing the trail'
        USING ERRCODE = 'lock_not_available', HINT = 'The next devapp.maintain_audit() tries again.';
    RETURN false;
END
$$;

-- Where the trail is in use for long, as pg_dump uses it, a month has time until the next
-- turn: who waits for its lock keeps others waiting.  With the rights of the owner, who
-- alone can attach a partition: whom it is granted to can make months, and nothing else.
CREATE FUNCTION devapp_internal.maintain_audit(months_ahead integer)
    RETURNS TABLE (partition_name text, from_time timestamptz, to_time timestamptz, moved bigint)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF months_ahead IS NULL OR months_ahead NOT BETWEEN 0 AND 120 THEN
        RAISE EXCEPTION 'months_ahead must be from 0 to 120'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for 3 months.';
    END IF;
    -- a restore brings the months of its dump
    IF NOT devapp_internal.may_work() THEN
        RETURN;
    END IF;
    PERFORM devapp_internal.begin_work();
    IF NOT devapp_internal.lock_audit_months() THEN
        RETURN;
    END IF;
    FOR maintain_audit.partition_name, maintain_audit.from_time, maintain_audit.to_time IN
        SELECT * FROM devapp_internal.audit_months_missing(months_ahead)
    LOOP
        BEGIN
            maintain_audit.moved := devapp_internal.make_audit_month(maintain_audit.partition_name, maintain_audit.from_time,
                                                             maintain_audit.to_time);
        EXCEPTION WHEN lock_not_available THEN
            RAISE WARNING 'partition % was not created: the audit trail is in use', devapp_internal.quoted(maintain_audit.partition_name)
                USING ERRCODE = 'lock_not_available',
                      DETAIL = format('Locks are held by %s.',
                                      coalesce(devapp_internal.holders('{devapp.audit_event,devapp.audit_event_default}'), 'a session that has just ended')),
                      HINT = 'The next devapp.maintain_audit() tries again.';
            EXIT;
        END;
        RETURN NEXT;
    END LOOP;
    PERFORM devapp_internal.protect_audit();
END
$$;

CREATE FUNCTION devapp.maintain_audit(months_ahead integer DEFAULT 3)
    RETURNS TABLE (partition_name text, from_time timestamptz, to_time timestamptz, moved bigint)
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.maintain_audit(integer) IS
    'Creates missing monthly partitions of the audit trail, and those of the months ahead; returns them';
SELECT devapp_internal.grant_to('devapp.maintain_audit', 'admin');
