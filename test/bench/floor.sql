\set ON_ERROR_STOP on
-- What a credential costs without devapp: the rows that issue_credential() and create_app() leave,
-- written to the same tables, with their indexes, constraints and foreign keys, by plain INSERTs whose
-- plans are kept.  devapp's triggers are off, so nothing is decided, digested or told, and whatever is
-- written is made up.  After check.sql.
CREATE TABLE bench.event AS
SELECT DISTINCT ON (e.entity) e.* FROM devapp.audit_event e
 WHERE e.action = 'create' AND e.entity IN ('app', 'credential', 'credential_secret', 'credential_product') ORDER BY e.entity, e.event_id;
CREATE TABLE bench.body AS
SELECT DISTINCT ON (p.kind) p.kind, p.body FROM devapp_internal.packed_row p ORDER BY p.kind, p.item;

SELECT format('ALTER TABLE %s DISABLE TRIGGER USER', t)
  FROM unnest('{devapp.app,devapp.credential,devapp.credential_secret,devapp.credential_product,devapp.audit_event_default,devapp_internal.packed_row}'::text[]) AS t \gexec

CREATE FUNCTION bench.write_app(i bigint, owner uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    id uuid := devapp.uuid_v7();
BEGIN
    INSERT INTO devapp.app (app_id, developer_id, name, status) VALUES (id, owner, 'floor' || i, 'approved');
    RETURN id;
END
$$;

CREATE FUNCTION bench.write_credential(i bigint, app uuid, product uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    key text := 'dvk_live_' || lpad(i::text, 12, '0');
    id uuid := devapp.uuid_v7();
    secret uuid := devapp.uuid_v7();
BEGIN
    INSERT INTO devapp.credential (credential_id, app_id, consumer_key) VALUES (id, app, key);
    INSERT INTO devapp.credential_product (credential_id, product_id, status, decided_by, decided_at) VALUES (id, product, 'approved', 'auto', now());
    INSERT INTO devapp.credential_secret (secret_id, credential_id, version, purpose, digest, scheme)
    VALUES (secret, id, 1, 'api_key', ('blake2b:0:' || encode(sha256(key::bytea), 'hex'))::devapp.secret_digest, 'blake2b');
    INSERT INTO devapp_internal.packed_row (subject, kind, item, body) SELECT id, b.kind, id, b.body FROM bench.body b WHERE b.kind IN ('C', 's', 'p');
    RETURN id;
END
$$;

CREATE FUNCTION bench.write_events(entities text[], app uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO devapp.audit_event_default (event_id, occurred_at, actor, db_role, client_addr, transaction_id, action, entity, entity_id, app_id, developer_id, before, after, leaf_hash)
    SELECT nextval('devapp.audit_event_id_seq'), clock_timestamp(), e.actor, e.db_role, e.client_addr, pg_current_xact_id(), e.action, e.entity, devapp.uuid_v7()::text,
           app, e.developer_id, e.before, e.after, e.leaf_hash
      FROM bench.event e WHERE e.entity = ANY (entities);
END
$$;

CREATE FUNCTION bench.issue_bare(i bigint, app uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bench.write_credential(i, app, (SELECT product_id FROM devapp.product WHERE name = 'orders'));
    PERFORM bench.write_events('{credential,credential_secret,credential_product}', app);
END
$$;

CREATE FUNCTION bench.create_bare(i bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    app uuid := bench.write_app(i, (SELECT developer_id FROM devapp.developer LIMIT 1));
BEGIN
    PERFORM bench.write_credential(10000 + i, app, (SELECT product_id FROM devapp.product WHERE name = 'orders'));
    INSERT INTO devapp_internal.packed_row (subject, kind, item, body) SELECT app, b.kind, app, b.body FROM bench.body b WHERE b.kind = 'A';
    PERFORM bench.write_events('{app,credential,credential_secret,credential_product}', app);
END
$$;
VACUUM ANALYZE;
