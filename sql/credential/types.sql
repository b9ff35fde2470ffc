-- How a person names a credential: by its id or its consumer key; as devapp.app_ref, see
-- sql/app/types.sql.

CREATE TYPE devapp.credential_ref;

CREATE FUNCTION devapp.credential_ref_in(cstring) RETURNS devapp.credential_ref
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textin';
SELECT devapp_internal.grant_to('devapp.credential_ref_in', 'admin', 'developer');
CREATE FUNCTION devapp.credential_ref_out(devapp.credential_ref) RETURNS cstring
    LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
SELECT devapp_internal.grant_to('devapp.credential_ref_out', 'admin', 'developer');
CREATE FUNCTION devapp.credential_ref_recv(internal) RETURNS devapp.credential_ref
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textrecv';
SELECT devapp_internal.grant_to('devapp.credential_ref_recv', 'admin', 'developer');
CREATE FUNCTION devapp.credential_ref_send(devapp.credential_ref) RETURNS bytea
    LANGUAGE internal STABLE STRICT PARALLEL SAFE AS 'textsend';
SELECT devapp_internal.grant_to('devapp.credential_ref_send', 'admin', 'developer');

CREATE TYPE devapp.credential_ref (
    INPUT = devapp.credential_ref_in,
    OUTPUT = devapp.credential_ref_out,
    RECEIVE = devapp.credential_ref_recv,
    SEND = devapp.credential_ref_send,
    LIKE = text
);
COMMENT ON TYPE devapp.credential_ref IS 'Reference to a credential: its id, its consumer key, or key:CONSUMER_KEY';
SELECT devapp_internal.grant_on('TYPE', 'devapp.credential_ref', 'USAGE', 'admin', 'developer');

CREATE CAST (text AS devapp.credential_ref) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (varchar AS devapp.credential_ref) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (uuid AS devapp.credential_ref) WITH INOUT AS IMPLICIT;

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
    'Digest of a secret: BLAKE2b-256, keyed with a pepper, of its SHA-256';
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
    'Number of the pepper of a digest; 0: none';
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

-- What a call that makes a secret returns.  src/model/issue.c fills it in.

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
    previous_valid_until timestamptz,
    pending_products text[]
);
COMMENT ON TYPE devapp.issued_credential IS 'A credential with its new secret, which is shown nowhere else';
COMMENT ON COLUMN devapp.issued_credential.consumer_key IS 'Public part, safe to list and log; the client id of an oauth_client or a jwt';
COMMENT ON COLUMN devapp.issued_credential.secret IS 'The whole key, client secret or token, which is shown only once and not stored';
COMMENT ON COLUMN devapp.issued_credential.previous_valid_until IS 'After a rotation: when the old secret stops working';
COMMENT ON COLUMN devapp.issued_credential.pending_products IS 'Names of its pending products, sorted; null: none';
SELECT devapp_internal.grant_on('TYPE', 'devapp.issued_credential', 'USAGE', 'admin', 'developer');
