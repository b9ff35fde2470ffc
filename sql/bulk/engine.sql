-- Bulk work: an action on the apps of a list or a filter.
--
-- A job (devapp.bulk_job) is an action with its filter and arguments, looked up and
-- checked once.  bulk_apps() finds the apps that it concerns, bulk_apply() locks
-- them in the order of app_id, asks again which it still concerns, and hands
-- them on in chunks.  A chunk is made as a whole; if that fails it is rolled back and
-- made in halves, down to the app that is at fault.  So all goes well at the speed of
-- a few statements and few subtransactions, and one app's failure is its own.
--
-- The unit of a chunk is an app; that of a rotation, a credential.
--
-- A plaintext secret must not become a parameter of a statement, because auto_explain
-- can log those: rows with one are handed on by RETURN NEXT.

-- ---------- the job ----------

CREATE FUNCTION devapp_internal.bulk_action(action text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    done text := '{"approve": "approved", "reject": "rejected", "suspend": "suspended", "resume": "resumed",
                   "revoke": "revoked", "delete": "deleted", "transfer": "transferred", "rotate": "rotated",
                   "add_products": "added", "remove_products": "removed", "replace_product": "replaced"}'::jsonb ->> action;
BEGIN
    IF done IS NULL THEN
        RAISE EXCEPTION 'bulk action % does not exist', devapp_internal.quoted(action)
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Possible actions: approve, reject, suspend, resume, revoke, delete, transfer, add_products, remove_products, replace_product.';
    END IF;
    RETURN done;
END
$$;

-- The arguments of an action have these names and types.
CREATE FUNCTION devapp_internal.check_bulk_arguments(action text, arguments jsonb) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted constant jsonb := CASE
        WHEN action = 'transfer' THEN '{"to_developer": "string", "to_team": "string"}'
        WHEN action = 'rotate' THEN '{"overlap": "string"}'
        WHEN action IN ('add_products', 'remove_products') THEN '{"products": "array"}'
        WHEN action = 'replace_product' THEN '{"product": "string", "replacement": "string"}'
        ELSE '{}' END;
    given record;
BEGIN
    IF jsonb_typeof(arguments) <> 'object' THEN
        RAISE EXCEPTION 'the arguments of a bulk action must be an object'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'For example {"to_team": "checkout"}.';
    END IF;
    FOR given IN SELECT a.key, a.value FROM jsonb_each(arguments) AS a ORDER BY a.key LOOP
        IF (wanted ->> given.key) IS DISTINCT FROM jsonb_typeof(given.value) THEN
            RAISE EXCEPTION 'action % has no argument % of type %', action, devapp_internal.quoted(given.key), jsonb_typeof(given.value)
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = CASE WHEN wanted = '{}' THEN 'It has no arguments.' ELSE format('Its arguments: %s.', wanted) END;
        END IF;
    END LOOP;
END
$$;

