-- Erasing a person.
--
-- Events hold a pseudonym where a person's e-mail, names or attributes would stand, and
-- devapp.pseudonym says what each stands for.  To erase a person is to empty that table of them:
-- no event is touched, so hashes, checkpoints and proofs stay what they are.  What other
-- tables have of the person is overwritten, with the triggers off, because the trail
-- would record what was there before.

-- The address under which an erased developer is known.  The domain can receive no mail.
CREATE FUNCTION devapp_internal.erased_address(developer_id uuid) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN coalesce(developer_id::text, 'nobody') || '@erased.invalid';

-- The pseudonym of a value for an event (src/audit/audit_row.c).  A value of nobody in
-- particular is an e-mail, and its developer's if there is one; or an app that sent a request
-- over HTTP, and its owner's.
CREATE FUNCTION devapp_internal.pseudonym_of(value text, is_json boolean, developer_id uuid) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    meant jsonb := CASE WHEN is_json THEN value::jsonb ELSE to_jsonb(value) END;
    whose uuid := coalesce(developer_id, (SELECT d.developer_id FROM devapp.developer d
                                           WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key(value) AND d.deleted_at IS NULL),
                           (devapp_internal.reference_owner(substring(value FROM '^app:([^/]+)/'))).developer_id);
    found_one text;
BEGIN
    SELECT p.pseudonym INTO found_one FROM devapp.pseudonym p
     WHERE p.value = meant AND p.developer_id IS NOT DISTINCT FROM whose LIMIT 1;
    IF NOT FOUND THEN
        INSERT INTO devapp.pseudonym AS p (value, developer_id) VALUES (meant, whose) RETURNING p.pseudonym INTO found_one;
    END IF;
    RETURN found_one;
END
$$;

-- ---------- reading ----------

