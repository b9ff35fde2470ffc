-- The lifecycles; src/status_core.c has the table.

CREATE FUNCTION devapp.next_status(entity text, status text, action text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_next_status';
SELECT devapp_internal.grant_to('devapp.next_status', 'admin');

CREATE FUNCTION devapp._possible_status(entity text, status text, action text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_possible_status';
SELECT devapp_internal.grant_to('devapp._possible_status', 'admin');

CREATE FUNCTION devapp._status_exists(entity text, status text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_status_exists';
SELECT devapp_internal.grant_to('devapp._status_exists', 'admin');

CREATE FUNCTION devapp.guard_status() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_status';
CREATE FUNCTION devapp.guard_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_row';
CREATE FUNCTION devapp.guard_immutable() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_immutable';
CREATE FUNCTION devapp.guard_delete() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_delete';

COMMENT ON FUNCTION devapp.next_status(text, text, text) IS
    'Status of an app, credential, credential_product, developer or team after an action; an error if the action is not possible there';
COMMENT ON FUNCTION devapp._possible_status(text, text, text) IS 'Internal: status after an action, null if it is not possible';
COMMENT ON FUNCTION devapp._status_exists(text, text) IS 'Internal: is there such a status?';
COMMENT ON FUNCTION devapp.guard_status() IS 'Trigger: a status changes only by a step of its lifecycle';
COMMENT ON FUNCTION devapp.guard_row() IS 'Trigger: column values obey their rules';
COMMENT ON FUNCTION devapp.guard_immutable() IS 'Trigger: columns that are fixed when the row is made';
COMMENT ON FUNCTION devapp.guard_delete() IS 'Trigger: rows with a history stay';