-- The products of an action, by their ids.
CREATE FUNCTION devapp_internal.bulk_product_ids(names text[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(names, '{}') = '{}' THEN
        RAISE EXCEPTION 'a bulk action on products requires at least one product'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'List the products with SELECT name FROM devapp.product.';
    END IF;
    RETURN ARRAY(SELECT p.product_id FROM unnest(devapp_internal.find_products(names, NULL)) AS p);
END
$$;

CREATE FUNCTION devapp_internal.read_bulk_arguments(job devapp.bulk_job, arguments jsonb) RETURNS devapp.bulk_job
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_owner record;
BEGIN
    PERFORM devapp_internal.check_bulk_arguments(job.action, arguments);
    IF job.action = 'transfer' THEN
        new_owner := devapp_internal.new_owner(arguments ->> 'to_developer', arguments ->> 'to_team');
        job.developer_id := new_owner.developer_id;
        job.team_id := new_owner.team_id;
    ELSIF job.action = 'rotate' THEN
        job.overlap := arguments ->> 'overlap';
        PERFORM devapp_internal.require_overlap(job.overlap);
    ELSIF job.action IN ('add_products', 'remove_products') THEN
        job.product_ids := devapp_internal.bulk_product_ids(ARRAY(SELECT jsonb_array_elements_text(arguments -> 'products')));
    ELSIF job.action = 'replace_product' THEN
        job.product_ids := devapp_internal.bulk_product_ids(ARRAY[arguments ->> 'product', arguments ->> 'replacement']);
        job.replacement_id := job.product_ids[2];
        job.product_ids := job.product_ids[:1];
    END IF;
    RETURN job;
END
$$;

-- The apps of a list and of a filter: of both, if both are given.
CREATE FUNCTION devapp_internal.bulk_filter(app_ids devapp.app_ref[], filter jsonb) RETURNS devapp.app_filter
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    apps devapp.app_filter;
    ids uuid[];
BEGIN
    IF app_ids IS NULL AND filter IS NULL THEN
        RAISE EXCEPTION 'a bulk action requires app_ids or a filter'
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Select the apps, for example with filter => ''{"team": "checkout"}''. The filter {} matches all apps.';
    END IF;
    apps := devapp_internal.read_app_filter(coalesce(filter, '{}'));
    IF app_ids IS NOT NULL THEN
        ids := devapp_internal.filter_app_ids(to_jsonb(app_ids));
        apps.app_ids := ARRAY(SELECT unnest(ids) INTERSECT SELECT unnest(coalesce(apps.app_ids, ids)));
    END IF;
    RETURN apps;
END
$$;

CREATE FUNCTION devapp_internal.make_bulk_job(action text, app_ids devapp.app_ref[], filter jsonb, arguments jsonb, note text) RETURNS devapp.bulk_job
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job devapp.bulk_job;
BEGIN
    job.action := action;
    job.done := devapp_internal.bulk_action(action);
    job.note := note;
    PERFORM devapp_internal.set_note(note);
    PERFORM devapp_internal.set_note(NULL);
    job.apps := devapp_internal.bulk_filter(app_ids, filter);
    RETURN devapp_internal.read_bulk_arguments(job, coalesce(arguments, '{}'));
END
$$;

-- ---------- the apps that it concerns ----------

-- The condition on devapp.credential c that it is live: it works, or will when others
-- approve.
CREATE FUNCTION devapp_internal.live_condition() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'c.status = ''approved'' AND (c.expires_at IS NULL OR c.expires_at > clock_timestamp())
                    AND NOT EXISTS (SELECT FROM devapp.credential r WHERE r.replaces = c.credential_id)';

-- The apps of which a credential lacks a product of the job, or has it.
CREATE FUNCTION devapp_internal.product_condition(action text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('a.app_id IN (SELECT c.app_id
                 FROM devapp.credential c
                CROSS JOIN unnest(($2).product_ids) AS p(product_id)
                 LEFT JOIN devapp.credential_product cp
                        ON cp.credential_id = c.credential_id AND cp.product_id = p.product_id AND cp.removed_at IS NULL
                WHERE %s)',
        CASE action
        WHEN 'add_products' THEN 'cp.product_id IS NULL AND ' || devapp_internal.live_condition()
        WHEN 'remove_products' THEN 'cp.product_id IS NOT NULL'
        WHEN 'replace_product' THEN 'cp.status <> ''revoked'' AND ' || devapp_internal.live_condition() END)
$$;

-- Approving is for what waits.  The lifecycle also lets a revoked app be approved, but
-- that takes back a decision: so only where the filter asks for status revoked.
CREATE FUNCTION devapp_internal.bulk_condition(job devapp.bulk_job) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN job.action = 'transfer' THEN
            '(a.developer_id, a.team_id) IS DISTINCT FROM (($2).developer_id, ($2).team_id)'
        WHEN job.action = 'rotate' THEN
            format('a.app_id IN (SELECT c.app_id FROM devapp.credential c WHERE %s)', devapp_internal.live_condition())
        WHEN job.product_ids IS NOT NULL THEN
            devapp_internal.product_condition(job.action)
        WHEN job.action = 'approve' AND (job.apps).status IS DISTINCT FROM 'revoked' THEN
            '(a.status = ''pending'' OR a.status = ''approved'' AND a.app_id IN (
                 SELECT c.app_id FROM devapp.credential c JOIN devapp.credential_product cp USING (credential_id)
                  WHERE cp.status = ''pending'' AND cp.removed_at IS NULL
                    AND devapp_internal.can_yet_work(c.status, c.expires_at)
                    AND (($1).product_id IS NULL OR cp.product_id = ($1).product_id)))'
        ELSE
            'devapp_internal.possible_status(''app'', a.status, ($2).action) IS NOT NULL'
        END
