-- The digest of a secret.  It can be compared and hashed, not ordered.

CREATE TYPE devapp.secret_digest;

CREATE FUNCTION devapp.secret_digest_in(cstring) RETURNS devapp.secret_digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_in';
SELECT devapp_internal.grant_to('devapp.secret_digest_in', 'admin');
CREATE FUNCTION devapp.secret_digest_out(devapp.secret_digest) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_out';
SELECT devapp_internal.grant_to('devapp.secret_digest_out', 'admin');

-- For logical replication in binary, and COPY WITH (FORMAT binary).
CREATE FUNCTION devapp.secret_digest_send(devapp.secret_digest) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_send';
SELECT devapp_internal.grant_to('devapp.secret_digest_send', 'admin');
CREATE FUNCTION devapp.secret_digest_recv(internal) RETURNS devapp.secret_digest
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_recv';
SELECT devapp_internal.grant_to('devapp.secret_digest_recv', 'admin');

CREATE TYPE devapp.secret_digest (
    INPUT = devapp.secret_digest_in,
    OUTPUT = devapp.secret_digest_out,
    SEND = devapp.secret_digest_send,
    RECEIVE = devapp.secret_digest_recv,
    INTERNALLENGTH = VARIABLE,
    STORAGE = main
);
COMMENT ON TYPE devapp.secret_digest IS
    'Digest of a secret: BLAKE2b-256 keyed with a pepper, over the SHA-256 of the secret';
SELECT devapp_internal.grant_on('TYPE', 'devapp.secret_digest', 'USAGE', 'admin', 'developer');

CREATE FUNCTION devapp.secret_digest_eq(devapp.secret_digest, devapp.secret_digest) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_eq';
SELECT devapp_internal.grant_to('devapp.secret_digest_eq', 'admin');
CREATE FUNCTION devapp.secret_digest_hash(devapp.secret_digest) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_hash';
SELECT devapp_internal.grant_to('devapp.secret_digest_hash', 'admin');
CREATE FUNCTION devapp.secret_digest_pepper(devapp.secret_digest) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_secret_digest_pepper';
COMMENT ON FUNCTION devapp.secret_digest_pepper(devapp.secret_digest) IS
    'Number of the pepper that keyed this digest, 0 for none';
SELECT devapp_internal.grant_to('devapp.secret_digest_pepper', 'admin');

CREATE OPERATOR devapp.= (
    LEFTARG = devapp.secret_digest,
    RIGHTARG = devapp.secret_digest,
    FUNCTION = devapp.secret_digest_eq,
    COMMUTATOR = OPERATOR(devapp.=),
    RESTRICT = eqsel,
    JOIN = eqjoinsel,
    HASHES
);

CREATE OPERATOR CLASS devapp.secret_digest_ops DEFAULT FOR TYPE devapp.secret_digest USING hash AS
    OPERATOR 1 devapp.= (devapp.secret_digest, devapp.secret_digest),
    FUNCTION 1 devapp.secret_digest_hash(devapp.secret_digest);

-- What a call that makes a secret returns.  src/key/issue.c fills it in.

CREATE TYPE devapp.issued_credential AS (
    app_id uuid,
    app_status text,
    credential_id uuid,
    kind text,
    consumer_key text,
    secret text,
    secret_version integer,
    status text,
    environment text,
    products text[],
    expires_at timestamptz,
    previous_valid_until timestamptz
);
COMMENT ON TYPE devapp.issued_credential IS 'A credential with its new secret: the only place where a secret ever appears';
COMMENT ON COLUMN devapp.issued_credential.consumer_key IS 'Public part: fit for lists and logs; the client id of an oauth_client';
COMMENT ON COLUMN devapp.issued_credential.secret IS 'The whole key, or client secret: shown once, stored nowhere';
COMMENT ON COLUMN devapp.issued_credential.previous_valid_until IS 'After a rotation: until when the old secret works';
SELECT devapp_internal.grant_on('TYPE', 'devapp.issued_credential', 'USAGE', 'admin', 'developer');
