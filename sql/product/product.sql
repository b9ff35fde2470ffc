-- Products.

CREATE FUNCTION devapp_internal.require_quota(quota_limit bigint, quota_interval integer, quota_unit text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (quota_limit IS NULL) <> (quota_unit IS NULL) OR (quota_limit IS NULL AND quota_interval IS NOT NULL) THEN
        RAISE EXCEPTION 'a quota requires both quota_limit and quota_unit'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For 1000 calls a day: quota_limit => 1000, quota_unit => ''day''.';
    END IF;
    IF lower(quota_unit COLLATE "C") = 'never' AND quota_interval > 1 THEN
        RAISE EXCEPTION 'a quota that never renews has no interval'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Leave out quota_interval with quota_unit => ''never''.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.require_rate(rate_limit double precision, rate_burst integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF rate_limit IS NULL AND rate_burst IS NOT NULL THEN
        RAISE EXCEPTION 'a rate_burst requires a rate_limit'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For 10 calls per second, 20 at once: rate_limit => 10, rate_burst => 20.';
    END IF;
END
$$;

-- A key for such a product may administer devapp (sql/api/caller.sql).
CREATE FUNCTION devapp_internal.refuse_reserved(name text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF starts_with(ltrim(lower(name COLLATE "C")), 'devapp-') THEN
        RAISE EXCEPTION 'product names that begin with "devapp-" are reserved'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Choose another name; devapp.setup_roles() creates devapp-admin and devapp-portal.';
    END IF;
END
$$;

-- An administrator gives such a product to each app that is to have it.
CREATE FUNCTION devapp_internal.keep_reserved(name text, approval text, access text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF starts_with(lower(name COLLATE "C"), 'devapp-') AND (approval <> 'manual' OR access <> 'internal') THEN
        RAISE EXCEPTION 'product % must stay internal, with manual approval', devapp_internal.quoted(name)
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'A key for this product may administer devapp or act for developers.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.create_product(
    name text,
    display_name text,
    description text,
    approval text,
    access text,
    environments text[],
    proxies text[],
    scopes text[],
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    rate_limit double precision,
    rate_burst integer,
    attributes jsonb,
    quota_enforcement text,
    time_zone text,
    trailing_slash text
) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    made devapp.product;
BEGIN
    PERFORM devapp_internal.refuse_reserved(create_product.name);
    PERFORM devapp_internal.require_quota(create_product.quota_limit, create_product.quota_interval, create_product.quota_unit);
    PERFORM devapp_internal.require_rate(create_product.rate_limit, create_product.rate_burst);
    INSERT INTO devapp.product AS p
        (name, display_name, description, approval, access, environments, proxies, scopes,
         quota_limit, quota_interval, quota_unit, quota_enforcement, time_zone, rate_limit, rate_burst, trailing_slash, attributes)
    VALUES (create_product.name, create_product.display_name, create_product.description,
            coalesce(create_product.approval, 'auto'), coalesce(create_product.access, 'public'),
            coalesce(create_product.environments, '{}'), coalesce(create_product.proxies, '{}'),
            coalesce(create_product.scopes, '{}'),
            create_product.quota_limit,
            CASE WHEN create_product.quota_limit IS NOT NULL THEN coalesce(create_product.quota_interval, 1) END,
            create_product.quota_unit,
            coalesce(create_product.quota_enforcement, 'soft'), coalesce(create_product.time_zone, 'UTC'),
            create_product.rate_limit,
            CASE WHEN create_product.rate_limit IS NOT NULL THEN coalesce(create_product.rate_burst, 1) END,
            coalesce(create_product.trailing_slash, 'strict'),
            coalesce(create_product.attributes, '{}'))
    ON CONFLICT DO NOTHING
    RETURNING p.* INTO made;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'product % already exists', devapp_internal.quoted(create_product.name)
            USING ERRCODE = 'unique_violation',
                  HINT = 'Choose another name.';
    END IF;
    RETURN made;
END
$$;

CREATE FUNCTION devapp.create_product(
    name text,
    display_name text DEFAULT NULL,
    description text DEFAULT NULL,
    approval text DEFAULT 'auto',
    access text DEFAULT 'public',
    environments text[] DEFAULT NULL,
    proxies text[] DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    quota_limit bigint DEFAULT NULL,
    quota_interval integer DEFAULT NULL,
    quota_unit text DEFAULT NULL,
    rate_limit double precision DEFAULT NULL,
    rate_burst integer DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    quota_enforcement text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    trailing_slash text DEFAULT NULL
) RETURNS devapp.product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.create_product(text, text, text, text, text, text[], text[], text[], bigint, integer, text, double precision, integer, jsonb, text, text, text) IS
    'Creates an API product; without operations it covers all paths';
SELECT devapp_internal.grant_to('devapp.create_product', 'admin');

-- The product with what is said of its quota; a limit of 0 or a unit of '' takes the quota away.
CREATE FUNCTION devapp_internal.changed_quota(product devapp.product, quota_limit bigint, quota_interval integer, quota_unit text) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF changed_quota.quota_limit = 0 OR changed_quota.quota_unit = '' THEN
        product.quota_limit := NULL;
        product.quota_interval := NULL;
        product.quota_unit := NULL;
        RETURN product;
    END IF;
    product.quota_limit := coalesce(changed_quota.quota_limit, product.quota_limit);
    product.quota_unit := coalesce(changed_quota.quota_unit, product.quota_unit);
    product.quota_interval := coalesce(changed_quota.quota_interval, product.quota_interval);
    PERFORM devapp_internal.require_quota(product.quota_limit, product.quota_interval, product.quota_unit);
    IF product.quota_limit IS NOT NULL THEN
        product.quota_interval := coalesce(product.quota_interval, 1);
    END IF;
    RETURN product;
END
$$;

-- The same with what is said of its rate; a limit of 0 takes the rate away.
CREATE FUNCTION devapp_internal.changed_rate(product devapp.product, rate_limit double precision, rate_burst integer) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF changed_rate.rate_limit = 0 THEN
        product.rate_limit := NULL;
        product.rate_burst := NULL;
        RETURN product;
    END IF;
    product.rate_limit := coalesce(changed_rate.rate_limit, product.rate_limit);
    PERFORM devapp_internal.require_rate(product.rate_limit, changed_rate.rate_burst);
    IF product.rate_limit IS NOT NULL THEN
        product.rate_burst := coalesce(changed_rate.rate_burst, product.rate_burst, 1);
    END IF;
    RETURN product;
END
$$;

CREATE FUNCTION devapp_internal.update_product(
    product text,
    display_name text,
    description text,
    approval text,
    access text,
    environments text[],
    proxies text[],
    scopes text[],
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    rate_limit double precision,
    rate_burst integer,
    attributes jsonb,
    quota_enforcement text,
    time_zone text,
    trailing_slash text
) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.product := devapp_internal.find_product(product, true);
BEGIN
    PERFORM devapp_internal.keep_reserved(changed.name, approval, access);
    changed := devapp_internal.changed_quota(changed, quota_limit, quota_interval, quota_unit);
    changed := devapp_internal.changed_rate(changed, rate_limit, rate_burst);
    UPDATE devapp.product p
       SET display_name = devapp_internal.changed_value(p.display_name, update_product.display_name),
           description = devapp_internal.changed_value(p.description, update_product.description),
           approval = coalesce(update_product.approval, p.approval),
           access = coalesce(update_product.access, p.access),
           environments = coalesce(update_product.environments, p.environments),
           proxies = coalesce(update_product.proxies, p.proxies),
           scopes = coalesce(update_product.scopes, p.scopes),
           quota_limit = changed.quota_limit,
           quota_interval = changed.quota_interval,
           quota_unit = changed.quota_unit,
           quota_enforcement = coalesce(update_product.quota_enforcement, p.quota_enforcement),
           time_zone = coalesce(update_product.time_zone, p.time_zone),
           rate_limit = changed.rate_limit,
           rate_burst = changed.rate_burst,
           trailing_slash = coalesce(update_product.trailing_slash, p.trailing_slash),
           attributes = coalesce(update_product.attributes, p.attributes)
     WHERE p.product_id = changed.product_id
    RETURNING p.* INTO changed;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.update_product(
    product text,
    display_name text DEFAULT NULL,
    description text DEFAULT NULL,
    approval text DEFAULT NULL,
    access text DEFAULT NULL,
    environments text[] DEFAULT NULL,
    proxies text[] DEFAULT NULL,
    scopes text[] DEFAULT NULL,
    quota_limit bigint DEFAULT NULL,
    quota_interval integer DEFAULT NULL,
    quota_unit text DEFAULT NULL,
    rate_limit double precision DEFAULT NULL,
    rate_burst integer DEFAULT NULL,
    attributes jsonb DEFAULT NULL,
    quota_enforcement text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    trailing_slash text DEFAULT NULL
) RETURNS devapp.product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.update_product(text, text, text, text, text, text[], text[], text[], bigint, integer, text, double precision, integer, jsonb, text, text, text) IS
    'Changes a product; '''' or ''{}'' clears a value, a limit of 0 removes the limit';
SELECT devapp_internal.grant_to('devapp.update_product', 'admin');

-- Asked by the trigger guard_deletion.  The error names some of the apps: a filter for the
-- product does not find those of which it was revoked.
CREATE FUNCTION devapp_internal.require_no_dependants(product devapp.product) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    apps uuid[];
    credentials bigint;
BEGIN
    PERFORM devapp_internal.require_read_committed();
    SELECT array_agg(DISTINCT a.app_id), count(*) INTO apps, credentials
      FROM devapp.credential_product cp
      JOIN devapp.credential c ON c.credential_id = cp.credential_id
      JOIN devapp.app a ON a.app_id = c.app_id
     WHERE cp.product_id = product.product_id
       AND cp.removed_at IS NULL
       AND a.deleted_at IS NULL;
    IF credentials > 0 THEN
        RAISE EXCEPTION 'product % is still associated with % credential(s)', devapp_internal.quoted(product.name), credentials
            USING ERRCODE = 'dependent_objects_still_exist',
                  DETAIL = format('These are of %s app(s): %s%s.', cardinality(apps),
                                  (SELECT string_agg(devapp_internal.app_label(u.id), ', ' ORDER BY u.id) FROM unnest(apps[:5]) AS u(id)),
                                  CASE WHEN cardinality(apps) > 5 THEN format(', and %s more', cardinality(apps) - 5) ELSE '' END),
                  HINT = 'Remove the product from them first with devapp.bulk_remove_products.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.delete_product(product text) RETURNS devapp.product
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changed devapp.product := devapp_internal.find_product(product, true);
BEGIN
    UPDATE devapp.product p SET deleted_at = now()
     WHERE p.product_id = changed.product_id
    RETURNING p.* INTO changed;
    IF starts_with(changed.name, 'devapp-') THEN
        RAISE NOTICE 'devapp.setup_roles() will create product % again', devapp_internal.quoted(changed.name);
    END IF;
    RETURN changed;
END
$$;

CREATE FUNCTION devapp.delete_product(product text) RETURNS devapp.product
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.delete_product(text) IS
    'Deletes a product that no live credential has';
SELECT devapp_internal.grant_to('devapp.delete_product', 'admin');
