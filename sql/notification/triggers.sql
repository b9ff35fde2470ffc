-- What happens to apps, credentials and associations is told: the triggers that
-- write the outbox, in the transaction of what happened.
--
-- One thing that happened is one notification.  What follows an app's decision is
-- told by the app's: associations that were decided in the transaction of their app,
-- credentials that were revoked with it.  What was made, or handed in again, and
-- decided in one transaction is told to nobody: who did it knows.
--
-- A submission is told at commit, when the app has its products and it is known
-- whether it still waits.  All other triggers come after follow_app_status, by the
-- order of their names.
--
-- They run with their owner's rights, see sql/notification/recipient.sql, and serve the
-- tables of devapp only.  While a dump is being restored there is nothing to tell.

CREATE FUNCTION devapp_internal.require_own_table(relation oid) RETURNS void
    LANGUAGE c STRICT
    AS 'MODULE_PATHNAME', 'devapp_require_own_table';

CREATE FUNCTION devapp_internal.notify_app_submitted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    app devapp.app;
    products record;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    SELECT * INTO app FROM devapp.app a WHERE a.app_id = NEW.app_id AND a.status = 'pending';
    IF FOUND THEN
        products := devapp_internal.app_products(app.app_id, 'pending');
        PERFORM devapp_internal.queue_notification('app_submitted', app, NULL, NULL,
                                           devapp_internal.approver_contact(products.ids, app.developer_id, app.team_id),
                                           jsonb_build_object('products', products.names, 'note', NEW.decision_note));
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION devapp_internal.notify_app_decided() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    products record;
    details jsonb;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    details := jsonb_build_object('note', NEW.decision_note);
    -- made, or handed in again, in this transaction
    IF NEW.created_at = now() OR OLD.status = 'pending' AND OLD.decided_at = now() THEN
        RETURN NULL;
    END IF;
    IF NEW.status = 'approved' THEN
        products := devapp_internal.app_products(NEW.app_id, 'approved');
        details := details || jsonb_build_object('products', products.names);
    END IF;
    PERFORM devapp_internal.queue_notification(CASE WHEN OLD.status = 'suspended' AND NEW.status = 'approved' THEN 'app_resumed'
                                            ELSE 'app_' || NEW.status END,
                                       NEW, NULL, NULL, NULL, details);
    RETURN NULL;
END
$$;

-- Both owners are told; who has it now stands before who had it.
CREATE FUNCTION devapp_internal.notify_app_transferred() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    previous record;
    recipients jsonb;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    SELECT o.owner, o.recipients INTO previous FROM devapp_internal.owner_contact(OLD.developer_id, OLD.team_id, false, NULL) AS o;
    SELECT o.recipients INTO recipients FROM devapp_internal.owner_contact(NEW.developer_id, NEW.team_id, false, NULL) AS o;
    SELECT recipients || coalesce(jsonb_agg(r || '{"why": "previous_owner"}'), '[]') INTO recipients
      FROM jsonb_array_elements(previous.recipients) AS r
     WHERE NOT recipients @> jsonb_build_array(r - 'why');
    PERFORM devapp_internal.queue_notification('app_transferred', NEW, NULL, NULL, recipients,
                                       jsonb_build_object('previous_owner', previous.owner, 'note', devapp_internal.current_note()));
    RETURN NULL;
END
$$;

CREATE FUNCTION devapp_internal.notify_credential_decided() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    app devapp.app;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    SELECT * INTO STRICT app FROM devapp.app a WHERE a.app_id = NEW.app_id;
    -- the report of a leak tells of the revocation, too
    IF app.status = 'deleted'
       OR NEW.status = 'compromised' AND EXISTS (SELECT FROM devapp.leak l WHERE l.credential_id = NEW.credential_id AND l.reported_at = now()) THEN
        RETURN NULL;
    END IF;
    PERFORM devapp_internal.queue_notification(CASE NEW.status WHEN 'approved' THEN 'credential_approved' ELSE 'credential_revoked' END,
                                       app, NEW, NULL, NULL,
                                       jsonb_build_object('note', NEW.decision_note,
                                                          'compromised', CASE WHEN NEW.status = 'compromised' THEN true END));
    RETURN NULL;
