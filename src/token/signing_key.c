/*
 * signing_key.c
 *		The keys that sign our tokens: devapp.signing_key.
 *
 * A backend keeps the keys that it has met, with the public part ready to verify.  There
 * are few of them: one active and one next key for each algorithm, and some that are
 * retired.  Each is kept until its row changes, which invalidation.c tells by its key_id,
 * also on a standby.  Unknown kids are not kept.
 *
 * The private part is unsealed (keyring.c) at the first signature and kept beside it: to make
 * it ready takes longer than to sign.  It is wiped when the row changes, as it does when the
 * key is retired, and when the keyring changes; if that is not usable, nothing is signed.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "table/catalog.h"
#include "token/base64url_core.h"
#include "token/jwk_core.h"
#include "token/kept.h"
#include "token/keyring.h"
#include "token/sealed_key.h"
#include "token/signing_key.h"
#include "token/token_setting.h"

PG_FUNCTION_INFO_V1(devapp_make_signing_key);

typedef struct KeptKey
{
	Kept		kept;			/* the first */
	bool		is_active;
	TokenSigningKey key;
	TokenKey   *private_key;	/* NULL: not unsealed yet */
	uint64		keyring;		/* number of the one that has unsealed it */
	MemoryContextCallback forget;	/* when the key is dropped */
} KeptKey;

static KeptList keys = {DLIST_STATIC_INIT(keys.head), 0};

/* token_key_free() wipes it. */
static void
forget_private_key(void *kept)
{
	KeptKey    *k = kept;

	token_key_free(k->private_key);
	k->private_key = NULL;
}

/* ---------- reading ---------- */

static char *
text_column(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	return isnull ? pstrdup("") : TextDatumGetCString(value);
}

static int
lifetime_column(CatalogScan *scan)
{
	bool		isnull;
	Datum		value = catalog_value(scan, SIGNING_KEY_LONGEST_LIFETIME, &isnull);
	Interval   *lifetime = isnull ? NULL : DatumGetIntervalP(value);

	if (lifetime == NULL)
		return 0;
	return (int) Min(lifetime->time / USECS_PER_SEC + SECS_PER_DAY * (int64) (lifetime->day + DAYS_PER_MONTH * lifetime->month),
					 INT_MAX);
}

/* The public key of a row; NULL: a later version wrote something that we do not know. */
static TokenKey *
read_public_key(CatalogScan *scan, TokenAlg alg)
{
	bool		isnull;
	Jsonb	   *value = DatumGetJsonbP(catalog_value(scan, SIGNING_KEY_JWK, &isnull));
	char	   *text = JsonbToCString(NULL, &value->root, VARSIZE(value));
	size_t		len = strlen(text);
	char	   *room = palloc(len);
	JsonBuffer	buffer = {room, room + len};
	Jwk		   *jwk = palloc(sizeof(Jwk));

	if (jwk_read((Str) {text, len}, &buffer, jwk) != JWK_OK || jwk->alg != alg)
		return NULL;
	return token_key_from_jwk(jwk);
}

static void
read_key(CatalogScan *scan, TokenSigningKey *key, bool *is_active)
{
	bool		isnull;
	Datum		value;
	char	   *alg = text_column(scan, SIGNING_KEY_ALG);

	key->alg = token_alg_of((Str) {alg, strlen(alg)});
	key->kid = text_column(scan, SIGNING_KEY_KID);
	value = catalog_value(scan, SIGNING_KEY_KEY_ID, &isnull);
	key->key_id = *DatumGetUUIDP(value);
	value = catalog_value(scan, SIGNING_KEY_VERIFY_UNTIL, &isnull);
	key->verify_until = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	(void) catalog_value(scan, SIGNING_KEY_COMPROMISED_AT, &isnull);
	key->compromised = !isnull;
	key->longest_lifetime = lifetime_column(scan);
	*is_active = strcmp(text_column(scan, SIGNING_KEY_STATUS), "active") == 0;
}

/* Keep the key of the row that a scan is on; NULL if we cannot verify with it. */
static const TokenSigningKey *
keep_key(CatalogScan *scan, uint64 loaded_at)
{
	KeptKey    *k = kept_new("signing key", sizeof(KeptKey), loaded_at);
	MemoryContext caller = MemoryContextSwitchTo(k->kept.context);
	TokenKey   *public_key;

	read_key(scan, &k->key, &k->is_active);
	MemoryContextSwitchTo(caller);
	public_key = read_public_key(scan, k->key.alg);
	if (public_key == NULL)
	{
		MemoryContextDelete(k->kept.context);
		return NULL;
	}
	kept_attach_key(public_key, k->kept.context);
	k->key.public_key = public_key;
	k->forget.func = forget_private_key;
	k->forget.arg = k;
	MemoryContextRegisterResetCallback(k->kept.context, &k->forget);
	k->kept.id = k->key.key_id;
	kept_add(&keys, &k->kept);
	return &k->key;
}

static const TokenSigningKey *
load_key(CatalogIndex index, const char *value, uint64 loaded_at, Snapshot snapshot)
{
	CatalogScan scan;
	const TokenSigningKey *key = NULL;

	catalog_scan_begin(&scan, index, CStringGetTextDatum(value), snapshot);
	if (catalog_scan_next(&scan))
		key = keep_key(&scan, loaded_at);
	catalog_scan_end(&scan);
	return key;
}

/* ---------- finding ---------- */