$$;

-- Products that an app waits for: all, or the one.
CREATE FUNCTION devapp_internal.pending_products(app_id uuid, product_id uuid) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT DISTINCT p.name
                   FROM devapp.credential c
                   JOIN devapp.credential_product cp USING (credential_id)
                   JOIN devapp.product p ON p.product_id = cp.product_id
                  WHERE c.app_id = pending_products.app_id
                    AND devapp_internal.can_yet_work(c.status, c.expires_at)
                    AND cp.status = 'pending'
                    AND cp.removed_at IS NULL
                    AND p.product_id = coalesce(pending_products.product_id, p.product_id)
                  ORDER BY p.name)
$$;

-- Credentials of apps that can get a new secret.
CREATE FUNCTION devapp_internal.bulk_credentials(app_ids uuid[]) RETURNS SETOF devapp.credential
    LANGUAGE plpgsql STABLE
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE 'SELECT c.* FROM devapp.credential c WHERE c.app_id = ANY ($1) AND ' || devapp_internal.live_condition()
           USING app_ids;
END
$$;

-- The apps that a job concerns, in order; all, or those among some.
CREATE FUNCTION devapp_internal.bulk_apps(job devapp.bulk_job, among uuid[] DEFAULT NULL) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_ids uuid[];
BEGIN
    EXECUTE concat_ws(E'\n   AND ',
                      E'SELECT array_agg(a.app_id ORDER BY a.app_id)\n  FROM devapp.app a\n WHERE a.status <> ''deleted''',
                      devapp_internal.filter_condition(job.apps), devapp_internal.bulk_condition(job),
                      CASE WHEN among IS NOT NULL THEN 'a.app_id = ANY ($3)' END)
       INTO found_ids USING job.apps, job, among;
    RETURN coalesce(found_ids, '{}');
END
$$;

-- Which products of a job some apps would get, lose, or have replaced.
CREATE FUNCTION devapp_internal.bulk_products(job devapp.bulk_job, app_ids uuid[])
    RETURNS TABLE (app_id uuid, product text, n bigint)
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_one devapp.bulk_job := job;
BEGIN
    FOR of_one.product_ids, product, n IN
        SELECT ARRAY[p.product_id], p.name, i.n
          FROM unnest(job.product_ids) WITH ORDINALITY AS i(product_id, n)
          JOIN devapp.product p ON p.product_id = i.product_id LOOP
        FOREACH app_id IN ARRAY devapp_internal.bulk_apps(of_one, app_ids) LOOP
            RETURN NEXT;
        END LOOP;
    END LOOP;
END
$$;

-- ---------- changing them ----------

