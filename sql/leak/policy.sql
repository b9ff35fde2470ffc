-- What happens to a key that is reported as leaked.

-- Whoever finds a key in public is rarely the first, so it stops working unless an administrator
-- has decided otherwise.
CREATE FUNCTION devapp_internal.leak_action() RETURNS text
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT p.action FROM devapp.leak_policy p), 'revoke')
$$;

CREATE FUNCTION devapp_internal.set_leak_policy(action text) RETURNS devapp.leak_policy
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen text := lower(set_leak_policy.action);
    changed devapp.leak_policy;
BEGIN
    INSERT INTO devapp.leak_policy AS p (action) VALUES (chosen)
    ON CONFLICT (only_row) DO UPDATE SET action = chosen
    RETURNING p.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.set_leak_policy(action text) RETURNS devapp.leak_policy
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_leak_policy(text) IS
    'Sets what happens to a leaked key: revoke (the default) or notify (its owner and administrators)';
SELECT devapp_internal.grant_to('devapp.set_leak_policy', 'admin');
