-- Replacing a credential: a new one takes over its products with their approvals, and the
-- secret of the old one works for an overlap.

-- A credential that was replaced gets no new secret and does not come back.
CREATE FUNCTION devapp_internal.require_unreplaced(the_credential devapp.credential) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    replacement uuid;
BEGIN
    SELECT c.credential_id INTO replacement FROM devapp.credential c
     WHERE c.replaces = the_credential.credential_id
     ORDER BY c.credential_id LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'credential % was replaced', devapp_internal.credential_label(the_credential.credential_id)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = CASE WHEN devapp_internal.has_credential(replacement) THEN format('Credential %s took its place.', devapp_internal.credential_label(replacement))
                                ELSE 'A credential for another environment took its place.' END,
                  HINT = 'Use that one. To end the old secret before its overlap is over, use devapp.complete_rotation.';
    END IF;
END
$$;

-- Did its owner revoke the credential?  Anybody else may have had a reason that a
-- replacement must not get round; a credential that is compromised has none, unless it was
-- revoked before.
CREATE FUNCTION devapp_internal.owner_revoked(app devapp.app, the_credential devapp.credential) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE (the_credential).status
           WHEN 'compromised' THEN (the_credential).decided_at = (the_credential).revoked_at
           ELSE EXISTS (SELECT FROM devapp.developer d
                    WHERE devapp_internal.email_key(d.email) = devapp_internal.email_key((the_credential).decided_by)
                      AND (d.developer_id = (app).developer_id
                           OR EXISTS (SELECT FROM devapp.team_member m
                                       WHERE m.team_id = (app).team_id AND m.developer_id = d.developer_id)))
           END
$$;

-- The credential that is about to be replaced, locked.
CREATE FUNCTION devapp_internal.find_replaced(app devapp.app, replaces devapp.credential_ref) RETURNS devapp.credential
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    old devapp.credential;
BEGIN
    old := devapp_internal.find_own_credential(find_replaced.replaces);
    IF old.app_id <> app.app_id THEN
        RAISE EXCEPTION 'credential % belongs to another app', devapp_internal.credential_label(old.credential_id)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'A credential can replace only a credential of the same app.';
    END IF;
    PERFORM devapp_internal.require_unreplaced(old);
    IF old.status <> 'approved' AND NOT devapp_internal.is_admin() AND NOT devapp_internal.owner_revoked(app, old) THEN
        RAISE EXCEPTION 'credential % was revoked by an administrator', devapp_internal.credential_label(old.credential_id)
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Ask an administrator to replace it, or issue a credential without "replaces".';
    END IF;
    RETURN old;
END
$$;

-- Ends a credential that is being replaced; returns until when its secret works, null if it
-- does not work any more.
CREATE FUNCTION devapp_internal.end_replaced(old devapp.credential, overlap interval) RETURNS timestamptz
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF old.status <> 'approved' OR old.expires_at <= clock_timestamp() THEN
        RETURN NULL;
    END IF;
    RETURN (devapp_internal.supersede_secrets(ARRAY[old], devapp_internal.require_overlap(overlap)))[1];
END
$$;

-- Is a new credential for no more than the old one: its environment, and its scopes of this product?
CREATE FUNCTION devapp_internal.is_within(app devapp.app, new_id uuid, old_id uuid, product devapp.product) RETURNS boolean
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (o.environment IS NULL OR n.environment IS NOT DISTINCT FROM o.environment)
           AND NOT devapp_internal.scopes_widen((product).scopes, devapp_internal.own_scopes(o.scopes, (app).scopes),
                                                devapp_internal.own_scopes(n.scopes, (app).scopes))
      FROM devapp.credential o, devapp.credential n
     WHERE o.credential_id = old_id AND n.credential_id = new_id
$$;

-- Associates a new credential with a product as the one that it replaces is, if that is
-- approved: who decided, when and why stays.  False if it is not, or if a developer asks for
-- more than the old one is for: then it is decided as for any new credential.
CREATE FUNCTION devapp_internal.keep_approval(app devapp.app, credential_id uuid, product devapp.product, replaces uuid) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT devapp_internal.is_admin() AND NOT devapp_internal.is_within(app, credential_id, replaces, product) THEN
        RETURN false;
    END IF;
    INSERT INTO devapp.credential_product (credential_id, product_id, status, decided_by, decided_at, decision_note)
    SELECT keep_approval.credential_id, cp.product_id, cp.status, cp.decided_by, cp.decided_at, cp.decision_note
      FROM devapp.credential_product cp
     WHERE cp.credential_id = keep_approval.replaces
       AND cp.product_id = product.product_id
       AND cp.status = 'approved'
       AND cp.removed_at IS NULL
       AND app.status <> 'rejected';
    RETURN FOUND;
END
$$;

-- The credential that a new one replaces is there before it and of the same app, so no chain
-- of replacements comes back to where it began.  No foreign key says so: of a table that refers
-- to itself pg_dump warns that its rows might not be restored.
CREATE FUNCTION devapp_internal.guard_replaces() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    IF NOT EXISTS (SELECT FROM devapp.credential c WHERE c.credential_id = NEW.replaces AND c.app_id = NEW.app_id) THEN
        RAISE EXCEPTION 'credential % cannot replace %', NEW.credential_id, NEW.replaces
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'A credential can replace only an older credential of the same app.';
    END IF;
    RETURN NEW;
END
$$;
