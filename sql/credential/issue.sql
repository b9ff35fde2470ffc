-- Credentials: issue, approve, revoke.

-- A credential that will never work again gets nothing more; one that is revoked only
-- what a person gives it who may approve it again.
CREATE FUNCTION devapp_internal.require_working(the_credential devapp.credential, or_revoked boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF the_credential.status = 'compromised' THEN
        RAISE EXCEPTION 'credential % is compromised', devapp_internal.credential_label(the_credential.credential_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'A compromised credential cannot be restored; issue a new one with devapp.issue_credential.';
    END IF;
    IF the_credential.status = 'revoked' AND NOT or_revoked THEN
        RAISE EXCEPTION 'credential % is revoked', devapp_internal.credential_label(the_credential.credential_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE WHEN devapp_internal.is_admin() THEN 'Approve it first with devapp.approve_credential, or issue a new one with devapp.issue_credential.'
                              ELSE 'Issue a new one with devapp.issue_credential, or ask an administrator of the developer program.' END;
    END IF;
    IF the_credential.expires_at <= clock_timestamp() THEN
        RAISE EXCEPTION 'credential % has expired', devapp_internal.credential_label(the_credential.credential_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Its expiry cannot be changed; issue a new one with devapp.issue_credential.';
    END IF;
END
$$;

-- Scopes must be offered by one of the products.
CREATE FUNCTION devapp_internal.require_scopes(scopes text[], products devapp.product[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown text;
BEGIN
    SELECT s INTO unknown
      FROM unnest(scopes) AS s
     WHERE NOT EXISTS (SELECT FROM unnest(products) AS p WHERE s = ANY (p.scopes))
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no product has the scope %', devapp_internal.quoted(unknown)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Request scopes that the products of the app offer (devapp.product.scopes).';
    END IF;
END
$$;

-- So must its environment, by one that covers all or names it: a key that can open nothing
-- is a mistake.  A credential without products waits for them, in any environment.
CREATE FUNCTION devapp_internal.require_environment(environment text, products devapp.product[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cardinality(products) = 0 THEN
        RETURN;
    END IF;
    IF NOT EXISTS (SELECT FROM unnest(products) AS p
                    WHERE p.environments = '{}' OR require_environment.environment = ANY (p.environments)) THEN
        RAISE EXCEPTION 'no product has the environment %', devapp_internal.quoted(environment)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Request an environment of one of the products (devapp.product.environments), or none.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.find_products(names text[], app_id uuid) RETURNS devapp.product[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    products devapp.product[] := '{}';
    product devapp.product;
    named text[] := '{}';
    name text;
BEGIN
    FOREACH name IN ARRAY coalesce(names, '{}') LOOP
        IF devapp_internal.canonical_name(name) = ANY (named) THEN
            RAISE EXCEPTION 'product % is listed more than once', devapp_internal.quoted(name)
                USING ERRCODE = 'invalid_parameter_value', HINT = 'List each product once.';
        END IF;
        product := devapp_internal.find_offered_product(name, find_products.app_id);
        products := products || product;
        named := named || product.name;
    END LOOP;
    RETURN products;
END
$$;

-- '-1' is Apigee's word for never.
CREATE FUNCTION devapp_internal.expiry_after(expires_in interval) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF expires_in = interval '-1' THEN
        RETURN NULL;
    END IF;
    RETURN devapp_internal.require_duration('expires_in', now(), expires_in,
               'Give an interval like ''90 days'', or leave it out for a credential that never expires.');
END
$$;

-- A token says when it ends, so a credential of kind jwt has an end.
CREATE FUNCTION devapp_internal.require_expiry(kind text, expires_in interval) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF lower(kind) = 'jwt' AND (expires_in IS NULL OR expires_in = interval '-1') THEN
        RAISE EXCEPTION 'a credential of kind jwt must expire'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give expires_in, like ''90 days''.';
    END IF;
END
$$;

-- The row of a credential that is approved (src/model/new_credential.c).
CREATE FUNCTION devapp_internal.insert_credential(
    credential_id uuid,
    app_id uuid,
    kind text,
    label text,
    consumer_key text,
    environment text,
    scopes text[],
    allowed_cidrs cidr[],
    attributes jsonb,
    expires_at timestamptz,
    replaces uuid
) RETURNS void
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'devapp_insert_credential';

-- Makes a credential for an app, with its associations in the order of products, and returns its id.  It
-- has no secret yet, which the callers give it.  decisions: what was decided about the products
-- already.  imported: the consumer key of a credential whose secret another system made.
CREATE FUNCTION devapp_internal.make_credential(
    app devapp.app,
    kind text,
    products devapp.product[],
    environment text,
    scopes text[],
    expires_in interval,
    attributes jsonb,
    allowed_cidrs cidr[],
    decisions devapp.approval_decision[] DEFAULT NULL,
    label text DEFAULT NULL,
    replaces uuid DEFAULT NULL,
    imported text DEFAULT NULL
) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    public_part text := coalesce(imported, devapp_internal.new_consumer_key(environment));
    made uuid := devapp_internal.new_credential_id(public_part);
    decision devapp.approval_decision;
BEGIN
    IF kind IS NOT NULL THEN
        PERFORM devapp_internal.require_expiry(kind, expires_in);
    END IF;
    IF scopes <> '{}' THEN
        PERFORM devapp_internal.require_scopes(scopes, products);
    END IF;
    IF environment IS NOT NULL THEN
        PERFORM devapp_internal.require_environment(environment, products);
    END IF;
    PERFORM devapp_internal.insert_credential(made, app.app_id, coalesce(make_credential.kind, 'api_key'), nullif(make_credential.label, ''),
                public_part, make_credential.environment, coalesce(make_credential.scopes, '{}'), coalesce(make_credential.allowed_cidrs, '{}'),
                coalesce(make_credential.attributes, '{}'), CASE WHEN expires_in IS NOT NULL THEN devapp_internal.expiry_after(expires_in) END,
                make_credential.replaces);
    IF decisions IS NULL AND devapp_internal.rules_decide() THEN
        decisions := devapp_internal.make_decisions(app, products);
    END IF;
    FOR i IN 1 .. cardinality(products) LOOP
        IF decisions IS NOT NULL THEN
            decision := decisions[i];
        ELSE
            decision.decision := devapp_internal.product_decision(products[i].approval);
            decision.decided_by := CASE decision.decision WHEN 'approve' THEN 'auto' END;
        END IF;
        IF make_credential.replaces IS NULL OR NOT devapp_internal.keep_approval(app, made, products[i], make_credential.replaces) THEN
            PERFORM devapp_internal.associate(app.app_id, app.status, made, products[i].product_id,
                        decision.decision, decision.decided_by, decision.note);
        END IF;
    END LOOP;
    RETURN made;
END
$$;

-- The products that an app's credentials that the caller sees, or one of them, are associated
-- with, oldest first.  One that was revoked for any of them is for an admin to give again.  There
-- may be thousands of credentials, so who asks is asked once, and names are looked up last.
CREATE FUNCTION devapp_internal.products_of(app_id uuid, credential_id uuid DEFAULT NULL) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT p.name
                   FROM (SELECT cp.product_id, min(cp.ordinal) AS ordinal, bool_and(cp.status <> 'revoked') AS is_kept
                           FROM devapp.credential c
                           JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
                          WHERE c.app_id = products_of.app_id AND cp.removed_at IS NULL
                            AND c.credential_id = coalesce(products_of.credential_id, c.credential_id)
                            AND ((SELECT devapp_internal.is_admin()) OR devapp_internal.has_credential(c.credential_id))
                          GROUP BY cp.product_id) AS x
                   JOIN devapp.product p ON p.product_id = x.product_id
                  GROUP BY p.name
                 HAVING bool_and(x.is_kept)
                  ORDER BY min(x.ordinal));
END
$$;

-- The same for the credentials of an app, which is locked as if it were about to change.
-- One that is replaced is counted as long as it works, but makes room for its replacement.
CREATE FUNCTION devapp_internal.require_room_for_credential(app_id uuid, replaces uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    most integer := devapp_internal.setting('max_credentials_per_app');
BEGIN
    IF most <= 0 OR devapp_internal.is_admin() THEN
        RETURN;
    END IF;
    IF (SELECT count(*) FROM devapp.credential c
         WHERE c.app_id = require_room_for_credential.app_id
           AND c.status = 'approved'
           AND c.credential_id IS DISTINCT FROM require_room_for_credential.replaces
           AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
           AND EXISTS (SELECT FROM devapp.credential_secret s
                        WHERE s.credential_id = c.credential_id AND s.ended_at IS NULL
                          AND (s.valid_until IS NULL OR s.valid_until > clock_timestamp()))) >= most THEN
        RAISE EXCEPTION 'the app already has % credentials', most
            USING ERRCODE = 'program_limit_exceeded',
                  HINT = 'Revoke one that is not needed with devapp.revoke_credential, or ask an administrator, who may exceed devapp.max_credentials_per_app.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.issue_credential(
    app devapp.app_ref,
    kind text,
    products text[],
    environment text,
    scopes text[],
    expires_in interval,
    attributes jsonb,
    label text,
    note text,
    replaces devapp.credential_ref,
    overlap interval,
    allowed_cidrs cidr[]
) RETURNS devapp.issued_credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_admin boolean := devapp_internal.is_admin();
    the_app devapp.app := devapp_internal.find_own_app(issue_credential.app, NOT is_admin);
    old devapp.credential;
    names text[];
    the_products devapp.product[];
    replaced_until timestamptz;
    made devapp.issued_credential;
BEGIN
    IF issue_credential.replaces IS NOT NULL THEN
        old := devapp_internal.find_replaced(the_app, issue_credential.replaces);
    ELSIF overlap IS NOT NULL THEN
        RAISE EXCEPTION '"overlap" was given without "replaces"'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Name the credential that the new one replaces, or leave "overlap" out. To change the secret of a credential, use devapp.rotate_credential.';
    END IF;
    names := coalesce(issue_credential.products, devapp_internal.products_of(the_app.app_id, old.credential_id));
    IF NOT is_admin THEN
        PERFORM devapp_internal.require_read_committed('issue a credential');
        PERFORM devapp_internal.require_own_environment(the_app.team_id, coalesce(issue_credential.environment, old.environment));
        PERFORM devapp_internal.require_room_for_credential(the_app.app_id, old.credential_id);
    END IF;
    PERFORM devapp_internal.set_note(issue_credential.note);
    the_products := devapp_internal.find_products(names, the_app.app_id);
    IF old.credential_id IS NOT NULL THEN
        replaced_until := devapp_internal.end_replaced(old, coalesce(overlap, '7 days'));
    END IF;
    made := devapp_internal.issue_secret(
                devapp_internal.make_credential(the_app, coalesce(issue_credential.kind, old.kind), the_products,
                    coalesce(issue_credential.environment, old.environment), coalesce(issue_credential.scopes, old.scopes), expires_in,
                    coalesce(issue_credential.attributes, old.attributes), coalesce(issue_credential.allowed_cidrs, old.allowed_cidrs),
                    label => coalesce(issue_credential.label, old.label), replaces => old.credential_id),
                replaced_until);
    PERFORM devapp_internal.set_note(NULL);
    RETURN made;
END
$$;

CREATE FUNCTION devapp.issue_credential(
    app devapp.app_ref,
    kind text DEFAULT NULL,
    products text[] DEFAULT NULL,
    environment text DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    expires_in interval DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    label text DEFAULT NULL,
    note text DEFAULT NULL,
    replaces devapp.credential_ref DEFAULT NULL,
    overlap interval DEFAULT NULL,
    allowed_cidrs cidr[] DEFAULT NULL
) RETURNS devapp.issued_credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.issue_credential(devapp.app_ref, text, text[], text, text[], interval, jsonb, text, text, devapp.credential_ref, interval, cidr[]) IS
    'Issues a credential of an app, or replaces one; its secret is returned only once';
SELECT devapp_internal.grant_to('devapp.issue_credential', 'admin', 'developer');

CREATE FUNCTION devapp_internal.update_credential(
    credential devapp.credential_ref,
    label text,
    scopes text[],
    attributes jsonb,
    allowed_cidrs cidr[]
) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential := devapp_internal.find_own_credential(update_credential.credential);
    app_scopes text[];
BEGIN
    PERFORM devapp_internal.require_scopes(update_credential.scopes,
                ARRAY(SELECT p FROM devapp.credential_product cp JOIN devapp.product p ON p.product_id = cp.product_id
                       WHERE cp.credential_id = changed.credential_id AND cp.removed_at IS NULL));
    IF update_credential.scopes IS NOT NULL THEN
        SELECT a.scopes INTO STRICT app_scopes FROM devapp.app a WHERE a.app_id = changed.app_id;
        PERFORM devapp_internal.require_approved_scopes(changed.app_id, changed.credential_id, devapp_internal.own_scopes(changed.scopes, app_scopes),
                    devapp_internal.own_scopes(update_credential.scopes, app_scopes));
    END IF;
    UPDATE devapp.credential c
       SET label = devapp_internal.changed_value(c.label, update_credential.label),
           scopes = coalesce(update_credential.scopes, c.scopes),
           attributes = coalesce(update_credential.attributes, c.attributes),
           allowed_cidrs = coalesce(update_credential.allowed_cidrs, c.allowed_cidrs)
     WHERE c.credential_id = changed.credential_id
    RETURNING c.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.update_credential(
    credential devapp.credential_ref,
    label text DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    allowed_cidrs cidr[] DEFAULT NULL
) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.update_credential(devapp.credential_ref, text, text[], jsonb, cidr[]) IS
    'Changes a credential; arguments left out change nothing, '''' or ''{}'' clears a value';
SELECT devapp_internal.grant_to('devapp.update_credential', 'admin', 'developer');

CREATE FUNCTION devapp_internal.approve_credential(credential devapp.credential_ref, note text) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential := devapp_internal.find_credential(approve_credential.credential);
BEGIN
    PERFORM devapp_internal.require_unreplaced(changed);
    IF changed.status = 'approved' THEN
        PERFORM devapp_internal.say_unchanged('credential ' || devapp_internal.credential_label(changed.credential_id), changed.status);
        RETURN changed;
    END IF;
    UPDATE devapp.credential c
       SET status = devapp.next_status('credential', c.status, 'approve'),
           decision_note = note
     WHERE c.credential_id = changed.credential_id
    RETURNING c.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.approve_credential(credential devapp.credential_ref, note text DEFAULT NULL) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.approve_credential(devapp.credential_ref, text) IS 'Restores a revoked credential, unless it is compromised';
SELECT devapp_internal.grant_to('devapp.approve_credential', 'admin');

-- The last revocation may approve a pending app, which is locked for that from the beginning.
CREATE FUNCTION devapp_internal.is_of_pending_app(credential devapp.credential_ref) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM devapp.credential c JOIN devapp.app a ON a.app_id = c.app_id
                    WHERE c.credential_id = devapp_internal.credential_id_of(is_of_pending_app.credential) AND a.status = 'pending');
END
$$;

CREATE FUNCTION devapp_internal.revoke_credential(credential devapp.credential_ref, note text, compromised boolean)
    RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential := devapp_internal.find_own_credential(revoke_credential.credential,
                                     devapp_internal.is_of_pending_app(revoke_credential.credential));
    action text := CASE WHEN revoke_credential.compromised THEN 'compromise' ELSE 'revoke' END;
BEGIN
    -- a compromised one is revoked as well
    IF changed.status = 'compromised' OR changed.status = 'revoked' AND action = 'revoke' THEN
        PERFORM devapp_internal.say_unchanged('credential ' || devapp_internal.credential_label(changed.credential_id), changed.status);
        RETURN changed;
    END IF;
    UPDATE devapp.credential c
       SET status = devapp.next_status('credential', c.status, action),
           decision_note = note
     WHERE c.credential_id = changed.credential_id
    RETURNING c.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.revoke_credential(credential devapp.credential_ref, note text DEFAULT NULL, compromised boolean DEFAULT false)
    RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.revoke_credential(devapp.credential_ref, text, boolean) IS 'Revokes a credential; as compromised, it can never be restored';
SELECT devapp_internal.grant_to('devapp.revoke_credential', 'admin', 'developer');

-- Its associations end with it, so that nothing of it waits or is asked for again.
CREATE FUNCTION devapp_internal.delete_credential(credential devapp.credential_ref, note text) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential := devapp_internal.find_own_credential(delete_credential.credential, true);
BEGIN
    PERFORM devapp_internal.set_note(note);
    UPDATE devapp.credential_product cp SET removed_at = now()
     WHERE cp.credential_id = changed.credential_id AND cp.removed_at IS NULL;
    UPDATE devapp.credential c
       SET status = coalesce(devapp_internal.possible_status('credential', c.status, 'revoke'), c.status),
           decision_note = CASE WHEN c.status = 'approved' THEN note ELSE c.decision_note END,
           deleted_at = now()
     WHERE c.credential_id = changed.credential_id
    RETURNING c.* INTO changed;
    PERFORM devapp_internal.set_note(NULL);
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.delete_credential(credential devapp.credential_ref, note text DEFAULT NULL) RETURNS devapp.credential
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.delete_credential(devapp.credential_ref, text) IS
    'Deletes a credential permanently; it stops working at once, and its history is kept';
SELECT devapp_internal.grant_to('devapp.delete_credential', 'admin', 'developer');
