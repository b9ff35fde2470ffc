-- Deciding again about an app that was handed in again, where rules decide.

-- Takes an association to what was decided.  No step of its lifecycle leads back to
-- pending, so there it is removed and made anew, as if it were asked for now.
CREATE FUNCTION devapp_internal.redecide(app devapp.app, credential_product devapp.credential_product, decision devapp.approval_decision)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF decision.decision <> 'hold' THEN
        UPDATE devapp.credential_product cp
           SET status = devapp.next_status('credential_product', cp.status,
                                           CASE decision.decision WHEN 'reject' THEN 'revoke' ELSE 'approve' END),
               decided_by = decision.decided_by,
               decision_note = decision.note
         WHERE cp.ordinal = credential_product.ordinal;
        RETURN;
    END IF;
    UPDATE devapp.credential_product cp SET removed_at = now() WHERE cp.ordinal = credential_product.ordinal;
    PERFORM devapp_internal.associate(app.app_id, app.status, credential_product.credential_id, credential_product.product_id,
                decision.decision, decision.decided_by, decision.note);
END
$$;

-- The app is pending again.  The products of its working credentials are decided on
-- as if they were asked for now, but for those that a person decided on.  The app
-- follows only if a rule had rejected it: where a person had, it waits for one, or
-- its owner could get round that person.
CREATE FUNCTION devapp_internal.decide_again(app devapp.app, rejected_by text) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    credential_products devapp.credential_product[];
    products devapp.product[];
    decided boolean;
    decisions devapp.approval_decision[];
    outcome devapp.approval_decision;
BEGIN
    SELECT coalesce(array_agg(cp ORDER BY cp.ordinal) FILTER (WHERE devapp_internal.is_automatic(cp.decided_by)), '{}'),
           coalesce(array_agg(p ORDER BY cp.ordinal) FILTER (WHERE devapp_internal.is_automatic(cp.decided_by)), '{}'),
           count(*) > 0
      INTO credential_products, products, decided
      FROM devapp.credential c
      JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
      JOIN devapp.product p ON p.product_id = cp.product_id
     WHERE c.app_id = app.app_id AND c.status = 'approved' AND (c.expires_at IS NULL OR c.expires_at > now())
       AND cp.removed_at IS NULL;
    IF decided AND cardinality(credential_products) = 0 THEN
        RETURN app;
    END IF;
    decisions := devapp_internal.make_decisions(app, products);
    IF starts_with(rejected_by, 'rule:') THEN
        outcome := devapp_internal.app_decision(decisions);
    END IF;
    FOR i IN 1 .. cardinality(credential_products) LOOP
        CONTINUE WHEN credential_products[i].status = CASE decisions[i].decision WHEN 'approve' THEN 'approved'
                                                    WHEN 'reject' THEN 'revoked' ELSE 'pending' END
                   OR (outcome.decision = 'reject' AND decisions[i].decision <> 'reject');
        PERFORM devapp_internal.redecide(app, credential_products[i], decisions[i]);
    END LOOP;
    IF outcome.decision = 'hold' THEN
        -- it waits for its products, like one that is new
        UPDATE devapp.app a SET decided_by = NULL
         WHERE a.app_id = decide_again.app.app_id
        RETURNING a.* INTO app;
    ELSIF outcome.decision IS NOT NULL THEN
        UPDATE devapp.app a
           SET status = devapp.next_status('app', a.status, outcome.decision),
               decided_by = outcome.decided_by,
               decision_note = outcome.note
         WHERE a.app_id = decide_again.app.app_id
        RETURNING a.* INTO app;
    END IF;
    RETURN app;
END
$$;

-- Did no person decide this?
CREATE FUNCTION devapp_internal.is_automatic(decided_by text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN decided_by IS NULL OR decided_by = 'auto' OR starts_with(decided_by, 'rule:');
