-- Signatures, keys and proofs: the examples of RFC 7515, 7519, 7638 and 8037.
\set SHOW_CONTEXT never

CREATE TABLE jose_key (name text PRIMARY KEY, jwk text NOT NULL);
INSERT INTO jose_key VALUES
('7515 A.1', '{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}'),
('7515 A.2', '{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}'),
('7515 A.3', '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}'),
('7638 3.1', '{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}'),
('8037 A.2', '{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}');

CREATE FUNCTION pg_temp.jws(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE $1
        WHEN '7515 A.1' THEN 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
        WHEN '7515 A.2' THEN 'eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw'
        WHEN '7515 A.3' THEN 'eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q'
        WHEN '7515 A.5' THEN 'eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.'
        WHEN '8037 A.2' THEN 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg'
    END
$$;

-- each is signed with its key, and with no other (7519 3.1 is 7515 A.1)
SELECT k.name, convert_from(devapp_internal.jws_payload(pg_temp.jws(k.name), k.jwk), 'UTF8') AS payload
  FROM jose_key k WHERE k.name <> '7638 3.1' ORDER BY k.name;
SELECT count(*) FROM jose_key k, jose_key other
 WHERE k.name <> other.name AND devapp_internal.jws_payload(pg_temp.jws(k.name), other.jwk) IS NOT NULL;
-- unsecured (7519 6.1 is the same)
SELECT count(*) FROM jose_key k WHERE devapp_internal.jws_payload(pg_temp.jws('7515 A.5'), k.jwk) IS NOT NULL;
-- with another character in the place of one, or one more, it is not signed: not with other unused bits either
SELECT k.name, length(pg_temp.jws(k.name)) AS length, count(*) AS good
  FROM jose_key k, generate_series(1, length(pg_temp.jws(k.name))) AS at, unnest('{A,=,.}'::text[]) AS c,
       LATERAL (VALUES (overlay(pg_temp.jws(k.name) PLACING c FROM at FOR 1)),
                       (overlay(pg_temp.jws(k.name) PLACING c FROM at FOR 0))) AS changed (jws)
 WHERE changed.jws <> pg_temp.jws(k.name) AND devapp_internal.jws_payload(changed.jws, k.jwk) IS NOT NULL
 GROUP BY 1, 2;
-- the same in JSON serialisation
SELECT devapp_internal.jws_payload(format('{"protected":"%s","payload":"%s","signature":"%s"}', p[1], p[2], p[3]), k.jwk) IS NULL AS refused
  FROM jose_key k, string_to_array(pg_temp.jws(k.name), '.') AS p WHERE k.name = '7515 A.3';

-- what else is said of a key
SELECT what, devapp_internal.jws_payload(pg_temp.jws(k.name), (k.jwk::jsonb || more::jsonb)::text) IS NOT NULL AS good
  FROM jose_key k, (VALUES
    ('the algorithm', '{"alg": "ES256"}'), ('another algorithm', '{"alg": "ES384"}'), ('not an algorithm', '{"alg": 1}'),
    ('for signatures', '{"use": "sig"}'), ('for encryption', '{"use": "enc"}'),
    ('may verify', '{"key_ops": ["verify"]}'), ('may derive keys', '{"key_ops": ["deriveKey"]}'), ('not a list', '{"key_ops": "verify"}'),
    ('another curve', '{"crv": "P-384"}'), ('not on the curve', '{"y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"}'),
    ('a short coordinate', '{"x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVA"}'), ('more members', '{"x5t": "abc", "use": "sig", "foo": {"bar": [1, null]}}')
  ) AS v (what, more) WHERE k.name = '7515 A.3';
SELECT devapp_internal.jwk_thumbprint('{"kty":"OKP","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}') AS twice,
       devapp_internal.jwk_thumbprint('{"kty":"oct","k":"c2hvcnQ"}') AS short_secret,
       devapp_internal.jwk_thumbprint(jsonb_set(k.jwk::jsonb, '{e}', '"Aw"')::text) AS small_exponent,
       devapp_internal.jwk_thumbprint(jsonb_set(k.jwk::jsonb, '{e}', '"AQAA"')::text) AS even_exponent,
       devapp_internal.jwk_thumbprint(jsonb_set(k.jwk::jsonb, '{n}', to_jsonb('AA' || (k.jwk::jsonb->>'n')))::text) AS zeros,
       devapp_internal.jwk_thumbprint('') AS nothing, devapp_internal.jwk_thumbprint('[]') AS not_an_object
  FROM jose_key k WHERE k.name = '7638 3.1';

-- thumbprints: 7638 3.1, 8037 A.3, 9449 6.1
SELECT devapp_internal.jwk_thumbprint(k.jwk) FROM jose_key k WHERE k.name IN ('7638 3.1', '8037 A.2') ORDER BY k.name;
SELECT devapp_internal.jwk_thumbprint('{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}');

-- proofs are refused where there is no shared memory to remember them in (9449, figure 2); t/050_proofs.pl has more
\set token_proof 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg'
SELECT devapp_internal.dpop_thumbprint(:'token_proof', 'POST', 'https://server.example.com/token', NULL, to_timestamp(1562262616)) AS good,
       devapp.dpop_thumbprint(NULL, NULL, NULL) AS nothing, devapp.dpop_thumbprint('nonsense', 'POST', 'https://server.example.com/token') AS nonsense;
SET devapp.dpop_origins = 'https://a.example, HTTP://b.example:8080';
SET devapp.dpop_origins = 'https://server.example.com/token';
SET devapp.dpop_origins = 'server.example.com';
RESET devapp.dpop_origins;

DROP TABLE jose_key;
