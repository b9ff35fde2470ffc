-- Reports of leaked keys.
--
-- Whoever has a key in plain text may report it.  The answer says whether it is a secret of ours; what
-- happens to it is a matter of the policy.  Neither the key nor a part of it is stored.
--
-- The key is in expressions of PL/pgSQL only, which are no statements: auto_explain, where a superuser
-- uses it, logs the parameters of statements.

-- Counts a report of a text that does not have the form of our keys as a wrong guess; null, or after what
-- time the next one is possible; see src/import/leak_guess.c.
CREATE FUNCTION devapp_internal.count_leak_guess() RETURNS interval
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_count_leak_guess';
CREATE FUNCTION devapp_internal.forgive_leak_guess() RETURNS void
    LANGUAGE c VOLATILE
    AS 'MODULE_PATHNAME', 'devapp_forgive_leak_guess';

-- A name or URL of the place where a key was found, fit to be stored.  The key is taken out before the text
-- is cut, so that no part of it is left.  Where the key has characters that a URL writes otherwise, it may
-- be in there in another form, and where there is more than anybody reads, it is not looked for.
CREATE FUNCTION devapp_internal.leak_place(place text, key text, max_length integer) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shown text;
BEGIN
    IF octet_length(place) > 16384 OR (strpos(place, '%') > 0 AND key ~ '[^A-Za-z0-9._~-]') THEN
        RETURN NULL;
    END IF;
    shown := devapp_internal.masked(replace(place, key, '********'));
    -- control characters, as guard_row() knows them
    shown := regexp_replace(shown, CASE getdatabaseencoding() WHEN 'UTF8' THEN '[\u0001-\u001f\u007f-\u009f]' ELSE '[\u0001-\u001f\u007f]' END,
                            ' ', 'g');
    RETURN nullif(btrim(left(shown, max_length)), '');
END
$$;

-- Could this secret work now, or after somebody approves, resumes or activates something?
CREATE FUNCTION devapp_internal.secret_can_yet_work(secret_id uuid, the_credential devapp.credential, app devapp.app) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN devapp_internal.can_yet_work(the_credential.status, the_credential.expires_at)
       AND the_credential.deleted_at IS NULL AND app.status <> 'deleted'
       AND EXISTS (SELECT FROM devapp.credential_secret s
                    WHERE s.secret_id = secret_can_yet_work.secret_id
                      AND s.ended_at IS NULL AND (s.valid_until IS NULL OR s.valid_until > clock_timestamp()));
END
$$;

-- Ends an old secret that works for an overlap, so that the new one goes on; otherwise, the whole
-- credential is revoked as compromised.
CREATE FUNCTION devapp_internal.revoke_leaked(secret_id uuid, the_credential devapp.credential, note text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM devapp.credential_secret s
                WHERE s.credential_id = the_credential.credential_id AND s.superseded_at IS NULL AND s.secret_id <> revoke_leaked.secret_id) THEN
        PERFORM devapp_internal.set_note(note);
        UPDATE devapp.credential_secret s SET valid_until = now(), ended_at = now() WHERE s.secret_id = revoke_leaked.secret_id;
        PERFORM devapp_internal.set_note(NULL);
        RETURN;
    END IF;
    UPDATE devapp.credential c
       SET status = devapp.next_status('credential', c.status, 'compromise'), decision_note = note
     WHERE c.credential_id = the_credential.credential_id;
END
$$;

