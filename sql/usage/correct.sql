-- Usage that an administrator puts right: what was counted twice, or made up.

CREATE FUNCTION devapp_internal.require_correctable(day date, calls bigint, note text, cost bigint) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keep interval := devapp_internal.setting('retention_day')::interval;
BEGIN
    IF day IS NULL OR calls IS NULL OR note IS NULL OR btrim(note) = '' THEN
        RAISE EXCEPTION 'a correction requires a day, a number of calls and a note'
            USING ERRCODE = 'null_value_not_allowed',
                  HINT = 'Explain the correction in the note.';
    END IF;
    IF calls < 0 OR cost < 0 THEN
        RAISE EXCEPTION 'calls and cost must not be negative'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give the correct number of calls, not the difference.';
    END IF;
    IF NOT isfinite(day) OR day >= (now() AT TIME ZONE 'UTC')::date THEN
        RAISE EXCEPTION 'usage of % cannot be corrected yet', coalesce(to_char(day, 'YYYY-MM-DD'), day::text)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'A day can be corrected once it is over, in UTC.';
    END IF;
    IF keep <> '0' AND day < (now() AT TIME ZONE 'UTC' - keep)::date THEN
        RAISE EXCEPTION 'usage of % is no longer kept', coalesce(to_char(day, 'YYYY-MM-DD'), day::text)
            USING ERRCODE = 'invalid_parameter_value', HINT = 'See the setting devapp.retention_day.';
    END IF;
END
$$;

-- Only the day, which the reports read: hours and minutes say what was counted.
CREATE FUNCTION devapp_internal.correct_usage(
    app devapp.app_ref,
    product text,
    environment text,
    day date,
    calls bigint,
    note text,
    cost bigint
) RETURNS devapp.usage_correction
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_product devapp.product;
    made devapp.usage_correction;
BEGIN
    PERFORM devapp_internal.require_correctable(correct_usage.day, correct_usage.calls, correct_usage.note, correct_usage.cost);
    made.app_id := (devapp_internal.find_app(correct_usage.app, false)).app_id;
    the_product := devapp_internal.find_product(correct_usage.product, false);
    -- what was flushed and is not in the days yet
    PERFORM devapp_internal.roll_up_waiting();
    PERFORM devapp_internal.roll_up_usage();
    IF EXISTS (SELECT FROM devapp.usage_flush f
                WHERE date_trunc('month', correct_usage.day::timestamp) AT TIME ZONE 'UTC' = ANY (f.waiting_months)) THEN
        RAISE EXCEPTION 'usage of % is not complete yet', to_char(correct_usage.day, 'YYYY-MM-DD')
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Usage by the minute still has to be added to it. See the check "storage" of devapp.doctor().';
    END IF;
    SELECT d.calls, d.cost INTO made.calls_before, made.cost_before
      FROM devapp.usage_day d
     WHERE d.day = correct_usage.day AND d.app_id = made.app_id AND d.product_id = the_product.product_id
       AND d.environment IS NOT DISTINCT FROM correct_usage.environment AND d.code = 'VALID';
    INSERT INTO devapp.usage_correction (app_id, product_id, environment, day, calls_before, calls, cost_before, cost, note)
    VALUES (made.app_id, the_product.product_id, correct_usage.environment, correct_usage.day, coalesce(made.calls_before, 0), correct_usage.calls,
            coalesce(made.cost_before, 0), coalesce(correct_usage.cost, correct_usage.calls), correct_usage.note)
    RETURNING * INTO made;
    EXECUTE format(
        'INSERT INTO %s (day, app_id, product_id, environment, code, calls, cost, updated_at) VALUES ($1, $2, $3, $4, ''VALID'', $5, $6, $7)
             ON CONFLICT (app_id, day, product_id, environment, code) DO UPDATE SET calls = excluded.calls, cost = excluded.cost, updated_at = excluded.updated_at',
        devapp_internal.usage_partition('usage_day', correct_usage.day::timestamp AT TIME ZONE 'UTC'))
      USING correct_usage.day, made.app_id, the_product.product_id, made.environment, correct_usage.calls,
            coalesce(correct_usage.cost, correct_usage.calls), clock_timestamp();
    RETURN made;
END
$$;

CREATE FUNCTION devapp.correct_usage(
    app devapp.app_ref,
    product text,
    environment text,
    day date,
    calls bigint,
    note text,
    cost bigint DEFAULT NULL
) RETURNS devapp.usage_correction
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.correct_usage(devapp.app_ref, text, text, date, bigint, text, bigint) IS
    'Corrects the number of allowed calls of an app on a past day; recorded with the note';
SELECT devapp_internal.grant_to('devapp.correct_usage', 'admin');