END
$$;

-- A version after the first is a rotation.  Many are told of in one go: a bulk rotation makes
-- as many secrets in one statement.
CREATE FUNCTION devapp_internal.notify_credential_rotated() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    INSERT INTO devapp.notification (event, app_id, credential_id, recipients, payload)
    SELECT 'credential_rotated', a.app_id, c.credential_id, o.recipients,
           jsonb_strip_nulls(devapp_internal.app_payload(a.name, a.display_name, a.status, o.owner)
                             || devapp_internal.credential_payload(c.consumer_key, c.environment, c.expires_at)
                             -- mostly of the version before; not where a rotation was cancelled
                             || jsonb_build_object('version', m.version, 'previous_valid_until', coalesce(
                                    (SELECT s.valid_until
                                       FROM devapp.credential_secret s
                                      WHERE s.credential_id = c.credential_id AND s.version = m.version - 1 AND s.superseded_at = m.valid_from),
                                    (SELECT s.valid_until
                                       FROM devapp.credential_secret s
                                      WHERE s.credential_id = c.credential_id AND s.superseded_at IS NOT NULL
                                      ORDER BY s.superseded_at DESC, s.version DESC
                                      LIMIT 1))))
      FROM made m
      JOIN devapp.credential c ON c.credential_id = m.credential_id
      JOIN devapp.app a ON a.app_id = c.app_id
     -- OFFSET 0: what is asked of the owner is asked once, not once for each place where it is used
     CROSS JOIN LATERAL (SELECT * FROM devapp_internal.owner_contact(a.developer_id, a.team_id, true, c.environment) OFFSET 0) AS o
     WHERE m.version > 1 AND o.recipients <> '[]'
     ORDER BY m.secret_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION devapp_internal.notify_product_submitted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    credential devapp.credential;
    app devapp.app;
    product text;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    SELECT p.name INTO product
      FROM devapp.credential_product cp
      JOIN devapp.product p ON p.product_id = cp.product_id
     WHERE cp.ordinal = NEW.ordinal AND cp.status = 'pending' AND cp.removed_at IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO STRICT credential FROM devapp.credential c WHERE c.credential_id = NEW.credential_id;
    SELECT * INTO STRICT app FROM devapp.app a WHERE a.app_id = credential.app_id;
    -- the app's own submission tells about it, now or when it is handed in again
    IF app.status = 'rejected' OR app.status = 'pending' AND now() IN (app.created_at, app.decided_at) THEN
        RETURN NULL;
    END IF;
    PERFORM devapp_internal.queue_notification('product_submitted', app, credential, NEW.product_id,
                                       devapp_internal.approver_contact(ARRAY[NEW.product_id], app.developer_id, app.team_id),
                                       jsonb_build_object('product', product));
    RETURN NULL;
END
$$;

CREATE FUNCTION devapp_internal.notify_product_decided() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    credential devapp.credential;
    app devapp.app;
    product text;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    SELECT * INTO STRICT credential FROM devapp.credential c WHERE c.credential_id = NEW.credential_id;
    SELECT * INTO STRICT app FROM devapp.app a WHERE a.app_id = credential.app_id;
    -- an app that is approved because its last product was refused does not tell of that
    IF NEW.created_at = now() OR app.created_at = now()
       OR app.decided_at = now() AND NOT (NEW.status = 'revoked' AND app.status = 'approved') THEN
        RETURN NULL;
    END IF;
    SELECT p.name INTO STRICT product FROM devapp.product p WHERE p.product_id = NEW.product_id;
    PERFORM devapp_internal.queue_notification('product_' || NEW.status, app, credential, NEW.product_id, NULL,
                                       jsonb_build_object('product', product, 'note', NEW.decision_note));
    RETURN NULL;
