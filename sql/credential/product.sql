-- Associations: which products a credential is for.

-- The row of an association; null if the credential has one with this product already
-- (src/model/new_credential.c).
CREATE FUNCTION devapp_internal.insert_association(credential_id uuid, product_id uuid, status text, decided_by text, decision_note text)
    RETURNS devapp.credential_product
    LANGUAGE c
    AS 'MODULE_PATHNAME', 'devapp_insert_association';

-- Does a change of scopes, of which none are all, open one of these that was not open before?
CREATE FUNCTION devapp_internal.scopes_widen(offered text[], before text[], after text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT before <> '{}' AND EXISTS (SELECT FROM unnest(offered) AS s WHERE s <> ALL (before) AND (after = '{}' OR s = ANY (after)))
$$;

-- The scopes of a credential, or else of its app.
CREATE FUNCTION devapp_internal.own_scopes(credential_scopes text[], app_scopes text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE credential_scopes WHEN '{}' THEN app_scopes ELSE credential_scopes END;

-- A product that a person approves is approved for the scopes that there were.  Only an
-- administrator gives more of them to a credential that has such a product, or to all that have
-- no scopes of their own.
CREATE FUNCTION devapp_internal.require_approved_scopes(app_id uuid, credential_id uuid, before text[], after text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    product text;
BEGIN
    IF devapp_internal.is_admin() THEN
        RETURN;
    END IF;
    SELECT p.name INTO product
      FROM devapp.credential c
      JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
      JOIN devapp.product p ON p.product_id = cp.product_id
     WHERE c.app_id = require_approved_scopes.app_id AND c.deleted_at IS NULL
       AND CASE WHEN require_approved_scopes.credential_id IS NULL THEN c.scopes = '{}' ELSE c.credential_id = require_approved_scopes.credential_id END
       AND cp.removed_at IS NULL AND cp.status = 'approved' AND p.approval = 'manual'
       AND devapp_internal.scopes_widen(p.scopes, before, after)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'product % is approved without these scopes', devapp_internal.quoted(product)
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Issue a credential with these scopes, which waits for approval, or ask an administrator of the developer program.';
    END IF;
END
$$;

-- A new association, as it was decided on.  A rejected app gets nothing approved:
-- what it asks for is decided again when it is resubmitted.
CREATE FUNCTION devapp_internal.associate(
    app_id uuid,
    app_status text,
    credential_id uuid,
    product_id uuid,
    decision text,
    decided_by text,
    note text
) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.credential_product;
    start text := CASE decision WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'revoked' ELSE 'pending' END;
BEGIN
    IF start = 'approved' AND app_status = 'rejected' AND devapp_internal.app_approval() = 'conditional' THEN
        start := 'pending';
        decided_by := NULL;
        note := NULL;
    END IF;
    -- what a person took from the app is for an administrator to give again
    IF start = 'approved' AND NOT devapp_internal.is_admin() THEN
        IF EXISTS (SELECT FROM devapp.credential c JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
                    WHERE c.app_id = associate.app_id AND cp.product_id = associate.product_id
                      AND cp.status = 'revoked' AND cp.decided_by IS NOT NULL AND NOT starts_with(cp.decided_by, 'rule:')) THEN
            start := 'pending';
            decided_by := NULL;
            note := NULL;
        END IF;
    END IF;
    made := devapp_internal.insert_association(associate.credential_id, associate.product_id, start, decided_by, note);
    IF made.ordinal IS NULL THEN
        RAISE EXCEPTION 'credential % is already associated with product %',
                        devapp_internal.credential_label(associate.credential_id), (SELECT devapp_internal.quoted(p.name) FROM devapp.product p WHERE p.product_id = associate.product_id)
            USING ERRCODE = 'unique_violation',
                  HINT = CASE WHEN devapp_internal.is_admin() THEN 'Change the status with devapp.set_credential_product_status.'
                              ELSE 'devapp.get_credential shows its status.' END;
    END IF;
    RETURN made;
END
$$;

-- The association of a credential with a product, locked; the app first, as the association
-- is about to be decided on or removed (sql/approval/waiting.sql).
CREATE FUNCTION devapp_internal.find_credential_product(credential devapp.credential_ref, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_credential(find_credential_product.credential, true);
    found_row devapp.credential_product;
BEGIN
    -- to an approver in the team that owns it, who lacks its environment, it does not exist either
    IF NOT devapp_internal.is_known(the_credential.app_id, the_credential.credential_id)
       OR NOT devapp_internal.has_credential(the_credential.credential_id)
          AND EXISTS (SELECT FROM devapp.app a WHERE a.app_id = the_credential.app_id AND a.team_id = ANY (devapp_internal.my_teams())) THEN
        PERFORM devapp_internal.refuse_credential(find_credential_product.credential::text);
    END IF;
    -- others are not told which products there are
    IF devapp_internal.is_admin() THEN
        PERFORM devapp_internal.find_product(find_credential_product.product, false);
    END IF;
    SELECT cp.* INTO found_row
      FROM devapp.credential_product cp JOIN devapp.product p ON p.product_id = cp.product_id
     WHERE cp.credential_id = the_credential.credential_id
       AND p.name = devapp_internal.canonical_name(find_credential_product.product)
       AND p.deleted_at IS NULL
       AND cp.removed_at IS NULL
       FOR NO KEY UPDATE OF cp;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credential % is not associated with product %',
                        devapp_internal.credential_label(the_credential.credential_id), devapp_internal.quoted(find_credential_product.product)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Add the product with devapp.add_credential_product.';
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp_internal.add_credential_product(credential devapp.credential_ref, product text, note text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_own_credential(add_credential_product.credential);
    the_app devapp.app := devapp_internal.find_live_app(the_credential.app_id, false);
    the_product devapp.product := devapp_internal.find_offered_product(product, the_credential.app_id);
    decisions devapp.approval_decision[];
    made devapp.credential_product;
BEGIN
    PERFORM devapp_internal.require_working(the_credential, or_revoked => false);
    decisions := devapp_internal.make_decisions(the_app, ARRAY[the_product]);
    PERFORM devapp_internal.set_note(note);
    made := devapp_internal.associate(the_app.app_id, the_app.status, the_credential.credential_id, the_product.product_id,
                decisions[1].decision, decisions[1].decided_by, decisions[1].note);
    PERFORM devapp_internal.set_note(NULL);
    RETURN made;
END
$$;

CREATE FUNCTION devapp.add_credential_product(credential devapp.credential_ref, product text, note text DEFAULT NULL)
    RETURNS devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.add_credential_product(devapp.credential_ref, text, text) IS
    'Adds a product to a credential; its approval or the rules decide if it is pending';
SELECT devapp_internal.grant_to('devapp.add_credential_product', 'admin', 'developer');

CREATE FUNCTION devapp_internal.remove_credential_product(credential devapp.credential_ref, product text, note text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp_internal.find_own_credential(remove_credential_product.credential, true);
    changed devapp.credential_product := devapp_internal.find_credential_product(the_credential.credential_id, product);
BEGIN
    PERFORM devapp_internal.set_note(note);
    UPDATE devapp.credential_product cp SET removed_at = now()
     WHERE cp.ordinal = changed.ordinal
    RETURNING cp.* INTO changed;
    PERFORM devapp_internal.set_note(NULL);
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.remove_credential_product(credential devapp.credential_ref, product text, note text DEFAULT NULL)
    RETURNS devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.remove_credential_product(devapp.credential_ref, text, text) IS
    'Removes a product from a credential';
SELECT devapp_internal.grant_to('devapp.remove_credential_product', 'admin', 'developer');

CREATE FUNCTION devapp_internal.set_credential_product_status(credential devapp.credential_ref, product text, action text, note text)
    RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential_product := devapp_internal.find_credential_product(set_credential_product_status.credential, product);
BEGIN
    PERFORM devapp_internal.require_decision((SELECT c.app_id FROM devapp.credential c WHERE c.credential_id = changed.credential_id),
                                     devapp_internal.may_approve(changed.product_id));
    -- from pending every action leads somewhere
    IF devapp_internal.possible_status('credential_product', 'pending', action) = changed.status THEN
        PERFORM devapp_internal.say_unchanged(format('product %s of credential %s', devapp_internal.quoted(product), devapp_internal.credential_label(changed.credential_id)),
                                              changed.status);
        RETURN changed;
    END IF;
    IF devapp_internal.possible_status('credential_product', changed.status, action) = 'approved' THEN
        PERFORM devapp_internal.require_working(devapp_internal.find_credential(changed.credential_id), or_revoked => true);
    END IF;
    UPDATE devapp.credential_product cp
       SET status = devapp.next_status('credential_product', cp.status, action),
           decision_note = note
     WHERE cp.ordinal = changed.ordinal
    RETURNING cp.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_credential_product_status(credential devapp.credential_ref, product text, action text, note text DEFAULT NULL)
    RETURNS devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.set_credential_product_status(devapp.credential_ref, text, text, text) IS
    'Approves or revokes a product for a credential';
SELECT devapp_internal.grant_to('devapp.set_credential_product_status', 'admin', 'developer');
