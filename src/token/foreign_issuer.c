/*
 * foreign_issuer.c
 *		Tokens of other issuers: devapp.token_issuer.
 *
 * An administrator, or a job of his, stores the keys of an identity provider; the server
 * fetches nothing.  Its tokens are verified with these keys, must be for one of the
 * audiences that are stored with them, and name a client, an app or a developer in one
 * claim.  What they may do is up to the credential that was found so: of an app, the one of
 * those that work that was issued first.
 *
 * Public keys lie in the row; shared secrets (HS256) are sealed, as private keys are.  A
 * backend keeps the issuers that it has met, with their keys ready to verify, until
 * their rows change.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "table/catalog.h"
#include "token/foreign_issuer.h"
#include "token/kept.h"
#include "token/keyring.h"
#include "token/named_holder.h"
#include "token/sealed_key.h"

typedef struct ForeignKey
{
	TokenAlg	alg;
	Str			kid;
	const TokenKey *key;
} ForeignKey;

typedef struct ForeignIssuer
{
	Kept		kept;			/* the first */
	const char *issuer;
	const char *claim;
	const char *names;
	bool		is_active;
	bool		lacks_secrets;	/* they cannot be unsealed now */
	int			naudiences;
	Str		   *audiences;
	int			nkeys;
	ForeignKey	keys[JWKS_KEYS_MAX];
} ForeignIssuer;

static KeptList issuers = {DLIST_STATIC_INIT(issuers.head), 0};

/* ---------- reading a row ---------- */

/* The visitor of a set of keys. */
static bool
add_key(const Jwk *jwk, void *arg)
{
	ForeignIssuer *issuer = arg;
	TokenKey   *key;

	if (issuer->nkeys == JWKS_KEYS_MAX)
		return false;
	key = jwk->kid.data != NULL ? token_key_from_jwk(jwk) : NULL;
	if (key == NULL)
		return true;
	kept_attach_key(key, issuer->kept.context);
	issuer->keys[issuer->nkeys++] = (ForeignKey) {
		.alg = jwk->alg,
		.kid = {MemoryContextStrdup(issuer->kept.context, pnstrdup(jwk->kid.data, jwk->kid.len)), jwk->kid.len},
		.key = key
	};
	return true;
}

static void
add_keys(ForeignIssuer *issuer, Str jwks)
{
	char	   *room = palloc(Max(jwks.len, 1));
	JsonBuffer	buffer = {room, room + jwks.len};

	(void) jwks_read(jwks, &buffer, add_key, issuer);
	sodium_memzero(room, jwks.len);
	pfree(room);
}

static void
add_secrets(ForeignIssuer *issuer, Snapshot snapshot)
{
	const char *subject = psprintf("token_issuer/%s", issuer->issuer);
	Unsealed	plain = keyring_unseal_for_verdict(subject, sealed_key_find(subject, snapshot));

	issuer->lacks_secrets = plain.data == NULL;
	PG_TRY();
	{
		if (!issuer->lacks_secrets)
			add_keys(issuer, (Str) {(const char *) plain.data, plain.len});
	}
	PG_FINALLY();
	{
		keyring_wipe(&plain);
	}
	PG_END_TRY();
}

static void
read_audiences(ForeignIssuer *issuer, Datum value)
{
	Datum	   *items;
	bool	   *nulls;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &items, &nulls,
					  &issuer->naudiences);
	issuer->audiences = palloc(sizeof(Str) * (size_t) Max(issuer->naudiences, 1));
	for (int i = 0; i < issuer->naudiences; i++)
	{
		char	   *audience = nulls[i] ? pstrdup("") : TextDatumGetCString(items[i]);

		issuer->audiences[i] = (Str) {audience, strlen(audience)};
	}
}

static void
read_issuer(CatalogScan *scan, Snapshot snapshot, ForeignIssuer *issuer)
{
	bool		isnull;
	Datum		value;
	Jsonb	   *jwks;
	char	   *json;

	issuer->issuer = TextDatumGetCString(catalog_value(scan, TOKEN_ISSUER_ISSUER, &isnull));
	issuer->claim = TextDatumGetCString(catalog_value(scan, TOKEN_ISSUER_CLAIM, &isnull));
	issuer->names = TextDatumGetCString(catalog_value(scan, TOKEN_ISSUER_NAMES, &isnull));
	issuer->is_active = DatumGetBool(catalog_value(scan, TOKEN_ISSUER_IS_ACTIVE, &isnull));
	value = catalog_value(scan, TOKEN_ISSUER_ISSUER_ID, &isnull);
	issuer->kept.id = *DatumGetUUIDP(value);
	read_audiences(issuer, catalog_value(scan, TOKEN_ISSUER_AUDIENCE, &isnull));
	jwks = DatumGetJsonbP(catalog_value(scan, TOKEN_ISSUER_JWKS, &isnull));
	json = JsonbToCString(NULL, &jwks->root, VARSIZE(jwks));
	add_keys(issuer, (Str) {json, strlen(json)});
	if (DatumGetInt32(catalog_value(scan, TOKEN_ISSUER_SECRETS, &isnull)) > 0)
		add_secrets(issuer, snapshot);
}

