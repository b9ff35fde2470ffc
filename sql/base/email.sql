-- How e-mails and their domains are compared.

-- Without regard to the case of ASCII letters, and of no others; see src/model/identity.c.
-- An index is made of it, so whoever inserts a developer has to execute it.
CREATE FUNCTION devapp_internal.email_key(email text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'devapp_email_key';
SELECT devapp_internal.grant_to('devapp_internal.email_key', 'admin');
