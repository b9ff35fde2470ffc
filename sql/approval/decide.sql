-- What happens to a product that an app asks for: the rules are asked in order of
-- priority, the first whose conditions all hold decides, and if there is none the
-- approval of the product does.  approval_steps() is where that is worked out,
-- both for those who act on it and for explain_approval().

-- ---------- conditions ----------
-- Each function returns in words why its condition does not hold, or null.  A value
-- is shown as a JSON string, so whatever is in it, its end can be seen.

CREATE FUNCTION devapp_internal.product_objection(rule devapp.approval_rule, product devapp.product) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (rule).product IS NULL AND (rule).access IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN CASE
        WHEN (rule).product IS NOT NULL
             AND NOT EXISTS (SELECT FROM devapp.product p WHERE p.name = (rule).product AND p.deleted_at IS NULL)
            THEN format('product %s no longer exists', to_json((rule).product))
        WHEN (product).product_id IS NULL THEN 'no product is requested'
        WHEN (rule).product <> (product).name
            THEN format('the product is %s, not %s', to_json((product).name), to_json((rule).product))
        WHEN (rule).access <> (product).access
            THEN format('the access of the product is %s, not %s', (product).access, (rule).access)
    END;
END
$$;

-- Is a domain the one that is wanted, or for *.example.com below it?
CREATE FUNCTION devapp_internal.domain_matches(domain text, wanted text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN starts_with(wanted, '*.')
                THEN right('.' || devapp_internal.email_key(domain), length(wanted) - 1) = substr(devapp_internal.email_key(wanted), 2)
                ELSE devapp_internal.email_key(domain) = devapp_internal.email_key(wanted) END;
END
$$;

-- The first attribute, in order of names, that is missing or has another value.
CREATE FUNCTION devapp_internal.attribute_objection(entity text, attributes jsonb, wanted jsonb) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF attributes @> wanted THEN
        RETURN NULL;
    END IF;
    RETURN (SELECT CASE WHEN attributes ? w.key
                        THEN format('attribute %s of the %s is %s, not %s', to_json(w.key), entity, attributes -> w.key, w.value)
                        ELSE format('the %s has no attribute %s', entity, to_json(w.key)) END
              FROM jsonb_each(wanted) AS w
             WHERE NOT attributes @> jsonb_build_object(w.key, w.value)
             ORDER BY w.key COLLATE "C"
             LIMIT 1);
END
$$;

CREATE FUNCTION devapp_internal.developer_objection(rule devapp.approval_rule, developer devapp.developer) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN (rule).email_domain IS NULL AND (rule).developer_attributes = '{}' THEN NULL
        WHEN (developer).developer_id IS NULL THEN 'the owner is a team, not a developer'
        WHEN NOT devapp_internal.domain_matches(split_part((developer).email, '@', 2), (rule).email_domain)
            THEN format('the e-mail domain is %s, not %s', devapp_internal.email_key(split_part((developer).email, '@', 2)),
                        devapp_internal.email_key((rule).email_domain))
        ELSE devapp_internal.attribute_objection('developer', (developer).attributes, (rule).developer_attributes)
    END;
END
$$;

CREATE FUNCTION devapp_internal.team_objection(rule devapp.approval_rule, team devapp.team) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (rule).team IS NULL AND (rule).team_attributes = '{}' THEN
        RETURN NULL;
    END IF;
    RETURN CASE
        WHEN (rule).team IS NOT NULL
             AND NOT EXISTS (SELECT FROM devapp.team t WHERE t.name = (rule).team AND t.deleted_at IS NULL)
            THEN format('team %s no longer exists', to_json((rule).team))
        WHEN (team).team_id IS NULL THEN 'the owner is a developer, not a team'
        WHEN (rule).team <> (team).name
            THEN format('the owner is team %s, not team %s', to_json((team).name), to_json((rule).team))
        ELSE devapp_internal.attribute_objection('team', (team).attributes, (rule).team_attributes)
    END;
END
$$;

CREATE FUNCTION devapp_internal.count_objection(rule devapp.approval_rule, owned bigint) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE
        WHEN owned < (rule).min_apps_owned
            THEN format('the owner has %s other app(s), fewer than %s', owned, (rule).min_apps_owned)
        WHEN owned > (rule).max_apps_owned
            THEN format('the owner has %s other app(s), more than %s', owned, (rule).max_apps_owned)
    END;
END
$$;

-- ---------- deciding ----------

-- What the approval of the product itself says; an app without products needs no approval.  It takes no row of
-- devapp.product: whoever changes the type of a column would have to drop it first.
CREATE FUNCTION devapp_internal.product_decision(approval text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE approval WHEN 'manual' THEN 'hold' ELSE 'approve' END;

-- Live apps of the owner of an app, without this one, which need not exist yet.
CREATE FUNCTION devapp_internal.other_apps(app devapp.app) RETURNS bigint
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT count(*) FROM devapp.app a
             WHERE a.deleted_at IS NULL
               AND a.app_id <> (other_apps.app).app_id
               AND (a.developer_id = (other_apps.app).developer_id OR a.team_id = (other_apps.app).team_id));
END
$$;

-- All rules in the order in which they are asked about one product of an app (or
-- about the app, where it asks for none), and last what holds if none decides.
CREATE FUNCTION devapp_internal.approval_steps(app devapp.app, product devapp.product)
    RETURNS TABLE (rule text, priority integer, matches boolean, reason text, decision text, note text, decides boolean)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH asked AS (
        SELECT r.name, r.priority, r.enabled, r.decision, r.note,
               coalesce(CASE WHEN NOT r.enabled THEN 'the rule is disabled' END,
                        devapp_internal.product_objection(r, approval_steps.product),
                        devapp_internal.developer_objection(r, d),
                        devapp_internal.team_objection(r, t),
                        devapp_internal.attribute_objection('app', (approval_steps.app).attributes, r.app_attributes),
                        devapp_internal.count_objection(r, o.owned)) AS objection
          FROM devapp.approval_rule r
         CROSS JOIN (SELECT devapp_internal.other_apps(approval_steps.app) AS owned) AS o
          LEFT JOIN devapp.developer d ON d.developer_id = (approval_steps.app).developer_id
          LEFT JOIN devapp.team t ON t.team_id = (approval_steps.app).team_id
    ), decider AS (
        -- priorities are unique among enabled rules
        SELECT min(asked.priority) AS priority
          FROM asked
         WHERE asked.objection IS NULL AND devapp_internal.app_approval() = 'conditional'
    ), steps AS (
        SELECT 1 AS part, asked.enabled, asked.name, asked.priority, asked.objection IS NULL AS matches,
               coalesce(asked.objection, 'all conditions hold') AS reason, asked.decision,
               coalesce(asked.note, 'rule ' || asked.name) AS note,
               asked.objection IS NULL AND asked.priority IS NOT DISTINCT FROM decider.priority AS decides
          FROM asked, decider
        UNION ALL
        SELECT 2, NULL, NULL, NULL, true,
               CASE WHEN (approval_steps.product).product_id IS NULL THEN 'no product is requested'
                    ELSE 'the approval of the product is ' || (approval_steps.product).approval END,
               devapp_internal.product_decision((approval_steps.product).approval), NULL,
               decider.priority IS NULL
          FROM decider
    )
    SELECT s.name, s.priority, s.matches, s.reason, s.decision, s.note, s.decides
      FROM steps s
     ORDER BY s.part, s.priority, s.enabled DESC, s.name;
END
$$;

-- What is decided about each of the products, in their order; about the app itself
-- where it asks for none.
CREATE FUNCTION devapp_internal.make_decisions(app devapp.app, products devapp.product[]) RETURNS devapp.approval_decision[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    by_rules constant boolean := devapp_internal.rules_decide();
    product devapp.product;
    made devapp.approval_decision;
    decisions devapp.approval_decision[] := '{}';
BEGIN
    IF cardinality(products) = 0 THEN
        products := ARRAY[NULL::devapp.product];
    END IF;
    FOREACH product IN ARRAY products LOOP
        IF by_rules THEN
            SELECT s.decision,
                   CASE WHEN s.rule IS NOT NULL THEN 'rule:' || s.rule WHEN s.decision = 'approve' THEN 'auto' END,
                   s.note
              INTO made
              FROM devapp_internal.approval_steps(app, product) AS s
             WHERE s.decides;
        ELSE
            made.decision := devapp_internal.product_decision(product.approval);
            made.decided_by := CASE made.decision WHEN 'approve' THEN 'auto' END;
        END IF;
        decisions := decisions || made;
    END LOOP;
    RETURN decisions;
END
$$;

-- What follows for a new app: the strictest decision, and there the first that a
-- rule made.
CREATE FUNCTION devapp_internal.app_decision(decisions devapp.approval_decision[]) RETURNS devapp.approval_decision
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mode constant text := devapp_internal.app_approval();
BEGIN
    IF mode = 'conditional' AND cardinality(decisions) = 1 THEN
        RETURN decisions[1];
    END IF;
    RETURN CASE mode
        WHEN 'auto' THEN ROW ('approve', 'auto', NULL)::devapp.approval_decision
        WHEN 'manual' THEN ROW ('hold', NULL, NULL)::devapp.approval_decision
        ELSE (SELECT ROW (d.decision, d.decided_by, d.note)::devapp.approval_decision
                FROM unnest(decisions) WITH ORDINALITY AS d (decision, decided_by, note, n)
               ORDER BY array_position(ARRAY['reject', 'hold', 'approve'], d.decision),
                        starts_with(d.decided_by, 'rule:') IS NOT TRUE, d.n
               LIMIT 1)
    END;
END
$$;

-- Rules may count the apps of an owner, so two apps of one owner are made one after the
-- other: the owner is locked as if it were about to change.  A snapshot of the whole transaction would not
-- show the app that was made meanwhile.
CREATE FUNCTION devapp_internal.require_no_counting_rule() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF devapp_internal.app_approval() = 'conditional'
       AND EXISTS (SELECT FROM devapp.approval_rule r
                    WHERE r.enabled AND num_nonnulls(r.min_apps_owned, r.max_apps_owned) > 0) THEN
        RAISE EXCEPTION 'cannot count the apps of an owner in a transaction of isolation level %',
                        current_setting('transaction_isolation')
            USING ERRCODE = 'active_sql_transaction',
                  HINT = 'An approval rule has min_apps_owned or max_apps_owned: create apps in a READ COMMITTED transaction.';
    END IF;
END
$$;

-- ---------- explaining ----------

CREATE FUNCTION devapp_internal.explain_approval(app devapp.app_ref)
    RETURNS TABLE (product text, rule text, priority integer, matches boolean, reason text, decision text, decides boolean)
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app;
    products devapp.product[];
    the_product devapp.product;
    mode text := devapp_internal.app_approval();
    is_admin boolean := devapp_internal.is_admin();
BEGIN
    -- without a lock: a standby answers as well
    SELECT * INTO the_app FROM devapp.app a WHERE a.app_id = devapp_internal.find_visible_app(explain_approval.app);
    IF mode <> 'conditional' THEN
        RETURN QUERY SELECT NULL::text, NULL::text, NULL::integer, true,
                            format('the approval mode (devapp.set_app_approval) is %s, so rules are not evaluated', mode),
                            CASE mode WHEN 'auto' THEN 'approve' ELSE 'hold' END, true;
    END IF;
    SELECT array_agg(p ORDER BY x.ordinal) INTO products
      FROM (SELECT cp.product_id, min(cp.ordinal) AS ordinal
              FROM devapp.credential c
              JOIN devapp.credential_product cp ON cp.credential_id = c.credential_id
             WHERE c.app_id = the_app.app_id AND cp.removed_at IS NULL
               AND devapp_internal.has_credential(c.credential_id)
             GROUP BY cp.product_id) AS x
      JOIN devapp.product p ON p.product_id = x.product_id;
    FOREACH the_product IN ARRAY coalesce(products, ARRAY[NULL::devapp.product]) LOOP
        RETURN QUERY SELECT the_product.name, s.rule, s.priority, s.matches, s.reason, s.decision,
                            s.decides AND (mode = 'conditional' OR the_product.product_id IS NOT NULL)
                       FROM devapp_internal.approval_steps(the_app, the_product) AS s
                      -- an owner is told which rule decides, not by what others are judged
                      WHERE is_admin OR s.decides;
    END LOOP;
END
$$;

CREATE FUNCTION devapp.explain_approval(app devapp.app_ref)
    RETURNS TABLE (product text, rule text, priority integer, matches boolean, reason text, decision text, decides boolean)
    LANGUAGE c STABLE AS 'MODULE_PATHNAME', 'devapp_enter';
COMMENT ON FUNCTION devapp.explain_approval(devapp.app_ref) IS
    'Shows which approval rules match each product an app requests, and which one would decide now';
SELECT devapp_internal.grant_to('devapp.explain_approval', 'admin', 'developer');
