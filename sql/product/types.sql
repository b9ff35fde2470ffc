-- A URI pattern of a product.  Stored as text, so that text's operators and
-- indexes serve it; only what goes in is checked.

CREATE TYPE devapp.resource_pattern;

CREATE FUNCTION devapp.resource_pattern_in(cstring) RETURNS devapp.resource_pattern
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_resource_pattern_in';
SELECT devapp_internal.grant_to('devapp.resource_pattern_in', 'admin');
CREATE FUNCTION devapp.resource_pattern_out(devapp.resource_pattern) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_resource_pattern_out';
SELECT devapp_internal.grant_to('devapp.resource_pattern_out', 'admin');
CREATE FUNCTION devapp.resource_pattern_recv(internal) RETURNS devapp.resource_pattern
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_resource_pattern_recv';
SELECT devapp_internal.grant_to('devapp.resource_pattern_recv', 'admin');
CREATE FUNCTION devapp.resource_pattern_send(devapp.resource_pattern) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_resource_pattern_send';
SELECT devapp_internal.grant_to('devapp.resource_pattern_send', 'admin');

CREATE TYPE devapp.resource_pattern (
    INPUT = devapp.resource_pattern_in,
    OUTPUT = devapp.resource_pattern_out,
    RECEIVE = devapp.resource_pattern_recv,
    SEND = devapp.resource_pattern_send,
    LIKE = text,
    CATEGORY = 'S',
    COLLATABLE = true
);
COMMENT ON TYPE devapp.resource_pattern IS
    'URI pattern: / matches all, * and {name} a segment, ** and {name+} the rest, =/path that path only';
SELECT devapp_internal.grant_on('TYPE', 'devapp.resource_pattern', 'USAGE', 'admin', 'developer');

CREATE CAST (devapp.resource_pattern AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (text AS devapp.resource_pattern) WITH INOUT AS ASSIGNMENT;

CREATE FUNCTION devapp.pattern_matches(pattern devapp.resource_pattern, path text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_pattern_matches';
COMMENT ON FUNCTION devapp.pattern_matches(devapp.resource_pattern, text) IS
    'Whether a pattern matches a path; the query string is ignored, and unsafe paths never match';
SELECT devapp_internal.grant_to('devapp.pattern_matches', 'admin', 'developer');

-- Why a text is no pattern; null if it is one.
CREATE FUNCTION devapp_internal.pattern_problem(pattern text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_pattern_problem';
