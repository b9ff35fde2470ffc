-- What whoever reports a leaked key is told.

CREATE TYPE devapp.leak_answer AS (
    label text,
    outcome text,
    token_type text,
    token_hash text,
    detail text
);
COMMENT ON TYPE devapp.leak_answer IS 'Answer to the report of a leaked key';
SELECT devapp_internal.grant_on('TYPE', 'devapp.leak_answer', 'USAGE', 'admin', 'developer', 'scanner');
