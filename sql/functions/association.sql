-- Associations: which products a credential is for.

-- A new association, as it was decided on.  A rejected app gets nothing approved:
-- what it asks for is decided again when it is resubmitted.
CREATE FUNCTION devapp._associate(
    app devapp.app,
    credential_id uuid,
    product devapp.product,
    decision devapp.approval_decision
) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.credential_product;
    start text := CASE decision.decision WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'revoked' ELSE 'pending' END;
BEGIN
    IF start = 'approved' AND app.status = 'rejected' AND devapp._app_approval() = 'conditional' THEN
        start := 'pending';
        decision := NULL;
    END IF;
    -- what a person took from the app is for an administrator to give again
    IF start = 'approved' AND NOT devapp._is_admin() AND EXISTS (
        SELECT FROM devapp.credential c JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
         WHERE c.app_id = app.app_id AND cp.product_id = product.product_id
           AND cp.status = 'revoked' AND cp.decided_by IS NOT NULL AND NOT starts_with(cp.decided_by, 'rule:')) THEN
        start := 'pending';
        decision := NULL;
    END IF;
    INSERT INTO devapp.credential_product AS cp
        (credential_id, product_id, status, decided_by, decided_at, decision_note)
    VALUES (_associate.credential_id, product.product_id, start, decision.decided_by,
            CASE WHEN decision.decided_by IS NOT NULL THEN now() END, decision.note)
    ON CONFLICT DO NOTHING
    RETURNING cp.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credential % is already associated with product %',
                        _associate.credential_id, quote_ident(product.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Change the status with devapp.set_credential_product_status.';
    END IF;
    RETURN made;
END
$$;
SELECT devapp_internal.grant_to('devapp._associate', 'admin');

-- The association of a credential with a product, locked.
CREATE FUNCTION devapp._association(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp._credential(_association.credential_id);
    found_row devapp.credential_product;
BEGIN
    -- others are not told which products there are
    IF devapp._is_admin() THEN
        PERFORM devapp._product(_association.product, false);
    END IF;
    SELECT cp.* INTO found_row
      FROM devapp.credential_product cp JOIN devapp.product p ON p.product_id = cp.product_id
     WHERE cp.credential_id = the_credential.credential_id
       AND p.name = _association.product
       AND p.deleted_at IS NULL
       AND cp.removed_at IS NULL
       FOR UPDATE OF cp;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credential % is not associated with product %',
                        the_credential.credential_id, coalesce(quote_ident(_association.product), '(null)')
            USING ERRCODE = 'undefined_object',
                  HINT = 'Associate them with devapp.add_credential_product.';
    END IF;
    RETURN found_row;
END
$$;
SELECT devapp_internal.grant_to('devapp._association', 'admin');

CREATE FUNCTION devapp_internal.add_credential_product(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp._my_credential(add_credential_product.credential_id);
    the_app devapp.app := devapp._live_app(the_credential.app_id, false);
    the_product devapp.product := devapp._my_product(product, the_credential.app_id);
    decisions devapp.approval_decision[] := devapp._decisions(the_app, ARRAY[the_product]);
BEGIN
    RETURN devapp._associate(the_app, the_credential.credential_id, the_product, decisions[1]);
END
$$;

CREATE FUNCTION devapp.add_credential_product(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
SELECT devapp_internal.grant_to('devapp.add_credential_product', 'admin', 'developer');

CREATE FUNCTION devapp_internal.remove_credential_product(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp._my_credential(remove_credential_product.credential_id);
    changed devapp.credential_product := devapp._association(the_credential.credential_id, product);
BEGIN
    UPDATE devapp.credential_product cp SET removed_at = now()
     WHERE cp.ordinal = changed.ordinal
    RETURNING cp.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.remove_credential_product(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
SELECT devapp_internal.grant_to('devapp.remove_credential_product', 'admin', 'developer');

CREATE FUNCTION devapp_internal.set_credential_product_status(credential_id uuid, product text, action text, note text)
    RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential_product := devapp._association(set_credential_product_status.credential_id, product);
BEGIN
    PERFORM devapp._require_decision((SELECT c.app_id FROM devapp.credential c WHERE c.credential_id = changed.credential_id),
                                     devapp._may_approve(changed.product_id));
    UPDATE devapp.credential_product cp
       SET status = devapp.next_status('credential_product', cp.status, action),
           decision_note = note
     WHERE cp.ordinal = changed.ordinal
    RETURNING cp.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_credential_product_status(credential_id uuid, product text, action text, note text DEFAULT NULL)
    RETURNS devapp.credential_product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter';
SELECT devapp_internal.grant_to('devapp.set_credential_product_status', 'admin', 'developer');

COMMENT ON FUNCTION devapp._associate(devapp.app, uuid, devapp.product, devapp.approval_decision) IS 'Internal: associates a credential with a product';
COMMENT ON FUNCTION devapp._association(uuid, text) IS 'Internal: an association, locked';
COMMENT ON FUNCTION devapp.add_credential_product(uuid, text) IS
    'Associates a credential with a product; approved at once if the rules or the product''s approval say so';
COMMENT ON FUNCTION devapp.remove_credential_product(uuid, text) IS
    'Ends an association; the row stays for the history';
COMMENT ON FUNCTION devapp.set_credential_product_status(uuid, text, text, text) IS
    'Approves or revokes a product for a credential';