/* An issuer whose secrets are not to be had now is looked for again at the next token. */
static const ForeignIssuer *
load_issuer(const char *name, uint64 loaded_at, Snapshot snapshot)
{
	CatalogScan scan;
	ForeignIssuer *issuer = NULL;

	catalog_scan_begin(&scan, TOKEN_ISSUER_BY_ISSUER, CStringGetTextDatum(name), snapshot);
	if (catalog_scan_next(&scan))
	{
		MemoryContext caller;

		issuer = kept_new("token issuer", sizeof(ForeignIssuer), loaded_at);
		caller = MemoryContextSwitchTo(issuer->kept.context);
		read_issuer(&scan, snapshot, issuer);
		MemoryContextSwitchTo(caller);
		if (!issuer->lacks_secrets)
			kept_add(&issuers, &issuer->kept);
	}
	catalog_scan_end(&scan);
	return issuer;
}

static const ForeignIssuer *
find_issuer(Str name, uint64 loaded_at, Snapshot snapshot)
{
	dlist_iter	i;

	kept_drop_stale(&issuers);
	dlist_foreach(i, &issuers.head)
	{
		ForeignIssuer *issuer = dlist_container(ForeignIssuer, kept.node, i.cur);

		if (str_is(name, issuer->issuer))
			return issuer;
	}
	return named_is_text(name) ? load_issuer(pnstrdup(name.data, name.len), loaded_at, snapshot) : NULL;
}

/* ---------- verifying ---------- */

static const TokenKey *
find_key(const ForeignIssuer *issuer, const Jwt *jwt)
{
	for (int i = 0; jwt->kid.data != NULL && i < issuer->nkeys; i++)
	{
		if (issuer->keys[i].alg == jwt->alg && str_equal(issuer->keys[i].kid, jwt->kid))
			return issuer->keys[i].key;
	}
	return NULL;
}

static bool
is_for_us(const ForeignIssuer *issuer, const Jwt *jwt)
{
	for (int i = 0; i < issuer->naudiences; i++)
	{
		if (jwt_has_audience(jwt, issuer->audiences[i]))
			return true;
	}
	return false;
}

/* Something else that the issuer signs, such as the notice of a log-out, is no token for us. */
static bool
is_token(const Jwt *jwt)
{
	return jwt->claims.exp != JWT_NO_TIME &&
		(jwt->typ.data == NULL || jwt_typ_is(jwt, "JWT") || jwt_typ_is(jwt, "at+jwt"));
}

/* VALID: it is a token of the issuer, for us. */
static VerdictCode
check_token(const ForeignIssuer *issuer, const Jwt *jwt)
{
	const TokenKey *key;

	if (issuer == NULL || !issuer->is_active)
		return VERDICT_NOT_FOUND;
	key = find_key(issuer, jwt);
	if (key == NULL && jwt->alg == ALG_HS256 && issuer->lacks_secrets)
		return VERDICT_UNAVAILABLE;
	if (key == NULL || !jwt_is_signed_by(jwt, key))
		return VERDICT_NOT_FOUND;
	if (!is_token(jwt))
		return VERDICT_MALFORMED;
	return is_for_us(issuer, jwt) ? VERDICT_VALID : VERDICT_NOT_FOUND;
}

static VerdictCode
find_holder(const ForeignIssuer *issuer, const Jwt *jwt, Snapshot snapshot, ForeignToken *out)
{
	Str			name;
	pg_uuid_t	app_id;

	if (!json_string(&jwt->members, issuer->claim, &name) || name.data == NULL || !named_is_text(name))
		return VERDICT_NOT_FOUND;
	if (strcmp(issuer->names, "developer") == 0)
		return named_developer(name, snapshot, &out->developer_id) ? VERDICT_NO_PRODUCT : VERDICT_NOT_FOUND;
	if (strcmp(issuer->names, "client") == 0)
		out->consumer_key = name;
	else if (named_app(name, snapshot, &app_id))
	{
		out->names_app = true;
		out->consumer_key = consumer_key_of_app(&app_id, snapshot);
	}
	return out->consumer_key.data != NULL ? VERDICT_VALID : VERDICT_NOT_FOUND;
}

VerdictCode
foreign_token_open(const Jwt *jwt, uint64 loaded_at, Snapshot snapshot, ForeignToken *out)
{
	const ForeignIssuer *issuer = jwt->claims.iss.data != NULL ?
		find_issuer(jwt->claims.iss, loaded_at, snapshot) : NULL;
	VerdictCode code = check_token(issuer, jwt);

	memset(out, 0, sizeof(ForeignToken));
	if (code != VERDICT_VALID)
		return code;
	out->issuer_id = issuer->kept.id;
	return find_holder(issuer, jwt, snapshot, out);
}
