/*
 * token.c
 *		What a token says, and who stands behind it.
 *
 * Two kinds of token are ours.  An access token (typ at+jwt, RFC 9068) was issued to a
 * client; its scopes narrow what the client may.  A token that is itself the secret of a
 * credential of kind jwt (typ JWT) is found by its digest, as any secret is, so that
 * rotation ends it.  Both are signed by a key of devapp.signing_key, which the kid names;
 * the algorithm is the key's.
 *
 * Tokens of other issuers are verified with the keys that are stored of these
 * (foreign_issuer.c).  Such a token may name a developer instead of a credential: then no
 * product stands behind it.
 *
 * What does not depend on the clock and on the call is read here once, and is remembered
 * with the entitlement (cache.c).  The rest is asked of TokenFacts at each call.
 *
 * No token raises an error: each has a verdict.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/sha256_core.h"
#include "base/sodium.h"
#include "common/int.h"
#include "key/secret.h"
#include "table/catalog.h"
#include "table/invalidation.h"
#include "token/dpop.h"
#include "token/foreign_issuer.h"
#include "token/named_holder.h"
#include "token/signing_key.h"
#include "token/token.h"
#include "token/token_setting.h"
#include "token/token_write.h"

PG_FUNCTION_INFO_V1(devapp_token_id);

/* ---------- moments ---------- */

