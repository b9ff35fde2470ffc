-- An audit trail of :rows events, 1000 of each app.
\set ON_ERROR_STOP on
SELECT FROM devapp.maintain_audit();
INSERT INTO devapp.audit_event
SELECT e.event_id, e.occurred_at, e.actor, e.db_role, e.client_addr, e.transaction_id, e.action, e.entity, e.entity_id, e.app_id,
       e.developer_id, e.team_id, e.before, e.after, e.note, devapp_internal.audit_leaf_hash(e::devapp.audit_event)
  FROM (SELECT nextval('devapp.audit_event_id_seq') AS event_id, clock_timestamp() AS occurred_at, 'dev' || i % 1000 || '@example.com' AS actor,
               'devapp_admin' AS db_role, '192.0.2.1'::inet AS client_addr, pg_current_xact_id() AS transaction_id, 'update' AS action,
               'app' AS entity, id::text AS entity_id, id AS app_id, NULL::uuid AS developer_id, NULL::uuid AS team_id,
               jsonb_build_object('description', 'before ' || i) AS before, jsonb_build_object('description', 'after ' || i) AS after,
               NULL::text AS note, ''::bytea AS leaf_hash
          FROM generate_series(1, :rows) AS i,
               LATERAL (SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(101 + i % (:rows / 1000)), 12, '0'))::uuid AS id) AS app) AS e;
ANALYZE devapp.audit_event;
