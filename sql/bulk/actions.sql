-- The bulk functions: what the action needs, then which apps; one row an app (or credential)
-- out.

-- What became of each app, as most of the functions return it.
CREATE FUNCTION devapp_internal.bulk_results(action text, app_ids devapp.app_ref[], filter jsonb, arguments jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error, r.products, r.pending_products
      FROM devapp_internal.run_bulk_action(action, app_ids, filter, arguments, note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp_internal.bulk_approve(app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('approve', app_ids, filter, '{}', note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_approve(
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_approve(devapp.app_ref[], jsonb, text, boolean) IS
    'Approves pending apps and pending products of apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_approve', 'admin');

CREATE FUNCTION devapp_internal.bulk_reject(app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('reject', app_ids, filter, '{}', note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_reject(
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_reject(devapp.app_ref[], jsonb, text, boolean) IS
    'Rejects pending apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_reject', 'admin');

CREATE FUNCTION devapp_internal.bulk_suspend(app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('suspend', app_ids, filter, '{}', note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_suspend(
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_suspend(devapp.app_ref[], jsonb, text, boolean) IS
    'Suspends approved apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_suspend', 'admin');

CREATE FUNCTION devapp_internal.bulk_resume(app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('resume', app_ids, filter, '{}', note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_resume(
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_resume(devapp.app_ref[], jsonb, text, boolean) IS
    'Resumes suspended apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_resume', 'admin');

CREATE FUNCTION devapp_internal.bulk_revoke(app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('revoke', app_ids, filter, '{}', note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_revoke(
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_revoke(devapp.app_ref[], jsonb, text, boolean) IS
    'Revokes approved and suspended apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_revoke', 'admin');

CREATE FUNCTION devapp_internal.bulk_delete(app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('delete', app_ids, filter, '{}', note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_delete(
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_delete(devapp.app_ref[], jsonb, text, boolean) IS
    'Deletes apps: revokes their credentials and frees their names; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_delete', 'admin');

CREATE FUNCTION devapp_internal.bulk_add_products(products text[], app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('add_products', app_ids, filter,
        jsonb_strip_nulls(jsonb_build_object('products', products)), note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_add_products(
    products text[],
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_add_products(text[], devapp.app_ref[], jsonb, text, boolean) IS
    'Adds products to all live credentials of apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_add_products', 'admin');

CREATE FUNCTION devapp_internal.bulk_remove_products(products text[], app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('remove_products', app_ids, filter,
        jsonb_strip_nulls(jsonb_build_object('products', products)), note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_remove_products(
    products text[],
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_remove_products(text[], devapp.app_ref[], jsonb, text, boolean) IS
    'Removes products from all credentials of apps; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_remove_products', 'admin');

CREATE FUNCTION devapp_internal.bulk_replace_product(product text, replacement text, app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT * FROM devapp_internal.bulk_results('replace_product', app_ids, filter,
        jsonb_strip_nulls(jsonb_build_object('product', product, 'replacement', replacement)), note, dry_run)
$$;

CREATE FUNCTION devapp.bulk_replace_product(
    product text,
    replacement text,
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_replace_product(text, text, devapp.app_ref[], jsonb, text, boolean) IS
    'Replaces a product of live credentials by another, with the same status; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_replace_product', 'admin');

CREATE FUNCTION devapp_internal.bulk_transfer(to_developer text, to_team text, app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_transfer_result
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.new_owner, r.old_status, r.new_status, r.outcome, r.error
      FROM devapp_internal.run_bulk_action('transfer', app_ids, filter,
                                           jsonb_strip_nulls(jsonb_build_object('to_developer', to_developer, 'to_team', to_team)), note, dry_run) AS r
     ORDER BY r.app_id
$$;

CREATE FUNCTION devapp.bulk_transfer(
    to_developer text DEFAULT NULL,
    to_team text DEFAULT NULL,
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_transfer_result
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_transfer(text, text, devapp.app_ref[], jsonb, text, boolean) IS
    'Transfers apps to another owner; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_transfer', 'admin');

CREATE FUNCTION devapp_internal.bulk_rotate(overlap interval, app_ids devapp.app_ref[], filter jsonb, note text, dry_run boolean)
    RETURNS SETOF devapp.bulk_rotation
    LANGUAGE sql ROWS 100
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.app_id, r.app_name, r.owner, r.old_status, r.new_status, r.outcome, r.error,
           r.credential_id, r.consumer_key, r.secret, r.previous_valid_until
      FROM devapp_internal.run_bulk_action('rotate', app_ids, filter,
                                           jsonb_strip_nulls(jsonb_build_object('overlap', overlap)), note, dry_run) AS r
     ORDER BY r.app_id, r.credential_id
$$;

CREATE FUNCTION devapp.bulk_rotate(
    overlap interval DEFAULT '7 days',
    app_ids devapp.app_ref[] DEFAULT NULL,
    filter jsonb DEFAULT NULL,
    note text DEFAULT NULL,
    dry_run boolean DEFAULT true
) RETURNS SETOF devapp.bulk_rotation
    LANGUAGE c ROWS 100 AS 'MODULE_PATHNAME', 'devapp_enter_admin';
COMMENT ON FUNCTION devapp.bulk_rotate(interval, devapp.app_ref[], jsonb, text, boolean) IS
    'Rotates credentials of apps and returns the new secrets, once; a dry run unless dry_run => false';
SELECT devapp_internal.grant_to('devapp.bulk_rotate', 'admin');