-- What a pseudonym stands for; itself, if its person was erased, and whatever is none.
CREATE FUNCTION devapp_internal.unmasked(pseudonym text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT starts_with(unmasked.pseudonym, 'person:') THEN
        RETURN unmasked.pseudonym;
    END IF;
    RETURN coalesce((SELECT p.value #>> '{}' FROM devapp.pseudonym p WHERE p.pseudonym = unmasked.pseudonym), unmasked.pseudonym);
END
$$;

CREATE FUNCTION devapp_internal.unmasked_row(row_values jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF row_values IS NULL OR strpos(row_values::text, '"person:') = 0 THEN
        RETURN row_values;
    END IF;
    RETURN (SELECT jsonb_object_agg(v.key, coalesce((SELECT p.value FROM devapp.pseudonym p WHERE p.pseudonym = v.value #>> '{}'), v.value))
              FROM jsonb_each(row_values) AS v);
END
$$;

-- An event with persons in the place of their pseudonyms.
CREATE FUNCTION devapp_internal.unmasked_event(event devapp.audit_event) RETURNS devapp.audit_event
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    event.actor := devapp_internal.unmasked(event.actor);
    event.before := devapp_internal.unmasked_row(event.before);
    event.after := devapp_internal.unmasked_row(event.after);
    RETURN event;
END
$$;

-- ---------- legal hold ----------

-- The developers of an e-mail, deleted ones as well, or of an id.  An e-mail that nobody has is
-- that of whoever had it before.
CREATE FUNCTION devapp_internal.persons_of(developer text) RETURNS uuid[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT array_agg(d.developer_id) FROM devapp.developer d
                      WHERE d.developer_id = devapp_internal.reference_uuid(developer)
                         OR devapp_internal.email_key(d.email) = devapp_internal.email_key(btrim(developer))),
                    (SELECT array_agg(DISTINCT p.developer_id) FROM devapp.pseudonym p
                      WHERE p.developer_id IS NOT NULL AND developer LIKE '%_@_%'
                        AND devapp_internal.email_key(p.value #>> '{}') = devapp_internal.email_key(btrim(developer))), '{}')
$$;

CREATE FUNCTION devapp_internal.require_held_object(developer text, month date) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids uuid[] := devapp_internal.persons_of(require_held_object.developer);
BEGIN
    IF num_nonnulls(require_held_object.developer, month) <> 1 THEN
        RAISE EXCEPTION 'a legal hold must be on either a developer or a month'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either developer => (an e-mail or id) or month => (a day of it).';
    END IF;
    IF require_held_object.developer IS NOT NULL AND ids = '{}' THEN
        RAISE EXCEPTION 'developer % does not exist', devapp_internal.quoted(require_held_object.developer)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the id or e-mail address of a developer, who may have been deleted.';
    END IF;
    RETURN ids;
END
$$;

-- Whoever was deleted and came back is several developers, and all of them are held.
CREATE FUNCTION devapp_internal.set_legal_hold(developer text, month date, note text) RETURNS SETOF devapp.legal_hold
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids uuid[] := devapp_internal.require_held_object(set_legal_hold.developer, set_legal_hold.month);
    first_day date := date_trunc('month', set_legal_hold.month);
BEGIN
    INSERT INTO devapp.legal_hold (developer_id, month, note)
    SELECT u.id, NULL, set_legal_hold.note FROM unnest(ids) AS u(id)
     UNION ALL
    SELECT NULL, first_day, set_legal_hold.note WHERE first_day IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT h.* FROM devapp.legal_hold h WHERE h.developer_id = ANY (ids) OR h.month = first_day ORDER BY h.hold_id;
END
$$;

CREATE FUNCTION devapp.set_legal_hold(developer text DEFAULT NULL, month date DEFAULT NULL, note text DEFAULT NULL) RETURNS SETOF devapp.legal_hold
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_legal_hold(text, date, text) IS
    'Protects a developer, or the persons in the audit trail of a month, from being erased; can be repeated';
SELECT devapp_internal.grant_to('devapp.set_legal_hold', 'admin');

CREATE FUNCTION devapp_internal.release_legal_hold(developer text, month date, note text) RETURNS SETOF devapp.legal_hold
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids uuid[] := devapp_internal.require_held_object(release_legal_hold.developer, release_legal_hold.month);
    first_day date := date_trunc('month', release_legal_hold.month);
BEGIN
    PERFORM devapp_internal.set_note(release_legal_hold.note);
    RETURN QUERY DELETE FROM devapp.legal_hold h WHERE h.developer_id = ANY (ids) OR h.month = first_day RETURNING h.*;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no legal hold on %', CASE WHEN first_day IS NULL THEN devapp_internal.quoted(release_legal_hold.developer)
                                                            ELSE to_char(first_day, 'YYYY-MM') END
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the holds with SELECT * FROM devapp.legal_hold.';
    END IF;
    PERFORM devapp_internal.set_note(NULL);
END
$$;

CREATE FUNCTION devapp.release_legal_hold(developer text DEFAULT NULL, month date DEFAULT NULL, note text DEFAULT NULL) RETURNS SETOF devapp.legal_hold
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.release_legal_hold(text, date, text) IS 'Ends a legal hold, which remains recorded in the audit trail';
SELECT devapp_internal.grant_to('devapp.release_legal_hold', 'admin');

-- A month is held for everybody who is in its events.
CREATE FUNCTION devapp_internal.require_no_hold(ids uuid[], pseudonyms text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    hold devapp.legal_hold;
BEGIN
    FOR hold IN SELECT * FROM devapp.legal_hold h WHERE h.developer_id = ANY (ids) OR h.month IS NOT NULL ORDER BY h.created_at FOR SHARE LOOP
        CONTINUE WHEN hold.month IS NOT NULL AND NOT EXISTS (
            SELECT FROM devapp.audit_event e
             WHERE e.occurred_at >= hold.month::timestamptz AND e.occurred_at < (hold.month + interval '1 month')::timestamptz
               AND (e.developer_id = ANY (ids) OR e.actor = ANY (pseudonyms)
                    OR EXISTS (SELECT FROM (SELECT * FROM jsonb_each_text(e.before) UNION ALL SELECT * FROM jsonb_each_text(e.after)) AS v
                                WHERE v.value = ANY (pseudonyms))));
        RAISE EXCEPTION 'the person is under a legal hold%', coalesce(' of the month ' || to_char(hold.month, 'YYYY-MM'), '')
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('It was set at %s.', hold.created_at),
                  HINT = 'When the hold no longer applies, release it with devapp.release_legal_hold().';
    END LOOP;
END
$$;

-- ---------- erasing ----------

-- A text without these e-mails, in whatever case they are written.
CREATE FUNCTION devapp_internal.without_emails(given text, emails text[], instead text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    result text := given;
    email text;
BEGIN
    FOREACH email IN ARRAY emails LOOP
        result := regexp_replace(result, '(?<![[:alnum:]._%+-])' || regexp_replace(email, '([^[:alnum:]])', '\\\1', 'g') || '(?![.]?[[:alnum:]-])', instead, 'gi');
    END LOOP;
    RETURN result;
END
$$;

-- Notifications of the person alone go; in others the person is no recipient any more.
CREATE FUNCTION devapp_internal.erase_notifications(ids uuid[], emails text[], instead text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET session_replication_role = 'replica'
AS $$
BEGIN
    DELETE FROM devapp.notification n
     WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(n.recipients) AS r
                        WHERE coalesce(r ->> 'developer_id' <> ALL (ids::text[]), true)
                          AND coalesce(devapp_internal.email_key(r ->> 'to') <> ALL (emails), true));
    UPDATE devapp.notification n
       SET recipients = x.recipients, addresses = x.addresses, delivered_to = x.delivered_to,
           payload = devapp_internal.without_emails(n.payload::text, emails, instead)::jsonb,
           last_error = devapp_internal.without_emails(n.last_error, emails, instead)
      FROM (SELECT m.notification_id,
                   (SELECT jsonb_agg(r) FROM jsonb_array_elements(m.recipients) AS r
                     WHERE coalesce(r ->> 'developer_id' <> ALL (ids::text[]), true) AND coalesce(devapp_internal.email_key(r ->> 'to') <> ALL (emails), true)) AS recipients,
                   (SELECT coalesce(jsonb_agg(a), '[]') FROM jsonb_array_elements(m.addresses) AS a
                     WHERE coalesce(devapp_internal.email_key(a ->> 'address') <> ALL (emails), true)) AS addresses,
                   ARRAY(SELECT a FROM unnest(m.delivered_to) AS a WHERE devapp_internal.email_key(a) <> ALL (emails)) AS delivered_to
              FROM devapp.notification m
             WHERE devapp_internal.without_emails(concat_ws(' ', m.recipients, m.addresses, m.payload, m.last_error, m.delivered_to), emails, '')
                   <> concat_ws(' ', m.recipients, m.addresses, m.payload, m.last_error, m.delivered_to)
                OR EXISTS (SELECT FROM unnest(ids) AS i WHERE m.recipients @> jsonb_build_array(jsonb_build_object('developer_id', i)))) AS x
     WHERE n.notification_id = x.notification_id;
END
$$;

-- Who decided, in rows that stay.
CREATE FUNCTION devapp_internal.erase_decisions(emails text[], instead text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET session_replication_role = 'replica'
AS $$
DECLARE
    decided text;
BEGIN
    FOREACH decided IN ARRAY '{app,credential,credential_product,developer,team}'::text[] LOOP
        EXECUTE format('UPDATE devapp.%I SET decided_by = $2 WHERE devapp_internal.email_key(decided_by) = ANY ($1)', decided) USING emails, instead;
    END LOOP;
    UPDATE devapp.bulk_run r
       SET started_by = devapp_internal.without_emails(r.started_by, emails, instead),
           filter = devapp_internal.without_emails(r.filter::text, emails, instead)::jsonb,
           arguments = devapp_internal.without_emails(r.arguments::text, emails, instead)::jsonb
     WHERE devapp_internal.without_emails(concat_ws(' ', r.started_by, r.filter, r.arguments), emails, '') <> concat_ws(' ', r.started_by, r.filter, r.arguments);
    UPDATE devapp.bulk_item i SET error = devapp_internal.without_emails(i.error, emails, instead)
     WHERE i.error <> devapp_internal.without_emails(i.error, emails, '');
END
$$;

CREATE FUNCTION devapp_internal.erase_rows(ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
    SET session_replication_role = 'replica'
AS $$
BEGIN
    UPDATE devapp.developer d
       SET email = devapp_internal.erased_address(d.developer_id), first_name = NULL, last_name = NULL, user_name = NULL,
           attributes = '{}', decision_note = NULL
     WHERE d.developer_id = ANY (ids);
END
$$;

-- The e-mails of persons, now and earlier, in the form in which they are compared.  One
-- that somebody else has now is theirs.
CREATE FUNCTION devapp_internal.emails_of(ids uuid[], given text) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT x.email), '{}')
      FROM (SELECT devapp_internal.email_key(d.email) AS email FROM devapp.developer d WHERE d.developer_id = ANY (ids)
             UNION ALL
            SELECT devapp_internal.email_key(p.value #>> '{}') FROM devapp.pseudonym p
             WHERE p.developer_id = ANY (ids) AND jsonb_typeof(p.value) = 'string' AND p.value #>> '{}' LIKE '%_@_%'
             UNION ALL
            SELECT devapp_internal.email_key(btrim(given)) WHERE given LIKE '%_@_%') AS x
     WHERE NOT EXISTS (SELECT FROM devapp.developer o
                        WHERE devapp_internal.email_key(o.email) = x.email AND o.deleted_at IS NULL AND o.developer_id <> ALL (ids))
$$;

CREATE FUNCTION devapp_internal.erase_developer(developer text, note text) RETURNS SETOF devapp.developer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids uuid[];
    emails text[];
    pseudonyms text[];
    instead text;
    live record;
BEGIN
    PERFORM devapp_internal.require_read_committed('erase');
    -- whoever is writing an event about the person has ended then, and nobody begins to; nor sets a hold
    LOCK TABLE devapp.pseudonym, devapp.legal_hold IN SHARE ROW EXCLUSIVE MODE;
    ids := ARRAY(SELECT d.developer_id FROM devapp.developer d
                  WHERE d.developer_id = ANY (devapp_internal.persons_of(erase_developer.developer)) AND d.erased_at IS NULL
                  ORDER BY d.developer_id FOR UPDATE);
    emails := devapp_internal.emails_of(ids, erase_developer.developer);
    pseudonyms := ARRAY(SELECT p.pseudonym FROM devapp.pseudonym p
                         WHERE p.developer_id = ANY (ids)
                            OR p.developer_id IS NULL AND devapp_internal.email_key(p.value #>> '{}') = ANY (emails));
    IF ids = '{}' AND pseudonyms = '{}' THEN
        RAISE NOTICE 'there is nothing left to erase for this person'
            USING DETAIL = 'Either the person has already been erased, or the e-mail address or id is unknown.';
        RETURN;
    END IF;
    IF ids = '{}' THEN
        RAISE NOTICE 'the address does not belong to a developer; data about it are erased';
    END IF;
    PERFORM devapp_internal.require_no_hold(ids, pseudonyms);
    FOR live IN SELECT d.email FROM devapp.developer d WHERE d.developer_id = ANY (ids) AND d.deleted_at IS NULL LOOP
        PERFORM devapp_internal.delete_developer(live.email);
    END LOOP;

    PERFORM devapp_internal.set_note(erase_developer.note);
    DELETE FROM devapp.team_invitation i WHERE devapp_internal.email_key(i.email) = ANY (emails);
    DELETE FROM devapp.notification_recipient r WHERE devapp_internal.email_key(r.email) = ANY (emails);
    instead := devapp_internal.erased_address(ids[1]);
    PERFORM devapp_internal.erase_notifications(ids, emails, instead);
    PERFORM devapp_internal.erase_decisions(emails, instead);
    PERFORM devapp_internal.erase_rows(ids);
    UPDATE devapp.developer d SET erased_at = now() WHERE d.developer_id = ANY (ids);
    PERFORM devapp_internal.set_note(NULL);
    DELETE FROM devapp.pseudonym p
     WHERE p.developer_id = ANY (ids)
        OR p.developer_id IS NULL AND devapp_internal.email_key(p.value #>> '{}') = ANY (emails);
    RETURN QUERY SELECT d.* FROM devapp.developer d WHERE d.developer_id = ANY (ids) ORDER BY d.developer_id;
END
$$;

CREATE FUNCTION devapp.erase_developer(developer text, note text DEFAULT NULL) RETURNS SETOF devapp.developer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.erase_developer(text, text) IS
    'Erases personal data, also in the audit trail, whose proofs stay valid; refused under a legal hold';
SELECT devapp_internal.grant_to('devapp.erase_developer', 'admin');
