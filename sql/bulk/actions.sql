-- The bulk functions: named arguments in, one row an app (or credential) out.

CREATE FUNCTION devapp_internal.bulk_approve(
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error, r.products
      FROM devapp_internal.run_bulk_action('approve',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        '{}', note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_approve(
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_approve(text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], text, boolean) IS
    'Approves the pending apps of a filter, and what its approved apps wait for; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_approve', 'admin');

CREATE FUNCTION devapp_internal.bulk_reject(
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error, r.products
      FROM devapp_internal.run_bulk_action('reject',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        '{}', note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_reject(
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_reject(text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], text, boolean) IS
    'Rejects the pending apps of a filter; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_reject', 'admin');

CREATE FUNCTION devapp_internal.bulk_suspend(
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error, r.products
      FROM devapp_internal.run_bulk_action('suspend',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        '{}', note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_suspend(
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_suspend(text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], text, boolean) IS
    'Suspends the approved apps of a filter; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_suspend', 'admin');

CREATE FUNCTION devapp_internal.bulk_resume(
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error, r.products
      FROM devapp_internal.run_bulk_action('resume',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        '{}', note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_resume(
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_resume(text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], text, boolean) IS
    'Lets the suspended apps of a filter work again; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_resume', 'admin');

CREATE FUNCTION devapp_internal.bulk_revoke(
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error, r.products
      FROM devapp_internal.run_bulk_action('revoke',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        '{}', note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_revoke(
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_revoke(text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], text, boolean) IS
    'Revokes the approved and suspended apps of a filter; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_revoke', 'admin');

CREATE FUNCTION devapp_internal.bulk_transfer(
    to_developer text,
    to_team text,
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_transfer_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.new_owner, r.old_status, r.new_status, r.outcome, r.error
      FROM devapp_internal.run_bulk_action('transfer',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        jsonb_strip_nulls(jsonb_build_object('to_developer', to_developer, 'to_team', to_team)), note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_transfer(
    to_developer text DEFAULT NULL,
    to_team text DEFAULT NULL,
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_transfer_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_transfer(text, text, text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], text, boolean) IS
    'Gives the apps of a filter another owner; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_transfer', 'admin');

CREATE FUNCTION devapp_internal.bulk_rotate(
    status text,
    product text,
    owner text,
    team text,
    attribute jsonb,
    inactive_since timestamptz,
    created_before timestamptz,
    name text,
    app_ids uuid[],
    overlap interval,
    note text,
    dry_run boolean
) RETURNS SETOF devapp.bulk_rotation
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error,
           r.credential_id, r.consumer_key, r.secret, r.previous_valid_until
      FROM devapp_internal.run_bulk_action('rotate',
                        devapp_internal.make_filter(status, product, owner, team, attribute, inactive_since, created_before, name, app_ids),
                        jsonb_strip_nulls(jsonb_build_object('overlap', overlap)), note, dry_run) AS r
     ORDER BY r.app_id, r.credential_id
$$;

CREATE FUNCTION devapp.bulk_rotate(
    status text DEFAULT NULL,
    product text DEFAULT NULL,
    owner text DEFAULT NULL,
    team text DEFAULT NULL,
    attribute jsonb DEFAULT NULL,
    inactive_since timestamptz DEFAULT NULL,
    created_before timestamptz DEFAULT NULL,
    name text DEFAULT NULL,
    app_ids uuid[] DEFAULT NULL,
    overlap interval DEFAULT '7 days',
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_rotation
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_rotate(text, text, text, text, jsonb, timestamptz, timestamptz, text, uuid[], interval, text, boolean) IS
    'Rotates the credentials of the apps of a filter and returns their secrets, once; with overlap => ''0'' those being rotated as well; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_rotate', 'admin');
