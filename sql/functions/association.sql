-- Associations: which products a credential is for.

-- The status that a new association with a product starts in.
CREATE FUNCTION devapp._initial_association(product devapp.product) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (product).approval WHEN 'auto' THEN 'approved' ELSE 'pending' END
$$;

CREATE FUNCTION devapp._associate(credential_id uuid, product devapp.product) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.credential_product;
    start text := devapp._initial_association(product);
BEGIN
    INSERT INTO devapp.credential_product AS cp (credential_id, product_id, status, decided_by, decided_at)
    VALUES (_associate.credential_id, product.product_id, start,
            CASE start WHEN 'approved' THEN 'auto' END, CASE start WHEN 'approved' THEN now() END)
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

-- The association of a credential with a product, locked.
CREATE FUNCTION devapp._association(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp._credential(_association.credential_id);
    the_product devapp.product := devapp._product(product, false);
    found_row devapp.credential_product;
BEGIN
    SELECT * INTO found_row FROM devapp.credential_product cp
     WHERE cp.credential_id = the_credential.credential_id
       AND cp.product_id = the_product.product_id
       AND cp.removed_at IS NULL
       FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'credential % is not associated with product %',
                        the_credential.credential_id, quote_ident(the_product.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Associate them with devapp.add_credential_product.';
    END IF;
    RETURN found_row;
END
$$;

CREATE FUNCTION devapp.add_credential_product(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_credential devapp.credential := devapp._my_credential(add_credential_product.credential_id);
BEGIN
    RETURN devapp._associate(the_credential.credential_id, devapp._my_product(product));
END
$$;

CREATE FUNCTION devapp.remove_credential_product(credential_id uuid, product text) RETURNS devapp.credential_product
    LANGUAGE plpgsql SECURITY DEFINER
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

CREATE FUNCTION devapp.set_credential_product_status(credential_id uuid, product text, action text, note text DEFAULT NULL)
    RETURNS devapp.credential_product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.credential_product := devapp._association(set_credential_product_status.credential_id, product);
BEGIN
    UPDATE devapp.credential_product cp
       SET status = devapp.next_status('credential_product', cp.status, action),
           decision_note = note
     WHERE cp.ordinal = changed.ordinal
    RETURNING cp.* INTO changed;
    RETURN changed;
END
$$;

COMMENT ON FUNCTION devapp._initial_association(devapp.product) IS 'Internal: the status that a new association starts in';
COMMENT ON FUNCTION devapp._associate(uuid, devapp.product) IS 'Internal: associates a credential with a product';
COMMENT ON FUNCTION devapp._association(uuid, text) IS 'Internal: an association, locked';
COMMENT ON FUNCTION devapp.add_credential_product(uuid, text) IS
    'Associates a credential with a product; approved at once if the product''s approval is auto';
COMMENT ON FUNCTION devapp.remove_credential_product(uuid, text) IS
    'Ends an association; the row stays for the history';
COMMENT ON FUNCTION devapp.set_credential_product_status(uuid, text, text, text) IS
    'Approves or revokes a product for a credential';