-- Apps as they are, in the form of a result.
CREATE FUNCTION devapp_internal.bulk_describe(job devapp.bulk_job, app_ids uuid[]) RETURNS SETOF devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT a.app_id, a.name, coalesce(d.email, t.name),
           CASE job.action WHEN 'transfer' THEN coalesce(
               (SELECT n.email FROM devapp.developer n WHERE n.developer_id = job.developer_id),
               (SELECT n.name FROM devapp.team n WHERE n.team_id = job.team_id)) END,
           a.status, a.status, NULL::text, NULL::text,
           CASE WHEN job.action = 'approve' AND a.status = 'pending' THEN devapp_internal.pending_products(a.app_id, NULL)
                WHEN job.action = 'approve' AND a.status = 'approved' THEN devapp_internal.pending_products(a.app_id, (job.apps).product_id)
                ELSE b.products END,
           NULL::text[], NULL::uuid, NULL::text, NULL::text, NULL::timestamptz
      FROM devapp.app a
      LEFT JOIN devapp.developer d ON d.developer_id = a.developer_id
      LEFT JOIN devapp.team t ON t.team_id = a.team_id
      LEFT JOIN (SELECT p.app_id, array_agg(p.product ORDER BY p.n) AS products
                   FROM devapp_internal.bulk_products(job, app_ids) AS p
                  GROUP BY p.app_id) AS b ON b.app_id = a.app_id
     WHERE a.app_id = ANY (app_ids)
     ORDER BY a.app_id;
END
$$;

