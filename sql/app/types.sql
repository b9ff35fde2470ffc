-- How a person names an app: by its id, or as owner/name.  The text is kept as it was typed, and
-- the function that takes it resolves it when it runs, with the rights of who acts
-- (sql/identity/reference.sql): a type that looked the app up when it is read would freeze the
-- answer in a plan.

CREATE TYPE devapp.app_ref;

CREATE FUNCTION devapp.app_ref_in(cstring) RETURNS devapp.app_ref
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
SELECT devapp_internal.grant_to('devapp.app_ref_in', 'admin', 'developer');
CREATE FUNCTION devapp.app_ref_out(devapp.app_ref) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
SELECT devapp_internal.grant_to('devapp.app_ref_out', 'admin', 'developer');
CREATE FUNCTION devapp.app_ref_recv(internal) RETURNS devapp.app_ref
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
SELECT devapp_internal.grant_to('devapp.app_ref_recv', 'admin', 'developer');
CREATE FUNCTION devapp.app_ref_send(devapp.app_ref) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
SELECT devapp_internal.grant_to('devapp.app_ref_send', 'admin', 'developer');

CREATE TYPE devapp.app_ref (
    INPUT = devapp.app_ref_in,
    OUTPUT = devapp.app_ref_out,
    RECEIVE = devapp.app_ref_recv,
    SEND = devapp.app_ref_send,
    LIKE = text
);
COMMENT ON TYPE devapp.app_ref IS
    'Reference to an app: its id or owner/name; owner is an e-mail address or team:NAME (%2F is /, %25 is %)';
SELECT devapp_internal.grant_on('TYPE', 'devapp.app_ref', 'USAGE', 'admin', 'developer');

CREATE CAST (text AS devapp.app_ref) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (varchar AS devapp.app_ref) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (uuid AS devapp.app_ref) WITH INOUT AS IMPLICIT;