END
$$;

-- What a developer is told of himself.
CREATE FUNCTION devapp_internal.notify_person(event text, developer devapp.developer, why text, payload jsonb) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO devapp.notification (event, recipients, payload)
    VALUES (notify_person.event,
            jsonb_build_array(devapp_internal.make_recipient('developer', (developer).email,
                                                     devapp_internal.person_name((developer).first_name, (developer).last_name, (developer).user_name),
                                                     notify_person.why, (developer).developer_id)),
            jsonb_strip_nulls(notify_person.payload))
$$;

-- Activation is told as well: somebody who registered may have waited for it.
CREATE FUNCTION devapp_internal.notify_developer_status() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    PERFORM devapp_internal.notify_person(CASE NEW.status WHEN 'active' THEN 'developer_activated' ELSE 'developer_deactivated' END, NEW, 'developer',
                                  jsonb_build_object('developer', NEW.email, 'note', NEW.decision_note));
    RETURN NULL;
END
$$;

-- Who joined by himself knows.
CREATE FUNCTION devapp_internal.notify_member_added() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    member devapp.developer;
    team devapp.team;
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    SELECT * INTO member FROM devapp.developer d
     WHERE d.developer_id = NEW.developer_id AND d.status = 'active' AND d.deleted_at IS NULL;
    IF NOT FOUND OR member.developer_id = devapp_internal.current_developer_id() THEN
        RETURN NULL;
    END IF;
    SELECT * INTO STRICT team FROM devapp.team t WHERE t.team_id = NEW.team_id;
    PERFORM devapp_internal.notify_person('team_member_added', member, 'member',
                                  jsonb_build_object('team', team.name, 'display_name', team.display_name, 'role', NEW.role, 'added_by', devapp.actor()));
    RETURN NULL;
END
$$;

-- Nobody is reminded of a credential that was replaced, or does not work any more.  One
-- that a worker has in hand is not tried again.  If the credential is approved again, what is due
-- is queued again.
CREATE FUNCTION devapp_internal.forget_reminders() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    DELETE FROM devapp.notification n
     WHERE n.dedupe_key IN (SELECT devapp_internal.expiring_key(CASE TG_OP WHEN 'INSERT' THEN NEW.replaces ELSE NEW.credential_id END, x.days)
                              FROM unnest(devapp_internal.reminder_days()) AS x(days))
       AND n.status = 'pending';
    RETURN NULL;
END
$$;

-- The payload is the same for all notifications of a transaction, and PostgreSQL
-- sends equal ones once.
CREATE FUNCTION devapp_internal.signal_notifications() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    IF devapp_internal.setting('notify') = 'on' AND devapp_internal.setting('restoring') = 'off'
       AND EXISTS (SELECT FROM queued) THEN
        PERFORM pg_notify('devapp', jsonb_build_object('transaction_id', pg_current_xact_id()::text)::text);
    END IF;
    RETURN NULL;
END
$$;

-- That nothing is being restored is asked in as_owner(), and so is what concerns few new rows:
-- PostgreSQL reads each condition anew for each statement.  Deferred triggers have their
-- conditions here, because each event that is queued for the commit costs more than that.
CREATE CONSTRAINT TRIGGER notify_app_submitted AFTER INSERT ON devapp.app
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.status = 'pending')
    EXECUTE FUNCTION devapp_internal.as_owner('notify_app_submitted', 'unless restoring');
CREATE CONSTRAINT TRIGGER notify_app_resubmitted AFTER UPDATE OF status ON devapp.app
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status = 'pending')
    EXECUTE FUNCTION devapp_internal.as_owner('notify_app_submitted', 'unless restoring');
CREATE TRIGGER notify_app_decided AFTER UPDATE OF status ON devapp.app FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.status <> 'pending')
    EXECUTE FUNCTION devapp_internal.as_owner('notify_app_decided', 'unless restoring');
