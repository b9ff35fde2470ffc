/*
 * assertion.c
 *		Clients that prove themselves by a signature (private_key_jwt, RFC 7523).
 *
 * An assertion is a token that the client signs with a key of its own, of which
 * devapp.client_key has the public part: so there is no secret that could leak from here
 * or on the way.  It says who the client is (iss and sub), that it is for us (aud), until
 * when it is good (exp) and which one it is (jti).  Each is good once: its use is a row of
 * devapp.used_assertion, whose primary key lets one of two transactions through and makes
 * the other one wait for what becomes of the first.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/clock.h"
#include "base/compat.h"
#include "base/sha256_core.h"
#include "base/sodium.h"
#include "token/assertion.h"
#include "token/jwt_core.h"
#include "token/token_setting.h"

PG_FUNCTION_INFO_V1(devapp_assertion_problem);
PG_FUNCTION_INFO_V1(devapp_assertion_client);

#define LIFETIME_MAX	(10 * SECS_PER_MINUTE)	/* that an assertion may still have */
#define CLOCK_SKEW		30		/* seconds that clocks may differ by */

/* ---------- what it says ---------- */

/*
 * Our issuer, or a URL below it: clients name the issuer or the endpoint for tokens (RFC
 * 7523, section 3), and only the web server knows where that is.
 */
static bool
is_our_name(Str audience, Str issuer)
{
	if (audience.len < issuer.len || memcmp(audience.data, issuer.data, issuer.len) != 0)
		return false;
	return audience.len == issuer.len || issuer.data[issuer.len - 1] == '/' ||
		audience.data[issuer.len] == '/';
}

static bool
names_us(const JwtClaims *claims)
{
	const char *name = token_issuer_name();
	Str			issuer = {name, strlen(name)};

	for (int i = 0; i < claims->naudiences; i++)
	{
		if (is_our_name(claims->audiences[i], issuer))
			return true;
	}
	return false;
}

static bool
is_client(Str claim, Str client_id)
{
	return claim.data != NULL && str_equal(claim, client_id);
}

static const char *
time_problem(const JwtClaims *claims, int64 now)
{
	int64		skew = CLOCK_SKEW * USECS_PER_SEC;

	if (claims->exp == JWT_NO_TIME)
		return "Its assertion has no exp.";
	if (claims->exp <= now - skew)
		return "Its assertion has expired.";
	if (claims->exp > now + LIFETIME_MAX * USECS_PER_SEC + skew)
		return "Its assertion is valid for longer than 10 minutes.";
	if ((claims->nbf != JWT_NO_TIME && claims->nbf > now + skew) ||
		(claims->iat != JWT_NO_TIME && claims->iat > now + skew))
		return "Its assertion is not valid yet.";
	return NULL;
}

static const char *
claims_problem(const JwtClaims *claims, Str client_id, int64 now)
{
	if (!is_client(claims->iss, client_id) || !is_client(claims->sub, client_id))
		return "The iss and sub of its assertion are not the client's id.";
	if (!names_us(claims))
		return "Its assertion has another audience: aud contains neither devapp.issuer nor a URL below it.";
	if (claims->jti.data == NULL || claims->jti.len == 0)
		return "Its assertion has no jti.";
	return time_problem(claims, now);
}

/* ---------- the client's key ---------- */

/* The key in the row that was found. */
static TokenKey *
read_key(const char *text)
{
	size_t		len = strlen(text);
	char	   *room = palloc(len);
	JsonBuffer	buffer = {room, room + len};
	Jwk			jwk;

	return jwk_read((Str) {text, len}, &buffer, &jwk) == JWK_OK ? token_key_from_jwk(&jwk) : NULL;
}

