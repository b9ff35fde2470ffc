-- Products of a whole app: of all its credentials at once.

-- The credentials of an app that the caller sees and that work, or will when others approve:
-- not revoked, expired or replaced.  Locked, in the order in which they were made.
CREATE FUNCTION devapp_internal.live_credentials(app_id uuid) RETURNS SETOF devapp.credential
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.* FROM devapp.credential c
     WHERE c.app_id = live_credentials.app_id
       AND c.status = 'approved'
       AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
       AND NOT EXISTS (SELECT FROM devapp.credential r WHERE r.replaces = c.credential_id)
       AND devapp_internal.has_credential(c.credential_id)
     ORDER BY c.credential_id
       FOR NO KEY UPDATE OF c
$$;

CREATE FUNCTION devapp_internal.add_app_product(app devapp.app_ref, product text, note text) RETURNS SETOF devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app := devapp_internal.find_own_app(add_app_product.app, false);
    the_product devapp.product := devapp_internal.find_offered_product(product, the_app.app_id);
    decisions devapp.approval_decision[] := devapp_internal.make_decisions(the_app, ARRAY[the_product]);
    live uuid[] := ARRAY(SELECT c.credential_id FROM devapp_internal.live_credentials(the_app.app_id) AS c);
    lacking uuid;
BEGIN
    IF live = '{}' THEN
        RAISE EXCEPTION 'app % has no live credential', devapp_internal.app_label(the_app.app_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Issue one with devapp.issue_credential.';
    END IF;
    PERFORM devapp_internal.set_note(note);
    FOR lacking IN SELECT u FROM unnest(live) AS u
                    WHERE NOT EXISTS (SELECT FROM devapp.credential_product cp
                                       WHERE cp.credential_id = u AND cp.product_id = the_product.product_id
                                         AND cp.removed_at IS NULL) LOOP
        RETURN NEXT devapp_internal.associate(the_app.app_id, the_app.status, lacking, the_product.product_id,
                        decisions[1].decision, decisions[1].decided_by, decisions[1].note);
    END LOOP;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'every live credential of app % is already associated with product %',
                        devapp_internal.app_label(the_app.app_id), devapp_internal.quoted(the_product.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Nothing was changed.';
    END IF;
    PERFORM devapp_internal.set_note(NULL);
END
$$;

CREATE FUNCTION devapp.add_app_product(app devapp.app_ref, product text, note text DEFAULT NULL) RETURNS SETOF devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.add_app_product(devapp.app_ref, text, text) IS
    'Adds a product to all live credentials of an app; its approval or the rules decide if it is pending';
SELECT devapp_internal.grant_to('devapp.add_app_product', 'admin', 'developer');

-- From all credentials that the caller sees, also those that do not work: one that is issued later asks for the
-- products of the others.
CREATE FUNCTION devapp_internal.remove_app_product(app devapp.app_ref, product text, note text) RETURNS SETOF devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app := devapp_internal.find_own_app(remove_app_product.app, true);
BEGIN
    PERFORM devapp_internal.set_note(note);
    PERFORM FROM devapp.credential c WHERE c.app_id = the_app.app_id ORDER BY c.credential_id FOR NO KEY UPDATE;
    RETURN QUERY
        UPDATE devapp.credential_product cp SET removed_at = now()
          FROM devapp.credential c, devapp.product p
         WHERE c.app_id = the_app.app_id
           AND cp.credential_id = c.credential_id
           AND cp.removed_at IS NULL
           AND p.product_id = cp.product_id
           AND p.name = devapp_internal.canonical_name(remove_app_product.product)
           AND devapp_internal.has_environment(the_app.team_id, c.environment)
        RETURNING cp.*;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no credential of app % is associated with product %',
                        devapp_internal.app_label(the_app.app_id), devapp_internal.quoted(remove_app_product.product)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Add the product with devapp.add_app_product.';
    END IF;
    PERFORM devapp_internal.set_note(NULL);
END
$$;

CREATE FUNCTION devapp.remove_app_product(app devapp.app_ref, product text, note text DEFAULT NULL) RETURNS SETOF devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.remove_app_product(devapp.app_ref, text, text) IS
    'Removes a product from all credentials of an app';
SELECT devapp_internal.grant_to('devapp.remove_app_product', 'admin', 'developer');