-- The administrators are told beside the owner.
CREATE FUNCTION devapp_internal.notify_leaked(app devapp.app, the_credential devapp.credential, version integer, what text, source text, url text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    recipients jsonb;
BEGIN
    SELECT o.recipients || devapp_internal.make_recipient('role', 'devapp_admin', NULL, 'administrator', NULL) INTO recipients
      FROM devapp_internal.owner_contact(app.developer_id, app.team_id, true, the_credential.environment) AS o;
    PERFORM devapp_internal.queue_notification('key_leaked', app, the_credential, NULL, recipients,
                jsonb_build_object('version', version, 'action', what, 'source', source, 'url', url));
END
$$;

-- Does what the policy says about a secret, once.  Its app is locked first, as everywhere.
CREATE FUNCTION devapp_internal.handle_leak(secret_id uuid, source text, url text) RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    app devapp.app;
    the_credential devapp.credential;
    leaked record;
    what text;
BEGIN
    SELECT s.credential_id, s.version, c.app_id INTO STRICT leaked
      FROM devapp.credential_secret s JOIN devapp.credential c ON c.credential_id = s.credential_id
     WHERE s.secret_id = handle_leak.secret_id;
    app := devapp_internal.find_app(leaked.app_id, devapp_internal.is_of_pending_app(leaked.credential_id));
    SELECT * INTO STRICT the_credential FROM devapp.credential c WHERE c.credential_id = leaked.credential_id FOR NO KEY UPDATE;
    what := CASE WHEN NOT devapp_internal.secret_can_yet_work(secret_id, the_credential, app) THEN 'none'
                 WHEN devapp_internal.leak_action() = 'revoke' THEN 'revoked'
                 ELSE 'notified' END;
    INSERT INTO devapp.leak AS l (secret_id, credential_id, action, source, url)
    VALUES (handle_leak.secret_id, leaked.credential_id, what, handle_leak.source, handle_leak.url)
    ON CONFLICT ON CONSTRAINT leak_pkey DO UPDATE
       SET action = excluded.action, source = excluded.source, url = excluded.url, reported_at = excluded.reported_at
     WHERE excluded.action = 'revoked';
    IF NOT FOUND THEN
        RETURN 'already_reported';
    ELSIF what = 'none' THEN
        RETURN 'inactive';
    ELSIF what = 'revoked' THEN
        PERFORM devapp_internal.revoke_leaked(handle_leak.secret_id, the_credential,
                                              concat_ws(': ', 'reported as leaked', nullif(concat_ws(', ', handle_leak.source, handle_leak.url), '')));
    END IF;
    PERFORM devapp_internal.notify_leaked(app, the_credential, leaked.version, what, handle_leak.source, handle_leak.url);
    RETURN what;
END
$$;

-- All secrets that a text is: a client's may be another's, too.  Whoever copies a key copies the blanks around it.
CREATE FUNCTION devapp_internal.handle_leaked_text(key text, source text, url text) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bare constant text := btrim(key, E' \t\r\n');
    secrets uuid[] := devapp_internal.secrets_of_text(key);
    shown_source text;
    shown_url text;
    outcomes text[] := '{}';
    leaked uuid;
BEGIN
    IF bare <> key THEN
        secrets := secrets || devapp_internal.secrets_of_text(bare);
    END IF;
    shown_source := devapp_internal.leak_place(source, bare, 100);
    shown_url := devapp_internal.leak_place(url, bare, 2000);
    FOR leaked IN SELECT s.secret_id FROM devapp.credential_secret s WHERE s.secret_id = ANY (secrets) ORDER BY s.credential_id, s.version LOOP
        outcomes := outcomes || devapp_internal.handle_leak(leaked, shown_source, shown_url);
    END LOOP;
    RETURN outcomes;
END
$$;

CREATE FUNCTION devapp_internal.report_leak(key text, source text, url text, type text) RETURNS devapp.leak_answer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answer devapp.leak_answer;
    whole devapp.key_parts := devapp.key_info(btrim(key, E' \t\r\n'));
    is_guess constant boolean := NOT (devapp_internal.is_admin() OR whole.well_formed AND whole.has_secret);
    wait interval;
    outcomes text[];
BEGIN
    answer.token_type := left(type, 200);
    IF coalesce(key, '') = '' THEN
        answer.outcome := 'invalid';
        answer.detail := 'The report has no token.';
        RETURN answer;
    END IF;
    answer.token_hash := encode(sha256(convert_to(key, 'UTF8')), 'hex');
    answer.label := 'false_positive';
    answer.outcome := 'unknown';
    -- no secret of ours is longer: a token (src/token/jwt_core.h)
    IF octet_length(key) > 16384 THEN
        RETURN answer;
    END IF;
    IF is_guess THEN
        wait := devapp_internal.count_leak_guess();
        IF wait IS NOT NULL THEN
            answer.label := NULL;
            answer.outcome := 'throttled';
            answer.detail := format('Report it again in %s seconds.', ceil(extract(epoch FROM wait)));
            RETURN answer;
        END IF;
    END IF;
    outcomes := devapp_internal.handle_leaked_text(key, source, url);
    IF outcomes = '{}' THEN
        RETURN answer;
    END IF;
    IF is_guess THEN
        PERFORM devapp_internal.forgive_leak_guess();
    END IF;
    answer.label := 'true_positive';
    -- of several, what was done most
    SELECT o INTO answer.outcome FROM unnest(outcomes) AS o
     ORDER BY array_position('{revoked,notified,already_reported,inactive}', o) LIMIT 1;
    RETURN answer;
END
$$;

CREATE FUNCTION devapp.report_leak(key text, source text DEFAULT NULL, url text DEFAULT NULL, type text DEFAULT NULL) RETURNS devapp.leak_answer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.report_leak(text, text, text, text) IS
    'Reports a leaked key or client secret, and revokes it or notifies its owner as the policy says';
SELECT devapp_internal.grant_to('devapp.report_leak', 'admin', 'developer', 'scanner');

-- A member of a report that is a string.
CREATE FUNCTION devapp_internal.report_member(report jsonb, name text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN jsonb_typeof(report -> name) = 'string' THEN report ->> name END;
END
$$;

-- The answer to one report of several: what goes wrong with it concerns no other.
CREATE FUNCTION devapp_internal.answer_one_leak(report jsonb) RETURNS devapp.leak_answer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    failed devapp.leak_answer;
    state text;
    message text;
BEGIN
    RETURN devapp_internal.report_leak(devapp_internal.report_member(report, 'token'), devapp_internal.report_member(report, 'source'),
                                       devapp_internal.report_member(report, 'url'), devapp_internal.report_member(report, 'type'));
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
    failed.outcome := 'failed';
    failed.token_type := left(devapp_internal.report_member(report, 'type'), 200);
    failed.token_hash := encode(sha256(convert_to(devapp_internal.report_member(report, 'token'), 'UTF8')), 'hex');
    failed.detail := devapp_internal.import_reason(state, message);
    RETURN failed;
END
$$;

-- In which order reports are handled: by the public part of the key and the beginning of its digest,
-- so that two calls at once lock credentials in the same order.
CREATE FUNCTION devapp_internal.report_order(reports jsonb) RETURNS integer[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    token text;
    marks text[] := '{}';
BEGIN
    FOR i IN 0 .. jsonb_array_length(reports) - 1 LOOP
        token := btrim(coalesce(devapp_internal.report_member(reports -> i, 'token'), ''), E' \t\r\n');
        marks[i] := devapp.mask_key(token) || left(encode(sha256(convert_to(token, 'UTF8')), 'hex'), 8);
    END LOOP;
    RETURN ARRAY(SELECT i FROM generate_subscripts(marks, 1) AS i ORDER BY marks[i] COLLATE "C", i);
END
$$;

CREATE FUNCTION devapp_internal.report_leaks(reports jsonb) RETURNS SETOF devapp.leak_answer
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    answers devapp.leak_answer[];
    answer devapp.leak_answer;
    place integer;
BEGIN
    IF jsonb_typeof(reports) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'reports must be an array'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give [{"token": ..., "type": ..., "url": ..., "source": ...}, ...], as GitHub sends it.';
    END IF;
    IF jsonb_array_length(reports) > 1000 THEN
        RAISE EXCEPTION 'too many reports: %', jsonb_array_length(reports)
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Give at most 1000 per call.';
    END IF;
    FOREACH place IN ARRAY devapp_internal.report_order(reports) LOOP
        answers[place] := devapp_internal.answer_one_leak(reports -> place);
    END LOOP;
    FOR i IN 0 .. jsonb_array_length(reports) - 1 LOOP
        answer := answers[i];
        RETURN NEXT answer;
    END LOOP;
END
$$;

CREATE FUNCTION devapp.report_leaks(reports jsonb) RETURNS SETOF devapp.leak_answer
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.report_leaks(jsonb) IS
    'Reports leaked keys, given as GitHub sends them: an array of {token, type, url, source}';
SELECT devapp_internal.grant_to('devapp.report_leaks', 'admin', 'developer', 'scanner');
