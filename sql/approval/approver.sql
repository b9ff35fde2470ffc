-- Approvers: teams and database roles that may decide who gets a product, beside
-- the administrators.

-- Null is none, which is no error.
CREATE FUNCTION devapp_internal.require_database_role(role text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF role IS NOT NULL AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = require_database_role.role) THEN
        RAISE EXCEPTION 'role % does not exist', devapp_internal.quoted(role)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give the name of a database role; create one with CREATE ROLE.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.add_product_approver(product text, team text, role text)
    RETURNS devapp.product_approver
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product := devapp_internal.find_product(product, false);
    the_team uuid := devapp_internal.approver_team(team, role);
    made devapp.product_approver;
BEGIN
    PERFORM devapp_internal.require_database_role(add_product_approver.role);
    INSERT INTO devapp.product_approver AS a (product_id, team_id, role_name)
    VALUES (the_product.product_id, the_team, add_product_approver.role)
    ON CONFLICT DO NOTHING
    RETURNING a.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is already an approver of product %',
                        CASE WHEN team IS NULL THEN 'role ' || devapp_internal.quoted(role) ELSE 'team ' || devapp_internal.quoted(team) END, devapp_internal.quoted(the_product.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'List the approvers with SELECT * FROM devapp.product_approver.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.add_product_approver(product text, team text DEFAULT NULL, role text DEFAULT NULL)
    RETURNS devapp.product_approver
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.add_product_approver(text, text, text) IS
    'Makes a team or a database role an approver of a product';
SELECT devapp_internal.grant_to('devapp.add_product_approver', 'admin');

CREATE FUNCTION devapp_internal.remove_product_approver(product text, team text, role text)
    RETURNS devapp.product_approver
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product := devapp_internal.find_product(product, false);
    the_team uuid := devapp_internal.approver_team(team, role);
    removed devapp.product_approver;
BEGIN
    DELETE FROM devapp.product_approver a
     WHERE a.product_id = the_product.product_id
       AND (a.team_id = the_team OR a.role_name = remove_product_approver.role)
    RETURNING a.* INTO removed;
    IF NOT FOUND THEN
        RAISE EXCEPTION '% is not an approver of product %',
                        CASE WHEN team IS NULL THEN 'role ' || devapp_internal.quoted(role) ELSE 'team ' || devapp_internal.quoted(team) END, devapp_internal.quoted(the_product.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'List the approvers with SELECT * FROM devapp.product_approver.';
    END IF;
    RETURN removed;
END
$$;

CREATE FUNCTION devapp.remove_product_approver(product text, team text DEFAULT NULL, role text DEFAULT NULL)
    RETURNS devapp.product_approver
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.remove_product_approver(text, text, text) IS 'Removes a team or a database role as an approver of a product';
SELECT devapp_internal.grant_to('devapp.remove_product_approver', 'admin');

-- The id of a team; null for a role.
CREATE FUNCTION devapp_internal.approver_team(team text, role text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF num_nonnulls(approver_team.team, approver_team.role) <> 1 THEN
        RAISE EXCEPTION 'an approver must be either a team or a role'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give either team => (a name) or role => (a database role).';
    END IF;
    RETURN CASE WHEN approver_team.team IS NOT NULL THEN (devapp_internal.find_team(approver_team.team, false)).team_id END;
END
$$;

-- The products that the caller is an approver of.  A role counts where its rights
-- are in use: a member without INHERIT has to SET ROLE first.  A role that was
-- dropped is nobody.
CREATE FUNCTION devapp_internal.approvable_products() RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.product_id
      FROM devapp.product_approver a
      JOIN pg_roles r ON r.rolname = a.role_name
     WHERE pg_has_role(devapp_internal.outer_role(), r.oid, 'USAGE') AND pg_has_role(devapp_internal.entry_role(), r.oid, 'USAGE')
     UNION
    SELECT a.product_id
      FROM devapp.product_approver a
      JOIN devapp.team t ON t.team_id = a.team_id
      JOIN devapp.team_member m ON m.team_id = t.team_id
      JOIN devapp.developer d ON d.developer_id = m.developer_id
     WHERE d.developer_id = devapp_internal.current_developer_id()
       AND t.status = 'active' AND t.deleted_at IS NULL
       AND d.status = 'active' AND d.deleted_at IS NULL
$$;

CREATE FUNCTION devapp_internal.may_approve(product_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM devapp_internal.approvable_products() AS mine WHERE mine = may_approve.product_id)
$$;

-- Approving a pending app approves everything that is pending there, also where a
-- credential is revoked, but not where it can never work again.  A revoked app, which can be approved as well, was revoked
-- by somebody who may more.
CREATE FUNCTION devapp_internal.may_decide_app(app_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(bool_and(cp.product_id IN (SELECT devapp_internal.approvable_products())), false)
      FROM devapp.app a
      JOIN devapp.credential c ON c.app_id = a.app_id
      JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
     WHERE a.app_id = may_decide_app.app_id AND a.status = 'pending'
       AND devapp_internal.can_yet_work(c.status, c.expires_at)
       AND cp.status = 'pending' AND cp.removed_at IS NULL
$$;

CREATE FUNCTION devapp_internal.my_approvals()
    RETURNS TABLE (
    app_id uuid,
    app_name text,
    owner text,
    credential_id uuid,
    product text,
    requested_at timestamptz,
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    environment text,
    attributes jsonb,
    owner_attributes jsonb
)
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.app_id, a.name, coalesce(d.email, t.name), c.credential_id, p.name, cp.created_at,
           a.display_name, a.description, a.callback_urls, CASE c.scopes WHEN '{}' THEN a.scopes ELSE c.scopes END,
           c.environment, a.attributes, coalesce(d.attributes, t.attributes)
      FROM devapp.credential_product cp
      JOIN devapp.product p ON p.product_id = cp.product_id
      JOIN devapp.credential c ON c.credential_id = cp.credential_id
      JOIN devapp.app a ON a.app_id = c.app_id
      LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
      LEFT JOIN devapp.team t ON t.team_id = a.team_id
     WHERE cp.status = 'pending' AND cp.removed_at IS NULL
       AND c.status = 'approved' AND (c.expires_at IS NULL OR c.expires_at > now())
       AND a.status IN ('pending', 'approved', 'suspended')
       AND cp.product_id IN (SELECT devapp_internal.approvable_products())
     ORDER BY cp.created_at, cp.ordinal
$$;

CREATE FUNCTION devapp.my_approvals()
    RETURNS TABLE (
    app_id uuid,
    app_name text,
    owner text,
    credential_id uuid,
    product text,
    requested_at timestamptz,
    display_name text,
    description text,
    callback_urls text[],
    scopes text[],
    environment text,
    attributes jsonb,
    owner_attributes jsonb
)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.my_approvals() IS 'Requests that the caller can decide as an approver, with what is needed to judge them, oldest first';
SELECT devapp_internal.grant_to('devapp.my_approvals', 'admin', 'developer');

-- An app of others exists for whoever decides on a product that it has; a credential of others,
-- on a product that this has.
CREATE FUNCTION devapp_internal.is_known(app_id uuid, credential_id uuid DEFAULT NULL) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT devapp_internal.is_admin()
        OR EXISTS (SELECT FROM devapp.app a
                    WHERE a.app_id = is_known.app_id AND devapp_internal.is_mine(a.developer_id, a.team_id))
        OR EXISTS (SELECT FROM devapp.credential c
                     JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
                    WHERE c.app_id = is_known.app_id AND c.credential_id = coalesce(is_known.credential_id, c.credential_id)
                      AND cp.removed_at IS NULL AND cp.product_id IN (SELECT devapp_internal.approvable_products()))
$$;

-- An app that somebody wants to decide on, locked.
CREATE FUNCTION devapp_internal.find_known_app(app devapp.app_ref) RETURNS devapp.app
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_row devapp.app := devapp_internal.find_live_app(app, true);
BEGIN
    IF NOT devapp_internal.is_known(found_row.app_id) THEN
        PERFORM devapp_internal.refuse_app(app::text);
    END IF;
    RETURN found_row;
END
$$;

-- Nobody decides on his own app, even where he is an approver of its products.
CREATE FUNCTION devapp_internal.require_decision(app_id uuid, permitted boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.is_admin() THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM devapp.app a
                WHERE a.app_id = require_decision.app_id AND devapp_internal.is_mine(a.developer_id, a.team_id)) THEN
        PERFORM devapp_internal.refuse('decide on their own app');
    END IF;
    IF permitted IS NOT TRUE THEN
        PERFORM devapp_internal.refuse('decide on this');
    END IF;
END
$$;
