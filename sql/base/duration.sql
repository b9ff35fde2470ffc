-- Intervals that callers give: they have an error of their own where there is no such time.

-- The time that is so much later, or earlier if it is negative; null where the calendar ends
-- before.
CREATE FUNCTION devapp_internal.time_after(at timestamptz, duration interval) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN isfinite(duration) THEN at + duration END;
EXCEPTION WHEN datetime_field_overflow THEN
    RETURN NULL;
END
$$;

-- The end of a duration from a time on.
CREATE FUNCTION devapp_internal.require_duration(
    name text,
    at timestamptz,
    duration interval,
    hint text,
    or_zero boolean DEFAULT false
) RETURNS timestamptz
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ends_at timestamptz := devapp_internal.time_after(at, duration);
BEGIN
    IF ends_at IS NULL AND duration > interval '0' THEN
        RAISE EXCEPTION '% is too long', name
            USING ERRCODE = 'invalid_parameter_value', HINT = hint;
    END IF;
    IF ends_at IS NULL OR ends_at < at OR (ends_at = at AND NOT or_zero) THEN
        RAISE EXCEPTION '% must be %', name, CASE WHEN or_zero THEN 'zero or more' ELSE 'greater than zero' END
            USING ERRCODE = 'invalid_parameter_value', HINT = hint;
    END IF;
    RETURN ends_at;
END
$$;
