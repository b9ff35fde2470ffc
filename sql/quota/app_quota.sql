-- Quotas and rates of one app.

-- Those that hold now.
CREATE VIEW devapp_internal.app_quota_now AS
SELECT q.* FROM devapp.app_quota q WHERE q.until IS NULL OR q.until > clock_timestamp();

-- The buckets of quotas, each with the quota that it counts for: of the operation, else of the
-- app itself, else of the product.
CREATE VIEW devapp_internal.quota_bucket AS
SELECT u.app_id, u.product_id, u.operation_id, u.environment, u.window_start, u.window_end, u.used,
       CASE WHEN u.operation_id IS NULL THEN coalesce(n.quota_limit, p.quota_limit) ELSE o.quota_limit END AS quota_limit,
       CASE WHEN u.operation_id IS NULL THEN coalesce(n.quota_interval, p.quota_interval) ELSE o.quota_interval END AS quota_interval,
       CASE WHEN u.operation_id IS NULL THEN coalesce(n.quota_unit, p.quota_unit) ELSE o.quota_unit END AS quota_unit,
       p.time_zone, p.quota_enforcement AS enforcement, p.name AS product, p.display_name AS product_display_name,
       o.resource::text AS resource, o.methods
  FROM devapp.quota_usage u
  JOIN devapp.product p ON p.product_id = u.product_id AND p.deleted_at IS NULL
  LEFT JOIN devapp.product_operation o ON o.operation_id = u.operation_id
  LEFT JOIN devapp_internal.app_quota_now n ON n.app_id = u.app_id AND n.product_id = u.product_id;

-- What was asked for, with what the product says where a part of a quota or of a rate was
-- left out.
CREATE FUNCTION devapp_internal.complete_app_quota(asked devapp.app_quota, product devapp.product) RETURNS devapp.app_quota
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF num_nonnulls(asked.quota_limit, asked.quota_interval, asked.quota_unit) > 0 THEN
        asked.quota_limit := coalesce(asked.quota_limit, product.quota_limit);
        asked.quota_interval := coalesce(asked.quota_interval, CASE WHEN lower(asked.quota_unit COLLATE "C") = 'never' THEN 1 END, product.quota_interval);
        asked.quota_unit := coalesce(asked.quota_unit, product.quota_unit);
        PERFORM devapp_internal.require_quota(asked.quota_limit, asked.quota_interval, asked.quota_unit);
        asked.quota_interval := coalesce(asked.quota_interval, 1);
    END IF;
    IF num_nonnulls(asked.rate_limit, asked.rate_burst) > 0 THEN
        asked.rate_limit := coalesce(asked.rate_limit, product.rate_limit);
        asked.rate_burst := coalesce(asked.rate_burst, product.rate_burst);
        PERFORM devapp_internal.require_rate(asked.rate_limit, asked.rate_burst);
        asked.rate_burst := coalesce(asked.rate_burst, 1);
    END IF;
    IF asked.until <= clock_timestamp() THEN
        RAISE EXCEPTION '"until" must be in the future'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give a time in the future, or null for no end. To end a quota now, call devapp.set_app_quota without any value.';
    END IF;
    RETURN asked;
END
$$;

CREATE FUNCTION devapp_internal.end_app_quota(app_id uuid, product devapp.product) RETURNS devapp.app_quota
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended devapp.app_quota;
BEGIN
    DELETE FROM devapp.app_quota q
     WHERE q.app_id = end_app_quota.app_id AND q.product_id = product.product_id
    RETURNING q.* INTO ended;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'app % has no quota of its own for product %', devapp_internal.app_label(end_app_quota.app_id), devapp_internal.quoted(product.name)
            USING ERRCODE = 'undefined_object',
                  HINT = 'Give a quota_limit or a rate_limit to set one.';
    END IF;
    RETURN ended;
END
$$;

CREATE FUNCTION devapp_internal.set_app_quota(
    app devapp.app_ref,
    product text,
    quota_limit bigint,
    quota_interval integer,
    quota_unit text,
    rate_limit double precision,
    rate_burst integer,
    until timestamptz,
    note text
) RETURNS devapp.app_quota
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_app devapp.app := devapp_internal.find_live_app(app, true);
    the_product devapp.product := devapp_internal.find_product(product, false);
    made devapp.app_quota;
BEGIN
    PERFORM devapp_internal.set_note(note);
    IF num_nonnulls(quota_limit, quota_interval, quota_unit, rate_limit, rate_burst, until) = 0 THEN
        made := devapp_internal.end_app_quota(the_app.app_id, the_product);
    ELSE
        made := devapp_internal.complete_app_quota(
            ROW(the_app.app_id, the_product.product_id, quota_limit, quota_interval, quota_unit, rate_limit, rate_burst, until, note,
                NULL, NULL)::devapp.app_quota, the_product);
        IF num_nonnulls(made.quota_limit, made.rate_limit) = 0 THEN
            RAISE EXCEPTION '"until" requires a quota or a rate limit'
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Give the quota or rate limit that applies until then, or no value at all to end the one that the app has.';
        END IF;
        INSERT INTO devapp.app_quota AS q
            (app_id, product_id, quota_limit, quota_interval, quota_unit, rate_limit, rate_burst, until, note)
        VALUES (made.app_id, made.product_id, made.quota_limit, made.quota_interval, made.quota_unit, made.rate_limit,
                made.rate_burst, made.until, made.note)
            ON CONFLICT ON CONSTRAINT app_quota_pkey DO UPDATE
           SET (quota_limit, quota_interval, quota_unit, rate_limit, rate_burst, until, note)
               = (excluded.quota_limit, excluded.quota_interval, excluded.quota_unit, excluded.rate_limit,
                  excluded.rate_burst, excluded.until, excluded.note)
        RETURNING q.* INTO made;
    END IF;
    PERFORM devapp_internal.set_note(NULL);
    RETURN made;
END
$$;

CREATE FUNCTION devapp.set_app_quota(
    app devapp.app_ref,
    product text,
    quota_limit bigint DEFAULT NULL,
    quota_interval integer DEFAULT NULL,
    quota_unit text DEFAULT NULL,
    rate_limit double precision DEFAULT NULL,
    rate_burst integer DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    note text DEFAULT NULL
) RETURNS devapp.app_quota
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.set_app_quota(devapp.app_ref, text, bigint, integer, text, double precision, integer, timestamptz, text) IS
    'Sets the quota or rate limit of one app in place of its product''s; without any value, ends it';
SELECT devapp_internal.grant_to('devapp.set_app_quota', 'admin');
