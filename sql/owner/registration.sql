-- Registering by oneself: an administrator says whether, and whoever holds a token with a
-- verified e-mail address becomes a developer of this address.

CREATE FUNCTION devapp_internal.set_registration(enabled boolean, domains text[], approval_needed boolean, attributes text[])
    RETURNS devapp.registration_policy
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.registration_policy;
BEGIN
    -- the forms in which attributes are kept
    set_registration.attributes := (SELECT coalesce(array_agg(devapp_internal.canonical_name(a)), set_registration.attributes)
                                      FROM unnest(set_registration.attributes) AS a);
    INSERT INTO devapp.registration_policy AS p (enabled, domains, approval_needed, attributes)
    VALUES (set_registration.enabled, coalesce(set_registration.domains, '{}'), coalesce(set_registration.approval_needed, true),
            coalesce(set_registration.attributes, '{}'))
    ON CONFLICT (only_row) DO UPDATE
       SET enabled = set_registration.enabled,
           domains = coalesce(set_registration.domains, p.domains),
           approval_needed = coalesce(set_registration.approval_needed, p.approval_needed),
           attributes = coalesce(set_registration.attributes, p.attributes)
    RETURNING p.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_registration(
    enabled boolean,
    domains text[] DEFAULT NULL,
    approval_needed boolean DEFAULT NULL,
    attributes text[] DEFAULT NULL
) RETURNS devapp.registration_policy
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_registration(boolean, text[], boolean, text[]) IS
    'Sets whether people can register as developers, and from which domains, with which attributes';
SELECT devapp_internal.grant_to('devapp.set_registration', 'admin');

-- The e-mail address in verified claims; null where act_as() or a "sub" says who acts.
CREATE FUNCTION devapp_internal.claimed_email() RETURNS text
    LANGUAGE c STABLE
    AS 'MODULE_PATHNAME', 'devapp_claimed_email';

CREATE FUNCTION devapp_internal.require_claimed_email() RETURNS text
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    claimed text := devapp_internal.claimed_email();
BEGIN
    IF claimed IS NULL THEN
        RAISE EXCEPTION 'registration requires a verified e-mail address'
            USING ERRCODE = 'insufficient_privilege',
                  DETAIL = format('The source of the acting user is: %s.', devapp_internal.identity_source()),
                  HINT = 'Log in with a token that has the claims "email" and "email_verified": true.';
    END IF;
    RETURN claimed;
END
$$;

-- What an error tells is about the address that was claimed, and about nobody else.
CREATE FUNCTION devapp_internal.require_registrable(policy devapp.registration_policy, email text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    domain text := split_part(email, '@', 2);
    problem text;
BEGIN
    IF policy.enabled IS NOT TRUE THEN
        problem := 'developers cannot register without an administrator';
    ELSIF policy.domains <> '{}' AND NOT EXISTS (SELECT FROM unnest(policy.domains) AS d WHERE devapp_internal.domain_matches(domain, d)) THEN
        problem := format('addresses of domain %s cannot register', devapp_internal.quoted(domain));
    -- an administrator had a reason
    ELSIF EXISTS (SELECT FROM devapp.developer d
                   WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key(require_registrable.email) AND d.deleted_at IS NOT NULL) THEN
        problem := format('%s was deleted and cannot register again', devapp_internal.quoted(email));
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION '%', problem
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Ask an administrator of the developer program.';
    END IF;
END
$$;

-- Approval rules judge developers by their attributes: people give only those that an
-- administrator leaves to them.
CREATE FUNCTION devapp_internal.require_open_attributes(policy devapp.registration_policy, attributes jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    closed text;
BEGIN
    IF jsonb_typeof(attributes) = 'object' THEN
        SELECT k INTO closed FROM jsonb_object_keys(attributes) AS k WHERE k <> ALL (policy.attributes) ORDER BY k COLLATE "C" LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'attribute % cannot be set at registration', devapp_internal.quoted(closed)
                USING ERRCODE = 'insufficient_privilege',
                      HINT = 'Leave it out, or ask an administrator of the developer program.';
        END IF;
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.notify_registered(developer devapp.developer) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.notification (event, recipients, payload)
    VALUES ('developer_registered',
            jsonb_build_array(devapp_internal.make_recipient('role', 'devapp_admin', NULL, 'approver', NULL)),
            jsonb_strip_nulls(jsonb_build_object('developer', (developer).email, 'attributes', nullif((developer).attributes, '{}'),
                'name', devapp_internal.person_name((developer).first_name, (developer).last_name, (developer).user_name))))
$$;

-- A second call, even at the same time, finds the row of the first and leaves it as it is.
CREATE FUNCTION devapp_internal.register_developer(first_name text, last_name text, user_name text, attributes jsonb)
    RETURNS TABLE (developer_id uuid, email text, status text)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    claimed text := devapp_internal.require_claimed_email();
    policy devapp.registration_policy;
    made devapp.developer;
BEGIN
    IF NOT EXISTS (SELECT FROM devapp.developer d WHERE devapp_internal.email_key(d.email) = claimed AND d.deleted_at IS NULL) THEN
        -- locked: whoever switches registration off waits for those who are at it
        SELECT * INTO policy FROM devapp.registration_policy FOR SHARE;
        PERFORM devapp_internal.require_registrable(policy, claimed);
        PERFORM devapp_internal.require_open_attributes(policy, devapp_internal.canonical_attributes(register_developer.attributes));
        INSERT INTO devapp.developer AS d (email, first_name, last_name, user_name, attributes, status)
        VALUES (claimed, register_developer.first_name, register_developer.last_name, register_developer.user_name,
                coalesce(register_developer.attributes, '{}'), CASE WHEN policy.approval_needed THEN 'inactive' ELSE 'active' END)
        ON CONFLICT DO NOTHING
        RETURNING d.* INTO made;
        IF made.status = 'inactive' THEN
            PERFORM devapp_internal.notify_registered(made);
        END IF;
    END IF;
    IF made.developer_id IS NULL THEN
        RAISE NOTICE '% is already registered', devapp_internal.quoted(claimed)
            USING HINT = 'Nothing was changed. To change names, use devapp.update_developer.';
    END IF;
    RETURN QUERY
        SELECT d.developer_id, d.email, d.status FROM devapp.developer d
         WHERE devapp_internal.email_key(d.email) = claimed AND d.deleted_at IS NULL;
END
$$;

CREATE FUNCTION devapp.register_developer(
    first_name text DEFAULT NULL,
    last_name text DEFAULT NULL,
    user_name text DEFAULT NULL,
    attributes jsonb DEFAULT NULL
) RETURNS TABLE (developer_id uuid, email text, status text)
    LANGUAGE c ROWS 1 AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.register_developer(text, text, text, jsonb) IS
    'Registers the holder of a token with a verified e-mail address, if devapp.set_registration allows it';
SELECT devapp_internal.grant_to('devapp.register_developer', 'developer');