/* From microseconds since 1970 to those since 2000; far ones are as good as never. */
static TimestampTz
moment_of(int64 micros)
{
	int64		moment;

	if (pg_sub_s64_overflow(micros, (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY, &moment) ||
		!IS_VALID_TIMESTAMP(moment))
		return micros < 0 ? DT_NOBEGIN : DT_NOEND;
	return moment;
}

/* The first moment at which it works, by a clock that is behind. */
static TimestampTz
beginning_of(const JwtClaims *claims)
{
	TimestampTz nbf = claims->nbf == JWT_NO_TIME ? DT_NOBEGIN : moment_of(claims->nbf);

	return TIMESTAMP_NOT_FINITE(nbf) ? nbf : nbf - TOKEN_SKEW;
}

/* ---------- revocation ---------- */

/* What backends are told of when the token of this jti is revoked. */
pg_uuid_t
token_id_of(Str token_key)
{
	pg_uuid_t	id;

	devapp_require_sodium();
	(void) crypto_generichash(id.data, sizeof(id.data), (const unsigned char *) token_key.data,
							  token_key.len, NULL, 0);
	return id;
}

/* SQL: devapp_internal.token_id(jti) */
Datum
devapp_token_id(PG_FUNCTION_ARGS)
{
	text	   *jti = PG_GETARG_TEXT_PP(0);
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	*id = token_id_of((Str) {VARDATA_ANY(jti), VARSIZE_ANY_EXHDR(jti)});
	PG_RETURN_UUID_P(id);
}

static bool
is_revoked(const Token *token)
{
	CatalogScan scan;
	bool		found;

	catalog_scan_begin(&scan, REVOKED_TOKEN_BY_ID, UUIDPGetDatum(&token->facts.token_id),
					   token->snapshot);
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	return found;
}

/* ---------- reading ---------- */

/* The kind of a token, by its header. */
static bool
read_kind(Token *token)
{
	token->is_secret = jwt_typ_is(token->jwt, TYP_SECRET);
	return token->is_secret || jwt_typ_is(token->jwt, TYP_ACCESS_TOKEN);
}

/* The claims without which a token is none of ours. */
static bool
has_claims(const JwtClaims *claims)
{
	return claims->client_id.data != NULL && claims->jti.data != NULL && claims->iss.data != NULL &&
		claims->exp != JWT_NO_TIME;
}

/* signer: the id of the key or issuer; verify_until: when its last token is over. */
static void
set_facts(Token *token, const pg_uuid_t *signer, TimestampTz verify_until)
{
	const JwtClaims *claims = &token->jwt->claims;
	TokenFacts *facts = &token->facts;

	facts->not_before = beginning_of(claims);
	facts->expires_at = moment_of(claims->exp);
	/* its end has the skew in it */
	if (!TIMESTAMP_NOT_FINITE(verify_until))
		facts->expires_at = Min(facts->expires_at, verify_until - TOKEN_SKEW);
	facts->key_id = *signer;
	facts->token_id = token_id_of(token->token_key);
	facts->revoked = is_revoked(token);
	facts->has_jkt = claims->has_jkt;
	facts->has_x5t = claims->has_x5t;
	facts->is_bound_otherwise = claims->bound_otherwise;
	memcpy(facts->jkt, claims->jkt, sizeof(facts->jkt));
	memcpy(facts->x5t, claims->x5t, sizeof(facts->x5t));
	facts->audiences = (StrList) {claims->naudiences, (Str *) claims->audiences};
}

/* ---------- tokens of other issuers ---------- */

/*
 * Others choose the jti of their tokens, so it has the issuer before it here.  A token without
 * one goes by the digest of what was signed, of which nobody else can make another form;
 * so does one whose jti is no text here: the key is stored if the token is revoked.
 */
static Str
foreign_token_key(const Jwt *jwt)
{
	Str			iss = jwt->claims.iss;
	Str			jti = jwt->claims.jti;
	uint8		sha256[SHA256_LEN];
	char		digits[BASE64URL_ENCODED_LEN(SHA256_LEN)];
	char	   *key;

	if (jti.data == NULL || !named_is_text(jti))
	{
		sha256_of(jwt->signed_part.data, jwt->signed_part.len, sha256);
		jti = (Str) {digits, base64url_encode(sha256, sizeof(sha256), digits)};
	}
	key = psprintf("%.*s %.*s", (int) iss.len, iss.data, (int) jti.len, jti.data);
	return (Str) {key, strlen(key)};
}

/* A token that none of our keys has signed. */
static VerdictCode
open_foreign(Token *token)
{
	const JwtClaims *claims = &token->jwt->claims;
	ForeignToken foreign;
	VerdictCode code = foreign_token_open(token->jwt, token->loaded_at, token->snapshot, &foreign);

	if (code != VERDICT_VALID && code != VERDICT_NO_PRODUCT)
		return code;
	token->client_id = foreign.consumer_key;
	token->developer_id = foreign.developer_id;
	token->token_key = foreign_token_key(token->jwt);
	token->scopes = (StrList) {claims->nscopes, (Str *) claims->scopes};
	token->keeps_scopes = !claims->has_scope;
	set_facts(token, &foreign.issuer_id, DT_NOEND);
	token->facts.names_app = foreign.names_app;
	return code;
}

/* ---------- our own ---------- */

/*
 * An access token says who issued it, and that must be us by the name that we have now.
 * A secret is known by its digest, whatever we were called when it was made.
 */
static bool
is_from_us(const Token *token)
{
	return token->is_secret || str_is(token->jwt->claims.iss, token_issuer_name());
}

/*
 * Read a token; false if it is malformed.  This asks no table, so it needs no snapshot.  All
 * lies in the current memory context.
 */
bool
token_read(Str bytes, Token *token)
{
	memset(token, 0, sizeof(Token));
	token->jwt = palloc(sizeof(Jwt));
	token->bytes = bytes;
	return jwt_read(bytes, JWT_WITHOUT_KEY, token->jwt) && jwt_read_claims(token->jwt);
}

/*
 * Verify the signature of a token that was read.  VALID, or why it is refused: MALFORMED,
 * NOT_FOUND, UNAVAILABLE (the secret of its issuer is not to be had), or NO_PRODUCT where it
 * names a developer.
 */
VerdictCode
token_open(Token *token, uint64 loaded_at, Snapshot snapshot)
{
	const Jwt  *jwt = token->jwt;
	const TokenSigningKey *key;

	token->loaded_at = loaded_at;
	token->snapshot = snapshot;
	if (jwt->kid.data == NULL || jwt->kid.len > JWK_KID_MAX)
		return VERDICT_NOT_FOUND;
	key = signing_key_find(jwt->kid, loaded_at, snapshot);
	if (key == NULL)
		return open_foreign(token);
	if (!jwt_is_signed_by(jwt, key->public_key))
		return VERDICT_NOT_FOUND;
	if (!read_kind(token) || !has_claims(&jwt->claims))
		return VERDICT_MALFORMED;
	if (!is_from_us(token))
		return VERDICT_NOT_FOUND;
	token->client_id = jwt->claims.client_id;
	token->token_key = jwt->claims.jti;
	token->scopes = (StrList) {jwt->claims.nscopes, token->jwt->claims.scopes};
	token->keeps_scopes = token->is_secret;
	set_facts(token, &key->key_id, key->verify_until);
	token->facts.revoked |= key->compromised;
	return VERDICT_VALID;
}

/* ---------- who stands behind it ---------- */

/* Under which secret a call is counted that none was presented for: the current one. */
static int32
current_version(const Entitlement *e)
{
	int32		version = 1;

	for (int i = 0; i < e->load->nsecrets; i++)
	{
		if (!e->load->secrets[i].window.superseded)
			version = Max(version, e->load->secrets[i].window.version);
	}
	return version;
}

/* A secret must be one of the credential's. */
static VerdictCode
match_secret(const Token *token, const Entitlement *e, DecideSecret *secret)
{
	uint8		sha256[SHA256_LEN];
	int			match;

	sha256_of(token->bytes.data, token->bytes.len, sha256);
	match = entitlement_match_secret(e, PURPOSE_TOKEN, SECRET_BLAKE2B, sha256);
	sodium_memzero(sha256, sizeof(sha256));
	if (match == SECRET_UNTESTED)
		return VERDICT_UNAVAILABLE;
	if (match < 0)
		return VERDICT_NOT_FOUND;
	*secret = e->load->secrets[match].window;
	return VERDICT_VALID;
}

/*
 * The credential of a token that was opened, narrowed to it.  VALID, or why there is none:
 * NOT_FOUND or UNAVAILABLE.
 */
VerdictCode
token_holder(const Token *token, ProductGetter getter, TokenHolder *holder)
{
	Entitlement *e = entitlement_by_key(token->client_id.data, token->client_id.len,
										token->snapshot, getter);
	VerdictCode code = VERDICT_VALID;

	holder->entitlement = e;
	if (e == NULL)
		return VERDICT_NOT_FOUND;
	/* an access token outlives the secret that it was issued for */
	holder->secret = (DecideSecret) {.valid_until = DECIDE_NEVER, .version = current_version(e)};
	if (token->is_secret)
		code = match_secret(token, e, &holder->secret);
	if (code == VERDICT_VALID)
		entitlement_narrow(e, &token->facts, token->keeps_scopes ? NULL : &token->scopes);
	return code;
}

/* token_read(), token_open() and token_holder() at once, for functions that do not remember the token. */
VerdictCode
token_examine(Str bytes, Token *token, TokenHolder *holder)
{
	uint64		loaded_at;
	Snapshot	snapshot;
	VerdictCode code;

	if (!token_read(bytes, token))
		return VERDICT_MALFORMED;
	loaded_at = invalidation_accept();
	snapshot = catalog_take_snapshot();
	code = token_open(token, loaded_at, snapshot);
	if (code == VERDICT_VALID)
		code = token_holder(token, product_load, holder);
	catalog_release_snapshot(snapshot);
	return code;
}

/* ---------- each call ---------- */

/* Does the call prove that it is the token's, if it must? */
static bool
is_proven(const TokenFacts *facts, const TokenProofs *proofs, TimestampTz now)
{
	if (facts->is_bound_otherwise || (proofs->as_dpop && !facts->has_jkt))
		return false;
	if (facts->has_x5t && !dpop_certificate_is(proofs->x5t, facts->x5t))
		return false;
	return !facts->has_jkt ||
		dpop_proof_is_good(proofs->dpop, proofs->token, proofs->method, proofs->resource, facts->jkt, now);
}

/* Why a token does not let this call pass, whatever its credential may; VALID: nothing. */
VerdictCode
token_refusal(const TokenFacts *facts, const TokenProofs *proofs, TimestampTz now)
{
	if (proofs->audience.data != NULL && !str_list_has(&facts->audiences, proofs->audience))
		return VERDICT_NOT_FOUND;
	if (facts->revoked)
		return VERDICT_TOKEN_REVOKED;
	if (!is_proven(facts, proofs, now))
		return VERDICT_PROOF_REQUIRED;
	return now < facts->not_before ? VERDICT_EXPIRED : VERDICT_VALID;
}