const TokenSigningKey *
signing_key_find(Str kid, uint64 loaded_at, Snapshot snapshot)
{
	dlist_iter	i;

	kept_drop_stale(&keys);
	dlist_foreach(i, &keys.head)
	{
		KeptKey    *k = dlist_container(KeptKey, kept.node, i.cur);

		if (str_is(kid, k->key.kid))
			return &k->key;
	}
	return load_key(SIGNING_KEY_BY_KID, pnstrdup(kid.data, kid.len), loaded_at, snapshot);
}

const TokenSigningKey *
signing_key_active(TokenAlg alg, uint64 loaded_at, Snapshot snapshot)
{
	dlist_iter	i;

	kept_drop_stale(&keys);
	dlist_foreach(i, &keys.head)
	{
		KeptKey    *k = dlist_container(KeptKey, kept.node, i.cur);

		if (k->is_active && k->key.alg == alg)
			return &k->key;
	}
	return load_key(SIGNING_KEY_ACTIVE, token_alg_name(alg), loaded_at, snapshot);
}

/* ---------- signing ---------- */

static char *
subject_of(const char *kid)
{
	return psprintf("signing_key/%s", kid);
}

static TokenKey *
unseal_key(const TokenSigningKey *key)
{
	char	   *subject = subject_of(key->kid);
	Snapshot	snapshot = catalog_take_snapshot();
	Str			sealed = sealed_key_find(subject, snapshot);
	Unsealed	plain;
	TokenKey   *private_key;

	catalog_release_snapshot(snapshot);
	if (sealed.data == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_IO_ERROR),
				 errmsg("signing key %s has no private part", key->kid),
				 errhint("An administrator can create another one with devapp.create_signing_key and activate it with devapp.activate_signing_key.")));
	plain = keyring_unseal(subject, sealed);
	private_key = token_key_from_private(key->alg, plain.data, plain.len);
	keyring_wipe(&plain);
	if (private_key == NULL)
		elog(ERROR, "signing key %s could not be read", key->kid);
	return private_key;
}

const TokenKey *
signing_key_private(const TokenSigningKey *key)
{
	KeptKey    *k = (KeptKey *) ((char *) key - offsetof(KeptKey, key));
	uint64		keyring = keyring_require();

	if (k->private_key == NULL || k->keyring != keyring)
	{
		forget_private_key(k);
		k->private_key = unseal_key(key);
		k->keyring = keyring;
	}
	return k->private_key;
}

void
signing_key_will_sign(const TokenSigningKey *key, int lifetime)
{
	static Oid	types[] = {TEXTOID, INT4OID};
	Datum		values[] = {CStringGetTextDatum(key->kid), Int32GetDatum(lifetime)};

	if (lifetime <= key->longest_lifetime)
		return;
	if (SPI_connect() != SPI_OK_CONNECT ||
		SPI_execute_with_args("SELECT devapp_internal.lengthen_signing_key($1, $2)", lengthof(types),
							  types, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "signing key %s was not lengthened", key->kid);
	SPI_finish();
}

/* ---------- making ---------- */

/* The private part of a key, sealed. */
static bytea *
seal_key(const TokenKey *key, const char *subject)
{
	Unsealed	plain = keyring_room(PRIVATE_KEY_MAX);
	bytea	   *sealed = NULL;

	PG_TRY();
	{
		plain.len = token_key_private(key, plain.data);
		if (plain.len == 0)
			elog(ERROR, "a new key has no private part");
		sealed = keyring_seal(subject, plain.data, plain.len);
	}
	PG_FINALLY();
	{
		keyring_wipe(&plain);
	}
	PG_END_TRY();
	return sealed;
}

/* The public part, as JSON. */
static char *
public_text(const Jwk *jwk, const char *kid)
{
	char	   *text = palloc(JWK_TEXT_MAX);

	if (jwk_write(jwk, (Str) {kid, strlen(kid)}, text) == 0)
		elog(ERROR, "the public key could not be written");
	return text;
}

static char *
thumbprint_text(const Jwk *jwk)
{
	uint8_t		thumbprint[JWK_THUMBPRINT_LEN];
	char	   *text = palloc0(BASE64URL_ENCODED_LEN(JWK_THUMBPRINT_LEN) + 1);

	jwk_thumbprint(jwk, thumbprint);
	(void) base64url_encode(thumbprint, sizeof(thumbprint), text);
	return text;
}

static TokenKey *
generate_key(TokenAlg alg)
{
	TokenKey   *key = token_key_generate(alg);

	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not create a key for %s", token_alg_name(alg))));
	kept_attach_key(key, CurrentMemoryContext);
	return key;
}

/*
 * make_signing_key(alg): a new key as alg, kid, jwk, subject, sealed.  The private part
 * exists in no other form outside of this function.
 */
Datum
devapp_make_signing_key(PG_FUNCTION_ARGS)
{
	text	   *name = PG_GETARG_TEXT_PP(0);
	TokenAlg	alg = token_require_alg((Str) {VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)});
	Datum		values[5];
	bool		nulls[5] = {false};
	TupleDesc	desc;
	Jwk		   *jwk = palloc(sizeof(Jwk));
	TokenKey   *key;
	char	   *kid;
	char	   *subject;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "make_signing_key returns a row");
	key = generate_key(alg);
	if (!token_key_public(key, jwk))
		elog(ERROR, "a new key has no public part");
	kid = thumbprint_text(jwk);
	subject = subject_of(kid);
	values[0] = CStringGetTextDatum(token_alg_name(alg));
	values[1] = CStringGetTextDatum(kid);
	values[2] = DirectFunctionCall1(jsonb_in, CStringGetDatum(public_text(jwk, kid)));
	values[3] = CStringGetTextDatum(subject);
	values[4] = PointerGetDatum(seal_key(key, subject));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