/* A key of the client, by its kid; without one, its only key for the algorithm. */
static TokenKey *
find_key(const Jwt *jwt, const pg_uuid_t *credential_id)
{
	bool		has_kid = jwt->kid.data != NULL;
	Oid			types[] = {UUIDOID, TEXTOID, TEXTOID};
	Datum		values[] = {
		UUIDPGetDatum(credential_id),
		CStringGetTextDatum(token_alg_name(jwt->alg)),
		has_kid ? PointerGetDatum(cstring_to_text_with_len(jwt->kid.data, (int) jwt->kid.len)) : (Datum) 0
	};
	const char	nulls[] = {' ', ' ', has_kid ? ' ' : 'n', '\0'};

	if (SPI_execute_with_args("SELECT k.jwk::text FROM devapp.client_key k"
							  " WHERE k.credential_id = $1 AND k.alg = $2 AND ($3 IS NULL OR k.kid = $3) LIMIT 2",
							  lengthof(types), types, values, nulls, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the keys of a client were not looked up");
	if (SPI_processed != 1)
		return NULL;
	return read_key(SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1));
}

static bool
is_signed_by_client(const Jwt *jwt, const pg_uuid_t *credential_id)
{
	TokenKey   *key;
	bool		good;

	/* as client_key.c wants it: other bytes may not be a text to ask a table about */
	if (!str_is_printable_ascii(jwt->kid))
		return false;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	key = find_key(jwt, credential_id);
	SPI_finish();
	/* nothing from here to token_key_free() raises an error */
	good = key != NULL && jwt_is_signed_by(jwt, key);
	token_key_free(key);
	return good;
}

/* ---------- single use ---------- */

static Datum
digest_of(Str jti)
{
	bytea	   *digest = palloc(VARHDRSZ + SHA256_LEN);

	SET_VARSIZE(digest, VARHDRSZ + SHA256_LEN);
	sha256_of(jti.data, jti.len, (uint8 *) VARDATA(digest));
	return PointerGetDatum(digest);
}

/* Note that it is used; false if it was before. */
static bool
use_once(const JwtClaims *claims, const pg_uuid_t *credential_id)
{
	Oid			types[] = {UUIDOID, BYTEAOID, TIMESTAMPTZOID};
	Datum		values[] = {
		UUIDPGetDatum(credential_id),
		digest_of(claims->jti),
		TimestampTzGetDatum(from_unix_micros(claims->exp) + CLOCK_SKEW * USECS_PER_SEC)
	};
	bool		is_first;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args("INSERT INTO devapp.used_assertion (credential_id, jti_digest, expires_at)"
							  " VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
							  lengthof(types), types, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "the use of an assertion was not written down");
	is_first = SPI_processed == 1;
	SPI_finish();
	return is_first;
}

const char *
assertion_problem(Str assertion, const pg_uuid_t *credential_id, Str client_id, TimestampTz now)
{
	Jwt		   *jwt = palloc(sizeof(Jwt));
	const char *problem;

	devapp_require_sodium();
	if (!jwt_read(assertion, JWT_WITHOUT_KEY, jwt) || jwt->alg == ALG_HS256 ||
		!jwt_read_claims(jwt))
		return "Its assertion is malformed.";
	problem = claims_problem(&jwt->claims, client_id, unix_micros(now));
	if (problem != NULL)
		return problem;
	if (!is_signed_by_client(jwt, credential_id))
		return "Its assertion is not signed with a key of the client.";
	if (!use_once(&jwt->claims, credential_id))
		return "Its assertion has already been used.";
	return NULL;
}

/* assertion_problem(credential_id, client_id, assertion): null: it is good, and used now */
Datum
devapp_assertion_problem(PG_FUNCTION_ARGS)
{
	text	   *client_id = PG_GETARG_TEXT_PP(1);
	text	   *assertion = PG_GETARG_TEXT_PP(2);
	const char *problem;

	problem = assertion_problem((Str) {VARDATA_ANY(assertion), VARSIZE_ANY_EXHDR(assertion)},
								PG_GETARG_UUID_P(0),
								(Str) {VARDATA_ANY(client_id), VARSIZE_ANY_EXHDR(client_id)},
								GetCurrentTimestamp());
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/* assertion_client(assertion): who an assertion says made it, which nobody has checked yet; null: nobody */
Datum
devapp_assertion_client(PG_FUNCTION_ARGS)
{
	text	   *assertion = PG_GETARG_TEXT_PP(0);
	Jwt		   *jwt = palloc(sizeof(Jwt));
	Str			sub;

	if (!jwt_read((Str) {VARDATA_ANY(assertion), VARSIZE_ANY_EXHDR(assertion)}, JWT_WITHOUT_KEY, jwt) ||
		!jwt_read_claims(jwt))
		PG_RETURN_NULL();
	sub = jwt->claims.sub;
	/* as consumer keys are: other bytes may not be a text of this database */
	if (sub.data == NULL || !str_is_printable_ascii(sub))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(sub.data, (int) sub.len));
}
