-- The audit trail as JSON lines, for a SIEM: what was sealed, by the index of its leaf.
--
-- Events get their numbers before their transactions commit, so whoever remembers the last
-- event_id misses those of transactions that committed later with a smaller one.  Leaves have
-- no gaps, and what is sealed later has a larger index.

-- One leaf.  Its event is null where its month was taken out of the trail.
CREATE FUNCTION devapp_internal.audit_feed_line(leaf devapp.audit_leaf, event devapp.audit_event) RETURNS json
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    entry bytea := devapp.audit_entry(event);
BEGIN
    IF event IS NULL THEN
        RETURN json_build_object('leaf_index', leaf.leaf_index, 'event_id', leaf.event_id, 'leaf_hash', encode(leaf.leaf_hash, 'hex'));
    END IF;
    event := devapp_internal.unmasked_event(event);
    RETURN json_build_object(
        'leaf_index', leaf.leaf_index, 'event_id', event.event_id, 'occurred_at', event.occurred_at,
        'actor', event.actor, 'db_role', event.db_role, 'client_addr', event.client_addr, 'transaction_id', event.transaction_id,
        'action', event.action, 'entity', event.entity, 'entity_id', event.entity_id, 'object', devapp_internal.history_object(event),
        'happened', devapp_internal.history_words(event), 'note', event.note,
        'app_id', event.app_id, 'app', (SELECT a.name FROM devapp.app a WHERE a.app_id = event.app_id),
        'developer_id', event.developer_id, 'developer', (SELECT d.email FROM devapp.developer d WHERE d.developer_id = event.developer_id),
        'team_id', event.team_id, 'team', (SELECT t.name FROM devapp.team t WHERE t.team_id = event.team_id),
        'consumer_key', devapp_internal.history_key(event), 'before', event.before, 'after', event.after,
        'leaf_hash', encode(leaf.leaf_hash, 'hex'), 'entry', encode(entry, 'hex'));
END
$$;

CREATE FUNCTION devapp_internal.audit_feed(after_leaf bigint, "limit" integer) RETURNS TABLE (leaf_index bigint, line json)
    LANGUAGE plpgsql STABLE ROWS 1000
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF after_leaf < 0 THEN
        RAISE EXCEPTION 'after_leaf must not be negative'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the leaf_index of the last line received; leave it out to begin with the first leaf.';
    END IF;
    IF "limit" IS NULL OR "limit" NOT BETWEEN 0 AND 10000 THEN
        RAISE EXCEPTION '"limit" must be from 0 to 10000'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For more, call again with the leaf_index of the last line.';
    END IF;
    RETURN QUERY
    SELECT l.leaf_index, devapp_internal.audit_feed_line(l, e)
      FROM (SELECT x.* FROM devapp.audit_leaf x
             WHERE x.leaf_index > coalesce(after_leaf, -1)
             ORDER BY x.leaf_index LIMIT audit_feed."limit") AS l
      LEFT JOIN devapp.audit_event e ON e.event_id = l.event_id
     ORDER BY l.leaf_index;
END
$$;

CREATE FUNCTION devapp.audit_feed(after_leaf bigint DEFAULT NULL, "limit" integer DEFAULT 1000) RETURNS TABLE (leaf_index bigint, line json)
    LANGUAGE c STABLE ROWS 1000 AS 'MODULE_PATHNAME', 'devapp_enter_auditor';
COMMENT ON FUNCTION devapp.audit_feed(bigint, integer) IS
    'The sealed audit trail as JSON lines with names and ids, from after a leaf_index, for a SIEM';
SELECT devapp_internal.grant_to('devapp.audit_feed', 'admin', 'auditor');