CREATE TRIGGER notify_app_transferred AFTER UPDATE OF developer_id, team_id ON devapp.app FOR EACH ROW
    WHEN ((OLD.developer_id, OLD.team_id) IS DISTINCT FROM (NEW.developer_id, NEW.team_id))
    EXECUTE FUNCTION devapp_internal.as_owner('notify_app_transferred', 'unless restoring');
CREATE TRIGGER notify_developer_status AFTER UPDATE OF status ON devapp.developer FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION devapp_internal.as_owner('notify_developer_status', 'unless restoring');
CREATE TRIGGER notify_member_added AFTER INSERT ON devapp.team_member FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.as_owner('notify_member_added', 'unless restoring');
CREATE TRIGGER forget_reminders_replaced AFTER INSERT ON devapp.credential FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.as_owner('forget_reminders', 'unless restoring', 'replaces');
CREATE TRIGGER forget_reminders_ended AFTER UPDATE OF status ON devapp.credential FOR EACH ROW
    WHEN (OLD.status = 'approved' AND NEW.status <> 'approved')
    EXECUTE FUNCTION devapp_internal.as_owner('forget_reminders', 'unless restoring');
CREATE TRIGGER notify_credential_decided AFTER UPDATE OF status ON devapp.credential FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION devapp_internal.as_owner('notify_credential_decided', 'unless restoring');
CREATE TRIGGER notify_credential_rotated AFTER INSERT ON devapp.credential_secret
    REFERENCING NEW TABLE AS made FOR EACH STATEMENT
    EXECUTE FUNCTION devapp_internal.as_owner('notify_credential_rotated', 'unless restoring', 'version>1');
CREATE CONSTRAINT TRIGGER notify_product_submitted AFTER INSERT ON devapp.credential_product
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.status = 'pending')
    EXECUTE FUNCTION devapp_internal.as_owner('notify_product_submitted', 'unless restoring');
CREATE TRIGGER notify_product_decided AFTER UPDATE OF status ON devapp.credential_product FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status AND NEW.removed_at IS NULL)
    EXECUTE FUNCTION devapp_internal.as_owner('notify_product_decided', 'unless restoring');

CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.notification FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('event:in app_submitted app_approved app_rejected app_suspended app_resumed app_revoked app_deleted app_transferred product_submitted product_approved product_revoked credential_approved credential_revoked credential_rotated credential_expiring rotation_overdue quota_nearly_used quota_used_up team_invited team_member_added developer_activated developer_deactivated developer_registered key_leaked',
                                      'status:in pending leased done dead', 'worker:text');
CREATE TRIGGER signal_notifications AFTER INSERT ON devapp.notification
    REFERENCING NEW TABLE AS queued FOR EACH STATEMENT EXECUTE FUNCTION devapp_internal.as_owner('signal_notifications');

-- ---------- addresses ----------

-- A team that is deleted has no addresses.  As the owner of the tables: who deletes a team need
-- have no right to this one.
CREATE FUNCTION devapp_internal.forget_recipients() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM devapp_internal.require_own_table(TG_RELID);
    DELETE FROM devapp.notification_recipient r WHERE r.team_id = NEW.team_id;
    RETURN NULL;
END
$$;

CREATE TRIGGER forget_recipients AFTER UPDATE OF deleted_at ON devapp.team FOR EACH ROW
    WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION devapp_internal.as_owner('forget_recipients');

CREATE TRIGGER guard_immutable BEFORE UPDATE ON devapp.notification_recipient FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_immutable('recipient_id', 'name', 'team_id', 'role_name', 'created_at');
CREATE TRIGGER guard_row BEFORE INSERT OR UPDATE ON devapp.notification_recipient FOR EACH ROW
    EXECUTE FUNCTION devapp_internal.guard_row('name:name', 'role_name:identifier', 'email:optional_email', 'webhook_url:webhook_url');
CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON devapp.notification_recipient
    EXECUTE FUNCTION devapp_internal.guard_delete('Use devapp.remove_notification_recipient.');