CREATE FUNCTION devapp_internal.bulk_set_status(job devapp.bulk_job, app_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- of an approved app, only what it waits for; of others, their trigger sees to that
    IF job.action = 'approve' THEN
        PERFORM devapp_internal.decide_waiting(
            ARRAY(SELECT a.app_id FROM devapp.app a WHERE a.app_id = ANY (app_ids) AND a.status = 'approved'),
            'approve', job.note, (job.apps).product_id);
    END IF;
    UPDATE devapp.app a
       SET status = devapp.next_status('app', a.status, job.action),
           decision_note = job.note
     WHERE a.app_id = ANY (app_ids)
       AND NOT (job.action = 'approve' AND a.status = 'approved');
END
$$;

-- The live credentials of an app that have a product get another, approved if that is: no key
-- stops working in between.  What was revoked stays so.
CREATE FUNCTION devapp_internal.take_over_product(the_app devapp.app, old_id uuid, new_id uuid, note text) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live uuid[] := ARRAY(SELECT c.credential_id FROM devapp_internal.live_credentials(the_app.app_id) AS c);
BEGIN
    INSERT INTO devapp.credential_product AS old
           (credential_id, product_id, status, decided_by, decided_at, decision_note)
    SELECT cp.credential_id, new_id, d.status,
           CASE WHEN d.status = 'approved' THEN devapp_internal.actor_name() END,
           CASE WHEN d.status = 'approved' THEN now() END,
           CASE WHEN d.status = 'approved' THEN note END
      FROM devapp.credential_product cp
     CROSS JOIN LATERAL (SELECT CASE the_app.status WHEN 'rejected' THEN 'pending' ELSE cp.status END AS status) AS d
     WHERE cp.credential_id = ANY (live)
       AND cp.product_id = old_id
       AND cp.removed_at IS NULL
       AND cp.status <> 'revoked'
    ON CONFLICT (credential_id, product_id) WHERE removed_at IS NULL DO UPDATE
       SET status = EXCLUDED.status, decision_note = EXCLUDED.decision_note
     WHERE old.status = 'pending' AND EXCLUDED.status = 'approved';
END
$$;

-- Makes the change of products of one app, which is told the names of those that change.
CREATE FUNCTION devapp_internal.bulk_change_products(job devapp.bulk_job, app_id uuid, products text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    product text;
BEGIN
    IF job.action = 'replace_product' THEN
        PERFORM devapp_internal.set_note(job.note);
        PERFORM devapp_internal.take_over_product(a, job.product_ids[1], job.replacement_id, job.note)
           FROM devapp.app a WHERE a.app_id = bulk_change_products.app_id;
    END IF;
    FOREACH product IN ARRAY products LOOP
        IF job.action = 'add_products' THEN
            PERFORM devapp_internal.add_app_product(bulk_change_products.app_id, product, job.note);
        ELSE
            PERFORM devapp_internal.remove_app_product(bulk_change_products.app_id, product, job.note);
        END IF;
    END LOOP;
END
$$;

CREATE FUNCTION devapp_internal.bulk_change_apps(job devapp.bulk_job, app_ids uuid[]) RETURNS SETOF devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before devapp.bulk_outcome[] := ARRAY(SELECT d FROM devapp_internal.bulk_describe(job, app_ids) AS d);
    one devapp.bulk_outcome;
BEGIN
    IF job.action = 'transfer' THEN
        PERFORM devapp_internal.transfer_apps(app_ids, job.developer_id, job.team_id, job.note);
    ELSIF job.product_ids IS NOT NULL THEN
        PERFORM devapp_internal.bulk_change_products(job, b.app_id, b.products) FROM unnest(before) AS b;
    ELSE
        PERFORM devapp_internal.bulk_set_status(job, app_ids);
    END IF;
    FOREACH one IN ARRAY before LOOP
        one.outcome := job.done;
        one.new_status := (SELECT a.status FROM devapp.app a WHERE a.app_id = one.app_id);
        one.pending_products := CASE WHEN one.products IS NOT NULL THEN devapp_internal.pending_products(one.app_id, NULL) END;
        RETURN NEXT one;
    END LOOP;
END
$$;

-- The credentials of a chunk, locked in its order: that of their apps, which bulk_apply() has
-- locked, and of their ids.  One that is gone is refused as find_credential() refuses it.
CREATE FUNCTION devapp_internal.lock_units(credential_ids uuid[]) RETURNS devapp.credential[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_rows devapp.credential[];
BEGIN
    found_rows := ARRAY(SELECT c FROM devapp.credential c
                         WHERE c.credential_id = ANY (credential_ids) AND c.deleted_at IS NULL
                         ORDER BY c.app_id, c.credential_id
                           FOR NO KEY UPDATE);
    IF cardinality(found_rows) < cardinality(credential_ids) THEN
        PERFORM devapp_internal.find_credential(u) FROM unnest(credential_ids) AS u;
    END IF;
    RETURN found_rows;
END
$$;

-- The same for a chunk as rotate_secret() for one credential, in as many statements.
CREATE FUNCTION devapp_internal.rotate_units(job devapp.bulk_job, credential_ids uuid[]) RETURNS SETOF devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ends_at constant timestamptz := devapp_internal.require_overlap(job.overlap);
    at_once constant boolean := ends_at = now();
    the_credentials constant devapp.credential[] := devapp_internal.lock_units(credential_ids);
    ids constant uuid[] := ARRAY(SELECT c.credential_id FROM unnest(the_credentials) AS c);
    described devapp.bulk_outcome[];
    issued devapp.issued_credential;
    one devapp.bulk_outcome;
    n integer := 0;
BEGIN
    PERFORM devapp_internal.set_note(job.note);
    -- asked of those that something speaks against; they are refused in its words
    PERFORM devapp_internal.require_rotatable(c, at_once)
       FROM unnest(the_credentials) AS c
      WHERE c.status <> 'approved' OR c.expires_at <= clock_timestamp()
         OR EXISTS (SELECT FROM devapp.credential r WHERE r.replaces = c.credential_id)
         OR NOT at_once AND EXISTS (SELECT FROM devapp_internal.overlapping_secret(c.credential_id));
    described := ARRAY(SELECT d FROM unnest(the_credentials) WITH ORDINALITY AS c
                         JOIN devapp_internal.bulk_describe(job, ARRAY(SELECT DISTINCT x.app_id FROM unnest(the_credentials) AS x)) AS d
                           ON d.app_id = c.app_id
                        ORDER BY c.ordinality);
    FOREACH issued IN ARRAY devapp_internal.issue_secrets(ids, devapp_internal.supersede_secrets(the_credentials, ends_at)) LOOP
        n := n + 1;
        one := described[n];
        one.outcome := job.done;
        one.credential_id := issued.credential_id;
        one.consumer_key := issued.consumer_key;
        one.secret := issued.secret;
        one.previous_valid_until := issued.previous_valid_until;
        RETURN NEXT one;
    END LOOP;
    PERFORM devapp_internal.set_note(NULL);
END
$$;

-- What is said of a unit that failed.
CREATE FUNCTION devapp_internal.bulk_failure(job devapp.bulk_job, unit uuid, message text) RETURNS devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one devapp.bulk_outcome;
    the_credential devapp.credential;
BEGIN
    SELECT * INTO the_credential FROM devapp.credential c WHERE c.credential_id = unit AND job.action = 'rotate';
    SELECT * INTO one FROM devapp_internal.bulk_describe(job, ARRAY[coalesce(the_credential.app_id, unit)]);
    one.outcome := 'failed';
    one.error := message;
    one.products := NULL;
    one.credential_id := the_credential.credential_id;
    one.consumer_key := the_credential.consumer_key;
    RETURN one;
END
$$;

-- A chunk; in halves if it fails as a whole.  What is no app's fault (a deadlock, a full
-- disk, a shutdown) ends the whole action.
CREATE FUNCTION devapp_internal.bulk_chunk(job devapp.bulk_job, units uuid[]) RETURNS SETOF devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    half integer := cardinality(units) / 2;
    outcomes devapp.bulk_outcome[];
    one devapp.bulk_outcome;
    state text;
    message text;
BEGIN
    BEGIN
        IF job.action = 'rotate' THEN
            outcomes := ARRAY(SELECT o FROM devapp_internal.rotate_units(job, units) AS o);
        ELSE
            outcomes := ARRAY(SELECT o FROM devapp_internal.bulk_change_apps(job, units) AS o);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
        IF left(state, 2) IN ('40', '53', '57', '58') THEN
            RAISE;
        END IF;
    END;
    IF state IS NULL THEN
        FOREACH one IN ARRAY outcomes LOOP
            RETURN NEXT one;
        END LOOP;
    ELSIF half = 0 THEN
        RETURN NEXT devapp_internal.bulk_failure(job, units[1], message);
    ELSE
        FOR one IN SELECT * FROM devapp_internal.bulk_chunk(job, units[:half]) LOOP
            RETURN NEXT one;
        END LOOP;
        FOR one IN SELECT * FROM devapp_internal.bulk_chunk(job, units[half + 1:]) LOOP
            RETURN NEXT one;
        END LOOP;
    END IF;
END
$$;

-- Rows with secrets that do not fit into memory would be written to temporary files.
CREATE FUNCTION devapp_internal.require_memory(credentials bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bytes_a_row constant integer := 2048;
    most bigint := pg_size_bytes(current_setting('work_mem')) / bytes_a_row;
BEGIN
    IF credentials > most THEN
        RAISE EXCEPTION 'cannot rotate % credentials at once: their secrets would not fit into memory', credentials
            USING ERRCODE = 'program_limit_exceeded',
                  DETAIL = format('At work_mem = %s up to %s fit. More would be written to temporary files.',
                                  current_setting('work_mem'), most),
                  HINT = 'Use a narrower filter (app_ids takes any chunk of apps), or raise work_mem.';
    END IF;
END
$$;

CREATE FUNCTION devapp_internal.bulk_units(job devapp.bulk_job, app_ids uuid[]) RETURNS uuid[]
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    units uuid[] := app_ids;
BEGIN
    IF job.action = 'rotate' THEN
        units := ARRAY(SELECT c.credential_id FROM devapp_internal.bulk_credentials(app_ids) AS c
                        ORDER BY c.app_id, c.credential_id);
        PERFORM devapp_internal.require_memory(cardinality(units));
    END IF;
    RETURN units;
END
$$;

-- Locks what a job gives to apps, which may have been deleted since the job was made.
CREATE FUNCTION devapp_internal.lock_bulk_target(job devapp.bulk_job) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing integer := num_nonnulls(job.developer_id, job.team_id, job.replacement_id)
                       + cardinality(coalesce(job.product_ids, '{}'));
    alive integer;
BEGIN
    PERFORM FROM devapp.developer d WHERE d.developer_id = job.developer_id AND d.deleted_at IS NULL FOR SHARE;
    GET DIAGNOSTICS alive = ROW_COUNT;
    missing := missing - alive;
    PERFORM FROM devapp.team t WHERE t.team_id = job.team_id AND t.deleted_at IS NULL FOR SHARE;
    GET DIAGNOSTICS alive = ROW_COUNT;
    missing := missing - alive;
    PERFORM FROM devapp.product p
      WHERE p.product_id = ANY (array_append(job.product_ids, job.replacement_id)) AND p.deleted_at IS NULL
      ORDER BY p.product_id FOR SHARE;
    GET DIAGNOSTICS alive = ROW_COUNT;
    missing := missing - alive;
    IF missing > 0 THEN
        RAISE EXCEPTION '% no longer exists',
                        CASE job.action WHEN 'transfer' THEN 'the new owner' ELSE 'a product of this run' END
            USING ERRCODE = 'undefined_object',
                  HINT = 'Cancel the run with devapp.cancel_bulk, and start another.';
    END IF;
END
$$;

-- Makes the change to those of some apps that it (still) concerns.
CREATE FUNCTION devapp_internal.bulk_apply(job devapp.bulk_job, app_ids uuid[]) RETURNS SETOF devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chunk_size constant integer := 100;
    still uuid[];
    units uuid[];
    one devapp.bulk_outcome;
BEGIN
    PERFORM devapp_internal.lock_bulk_target(job);
    PERFORM FROM devapp.app a WHERE a.app_id = ANY (app_ids) ORDER BY a.app_id FOR NO KEY UPDATE;
    still := devapp_internal.bulk_apps(job, app_ids);
    FOR one IN SELECT * FROM devapp_internal.bulk_describe(job, ARRAY(SELECT unnest(app_ids) EXCEPT SELECT unnest(still))) LOOP
        one.outcome := 'skipped';
        one.error := 'changed meanwhile: the app no longer matches';
        one.products := NULL;
        RETURN NEXT one;
    END LOOP;
    units := devapp_internal.bulk_units(job, still);
    FOR start IN 1 .. cardinality(units) BY chunk_size LOOP
        FOR one IN SELECT * FROM devapp_internal.bulk_chunk(job, units[start : start + chunk_size - 1]) LOOP
            RETURN NEXT one;
        END LOOP;
    END LOOP;
END
$$;

-- A whole action.  A dry run is the same in a subtransaction that is rolled back; the rows
-- that it returned before are not.
CREATE FUNCTION devapp_internal.run_bulk_action(
    action text, app_ids devapp.app_ref[], filter jsonb, arguments jsonb, note text, dry_run boolean
)
    RETURNS SETOF devapp.bulk_outcome
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job devapp.bulk_job;
    dry constant boolean := coalesce(dry_run, true);
    one devapp.bulk_outcome;
BEGIN
    job := devapp_internal.make_bulk_job(action, app_ids, filter, arguments, note);
    FOR one IN SELECT * FROM devapp_internal.bulk_apply(job, devapp_internal.bulk_apps(job)) LOOP
        IF dry THEN
            one.secret := NULL;
        END IF;
        RETURN NEXT one;
    END LOOP;
    IF dry THEN
        RAISE EXCEPTION 'dry run' USING ERRCODE = 'DVDRY';
    END IF;
EXCEPTION WHEN SQLSTATE 'DVDRY' THEN
    RETURN;
END
$$;
