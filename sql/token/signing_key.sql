-- The keys that sign tokens: made, activated, retired, published.

CREATE FUNCTION devapp_internal.make_signing_key(INOUT alg text, OUT kid text, OUT jwk jsonb, OUT subject text, OUT sealed bytea)
    LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'devapp_make_signing_key';

-- The subject of the private part in devapp.sealed_key.
CREATE FUNCTION devapp_internal.signing_key_subject(kid text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'signing_key/' || kid;

CREATE FUNCTION devapp_internal.create_signing_key(alg text, note text) RETURNS devapp.signing_key
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made record := devapp_internal.make_signing_key(coalesce(create_signing_key.alg, devapp_internal.setting('token_alg')));
    new_key devapp.signing_key;
BEGIN
    INSERT INTO devapp.signing_key (kid, alg, jwk, decided_by, decided_at, decision_note)
    VALUES (made.kid, made.alg, made.jwk, devapp_internal.actor_name(), now(), create_signing_key.note)
    RETURNING * INTO new_key;
    INSERT INTO devapp.sealed_key (subject, sealed) VALUES (made.subject, made.sealed);
    RETURN new_key;
END
$$;

CREATE FUNCTION devapp.create_signing_key(alg text DEFAULT NULL, note text DEFAULT NULL) RETURNS devapp.signing_key
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.create_signing_key(text, text) IS
    'Creates a signing key, which is published at once but signs only after it is activated';
SELECT devapp_internal.grant_to('devapp.create_signing_key', 'admin');

-- Activating or retiring one key of an algorithm waits for the same with another key of it.
CREATE FUNCTION devapp_internal.lock_signing_key(kid text) RETURNS devapp.signing_key
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.signing_key;
BEGIN
    PERFORM FROM devapp.signing_key k
      WHERE k.alg = (SELECT x.alg FROM devapp.signing_key x WHERE x.kid = lock_signing_key.kid)
      ORDER BY k.kid FOR NO KEY UPDATE;
    SELECT * INTO found_row FROM devapp.signing_key k WHERE k.kid = lock_signing_key.kid;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'signing key % does not exist', devapp_internal.quoted(lock_signing_key.kid)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the keys with SELECT kid, alg, status FROM devapp.signing_key.';
    END IF;
    RETURN found_row;
END
$$;

-- When the last token of a key that is retired now will have expired, also where the token is
-- itself the secret of a credential: before a token is signed, its lifetime is recorded with the key
-- (lengthen_signing_key).  Clocks may differ by half a minute.  Others sign with the key until it is
-- retired, and not only until the transaction that retires it began.
CREATE FUNCTION devapp_internal.last_expiry(key devapp.signing_key) RETURNS timestamptz
    LANGUAGE sql VOLATILE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clock_timestamp() + (key).longest_lifetime + interval '30 s'
$$;

-- The private part goes: a key that is retired never signs again.
CREATE FUNCTION devapp_internal.put_signing_key_out(key devapp.signing_key, compromised boolean, note text) RETURNS devapp.signing_key
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.signing_key;
BEGIN
    UPDATE devapp.signing_key k
       SET status = 'retired',
           verify_until = CASE WHEN compromised THEN now() ELSE coalesce(k.verify_until, devapp_internal.last_expiry(k)) END,
           compromised_at = CASE WHEN compromised THEN now() END,
           decision_note = note
     WHERE k.kid = (key).kid
    RETURNING * INTO changed;
    DELETE FROM devapp.sealed_key s WHERE s.subject = devapp_internal.signing_key_subject((key).kid);
    RETURN changed;
END
$$;

CREATE FUNCTION devapp_internal.activate_signing_key(kid text, note text) RETURNS devapp.signing_key
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    activated devapp.signing_key := devapp_internal.lock_signing_key(activate_signing_key.kid);
    before devapp.signing_key;
BEGIN
    IF activated.status = 'active' THEN
        RETURN activated;
    END IF;
    PERFORM devapp.next_status('signing_key', activated.status, 'activate');
    SELECT * INTO before FROM devapp.signing_key k WHERE k.alg = activated.alg AND k.status = 'active';
    IF FOUND THEN
        PERFORM devapp_internal.put_signing_key_out(before, false, activate_signing_key.note);
    END IF;
    UPDATE devapp.signing_key k
       SET status = 'active',
           activated_at = now(),
           longest_lifetime = devapp_internal.setting('token_max_lifetime')::interval,
           decision_note = activate_signing_key.note
     WHERE k.kid = activated.kid
    RETURNING * INTO activated;
    RETURN activated;
END
$$;

CREATE FUNCTION devapp.activate_signing_key(kid text, note text DEFAULT NULL) RETURNS devapp.signing_key
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.activate_signing_key(text, text) IS
    'Activates a signing key, and retires the previous one of its algorithm; can be repeated';
SELECT devapp_internal.grant_to('devapp.activate_signing_key', 'admin');

CREATE FUNCTION devapp_internal.retire_signing_key(kid text, compromised boolean, note text) RETURNS devapp.signing_key
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    retired devapp.signing_key := devapp_internal.lock_signing_key(retire_signing_key.kid);
    is_compromised constant boolean := coalesce(retire_signing_key.compromised, false);
BEGIN
    IF retired.status = 'retired' AND (NOT is_compromised OR retired.compromised_at IS NOT NULL) THEN
        RETURN retired;
    END IF;
    RETURN devapp_internal.put_signing_key_out(retired, is_compromised, retire_signing_key.note);
END
$$;

CREATE FUNCTION devapp.retire_signing_key(kid text, compromised boolean DEFAULT false, note text DEFAULT NULL) RETURNS devapp.signing_key
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.retire_signing_key(text, boolean, text) IS
    'Retires a signing key; its tokens stay valid until they expire, unless it is compromised';
SELECT devapp_internal.grant_to('devapp.retire_signing_key', 'admin');

-- A token that is to live for longer than any before it; src/token/signing_key.c.
CREATE FUNCTION devapp_internal.lengthen_signing_key(kid text, lifetime integer) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE devapp.signing_key k
       SET longest_lifetime = make_interval(secs => lengthen_signing_key.lifetime)
     WHERE k.kid = lengthen_signing_key.kid AND k.longest_lifetime < make_interval(secs => lengthen_signing_key.lifetime)
$$;

-- ---------- publishing ----------

CREATE FUNCTION devapp_internal.jwks() RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object('keys', coalesce(jsonb_agg(k.jwk ORDER BY array_position('{active,next,retired}', k.status), k.alg, k.created_at DESC), '[]'))
      FROM devapp.signing_key k
     WHERE k.verify_until IS NULL OR k.verify_until > clock_timestamp()
$$;

CREATE FUNCTION devapp.jwks() RETURNS jsonb
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.jwks() IS
    'Public keys for verifying tokens of this server, as a JWK Set (RFC 7517)';
SELECT devapp_internal.grant_to('devapp.jwks', 'admin', 'developer', 'gateway');

-- ---------- the policy of age ----------

-- A key that is near its age gets a successor, which is published first, and takes its place
-- when it has been for long enough.
CREATE FUNCTION devapp_internal.renew_signing_key(active devapp.signing_key, age interval, publish interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    next devapp.signing_key;
BEGIN
    SELECT * INTO next FROM devapp.signing_key k WHERE k.alg = (active).alg AND k.status = 'next' ORDER BY k.created_at, k.kid LIMIT 1;
    IF NOT FOUND THEN
        PERFORM devapp_internal.create_signing_key((active).alg, 'its predecessor is near the age of devapp.signing_key_age');
    ELSIF next.created_at <= now() - publish AND (active).activated_at <= now() - age THEN
        PERFORM devapp_internal.activate_signing_key(next.kid, 'devapp.signing_key_age');
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.renew_signing_keys_if_due() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    age constant interval := devapp_internal.setting('signing_key_age');
    publish constant interval := devapp_internal.setting('signing_key_publish');
    active devapp.signing_key;
BEGIN
    IF age = '0' OR devapp_internal.setting('restoring') = 'on' THEN
        RETURN;
    END IF;
    FOR active IN SELECT * FROM devapp.signing_key k
                   WHERE k.status = 'active' AND k.activated_at <= now() - greatest(age - publish, '0') ORDER BY k.alg LOOP
        PERFORM devapp_internal.begin_work();
        PERFORM devapp_internal.renew_signing_key(active, age, publish);
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.doctor_signing_key() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    WITH facts AS (
        SELECT s.alg, s.age, count(k.kid) AS n,
               max(k.kid) FILTER (WHERE k.status = 'active' AND k.alg = s.alg) AS kid,
               string_agg(k.kid, ', ' ORDER BY k.kid)
                   FILTER (WHERE k.status = 'active' AND s.age > '0' AND k.activated_at < now() - s.age - interval '1 hour') AS old
          FROM (SELECT devapp_internal.setting('token_alg') AS alg, devapp_internal.setting('signing_key_age')::interval AS age) AS s
          LEFT JOIN devapp.signing_key k ON k.status <> 'retired'
         GROUP BY s.alg, s.age
    )
    SELECT 'signing_key',
           CASE WHEN f.n = 0 THEN 'info' WHEN f.kid IS NULL OR f.old IS NOT NULL THEN 'warning' ELSE 'ok' END,
           CASE WHEN f.n = 0 THEN 'there is no key, so no token is issued'
                WHEN f.kid IS NULL THEN format('there is no active key for %s, with which tokens are signed', f.alg)
                WHEN f.old IS NOT NULL THEN format('keys are older than devapp.signing_key_age: %s', f.old)
                ELSE format('tokens are signed with %s', f.kid) END,
           CASE WHEN f.n = 0 THEN 'Create one with devapp.create_signing_key, and activate it with devapp.activate_signing_key.'
                WHEN f.kid IS NULL THEN 'Activate one with devapp.activate_signing_key, or set devapp.token_alg to an algorithm that has one.'
                WHEN f.old IS NOT NULL
                THEN 'The worker replaces them; see the check "housekeeping". Without a worker, call devapp.create_signing_key and, once the key has been published long enough, devapp.activate_signing_key.' END
      FROM facts f
$$;
