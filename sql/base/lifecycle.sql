-- The lifecycles; src/model/lifecycle_core.c has the table.

CREATE FUNCTION devapp.next_status(entity text, status text, action text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_next_status';
COMMENT ON FUNCTION devapp.next_status(text, text, text) IS
    'Status of an entity, such as app, after an action; an error if the status does not allow the action';
SELECT devapp_internal.grant_to('devapp.next_status', 'admin');

CREATE FUNCTION devapp_internal.possible_status(entity text, status text, action text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_possible_status';

CREATE FUNCTION devapp_internal.status_exists(entity text, status text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_status_exists';

-- Calls the trigger function of devapp_internal that its first argument names, with the
-- rights of that function's owner; see src/base/entry.c.
CREATE FUNCTION devapp_internal.as_owner() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_as_owner';

CREATE FUNCTION devapp_internal.guard_status() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_status';
CREATE FUNCTION devapp_internal.guard_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_row';
CREATE FUNCTION devapp_internal.guard_immutable() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_immutable';
CREATE FUNCTION devapp_internal.guard_secret() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_secret';
CREATE FUNCTION devapp_internal.guard_delete() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'devapp_guard_delete';
