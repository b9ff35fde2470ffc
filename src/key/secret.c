/*
 * secret.c
 *		Digests of secrets, and the type that stores them.
 *
 *	digest = BLAKE2b-256(key = pepper, SHA-256(presented))
 *
 * The secrets that devapp makes have 190 bits, so a fast digest is enough, and
 * the pepper is a second lock.  The inner SHA-256 lets a gateway send that
 * instead of the key.  Secrets that were imported may have another inner hash, or one
 * that is slow to compute, which is kept as the text that it came in.
 *
 * devapp.secret_digest is written as scheme:pepper:hex, or scheme:text for a slow hash.  It
 * is compared in constant time, it is not ordered, and no error shows one.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "libpq/pqformat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "key/pepper.h"
#include "key/secret.h"

PG_FUNCTION_INFO_V1(devapp_secret_digest_in);
PG_FUNCTION_INFO_V1(devapp_secret_digest_out);
PG_FUNCTION_INFO_V1(devapp_secret_digest_send);
PG_FUNCTION_INFO_V1(devapp_secret_digest_recv);
PG_FUNCTION_INFO_V1(devapp_secret_digest_eq);
PG_FUNCTION_INFO_V1(devapp_secret_digest_hash);
PG_FUNCTION_INFO_V1(devapp_secret_digest_pepper);
PG_FUNCTION_INFO_V1(devapp_secret_digests_of);

static const struct
{
	SecretScheme scheme;
	const char *name;
	bool		slow;
}			schemes[] = {
	{SECRET_BLAKE2B, "blake2b", false},
	{SECRET_SHA512_256, "blake2b_sha512_256", false},
	{SECRET_CRYPT, "crypt", true},
	{SECRET_ARGON2ID, "argon2id", true},
	{SECRET_SCRYPT, "scrypt", true},
	{SECRET_PBKDF2_SHA256, "pbkdf2_sha256", true},
};

/* Where a scheme is in the list; -1: it is not known. */
static int
find_scheme(uint8 scheme)
{
	for (int i = 0; i < (int) lengthof(schemes); i++)
	{
		if (schemes[i].scheme == scheme)
			return i;
	}
	return -1;
}

static bool
is_fast(uint8 scheme)
{
	int			i = find_scheme(scheme);

	return i >= 0 && !schemes[i].slow;
}

static bool
is_slow(uint8 scheme)
{
	int			i = find_scheme(scheme);

	return i >= 0 && schemes[i].slow;
}

/* Put a digest together that was computed with the pepper of that number. */
void
secret_digest_set(SecretScheme scheme, int pepper, const uint8 *digested, SecretDigest *out)
{
	out->scheme = (uint8) scheme;
	out->pepper[0] = (uint8) (pepper >> 8);
	out->pepper[1] = (uint8) (pepper & 0xFF);
	memcpy(out->hash, digested, sizeof(out->hash));
}

static void
compute_with(SecretScheme scheme, const uint8 *hash, const Pepper *pepper, SecretDigest *out)
{
	uint8		digested[SECRET_HASH_LEN];

	devapp_require_sodium();
	if (crypto_generichash(digested, sizeof(digested), hash, SHA256_LEN,
						   pepper ? pepper->key : NULL,
						   pepper ? pepper->len : 0) != 0)
		elog(ERROR, "BLAKE2b failed");
	secret_digest_set(scheme, pepper ? pepper->number : PEPPER_NONE, digested, out);
}

/* Digest with the pepper of that number; false if it is not known. */
bool
secret_digest_compute(SecretScheme scheme, const uint8 *hash, int number, SecretDigest *out)
{
	const Pepper *pepper = NULL;

	if (number != PEPPER_NONE)
	{
		pepper = pepper_find(number);
		if (pepper == NULL)
			return false;
	}
	compute_with(scheme, hash, pepper, out);
	return true;
}

/* Digest with the pepper for new secrets. */
void
secret_digest_new(SecretScheme scheme, const uint8 *hash, SecretDigest *out)
{
	compute_with(scheme, hash, pepper_newest(), out);
}

Datum
secret_digest_datum(const SecretDigest *d)
{
	bytea	   *result = palloc(VARHDRSZ + SECRET_DIGEST_LEN);

	SET_VARSIZE(result, VARHDRSZ + SECRET_DIGEST_LEN);
	memcpy(VARDATA(result), d, SECRET_DIGEST_LEN);
	return PointerGetDatum(result);
}

/* A slow hash is stored as its scheme and its text. */
Datum
secret_slow_datum(SecretScheme scheme, const char *hash, size_t len)
{
	bytea	   *result = palloc(VARHDRSZ + 1 + len);

	SET_VARSIZE(result, VARHDRSZ + 1 + len);
	*VARDATA(result) = (char) scheme;
	memcpy(VARDATA(result) + 1, hash, len);
	return PointerGetDatum(result);
}

/* The text of a slow hash, and its scheme; NULL if it is not one, or the scheme is unknown. */
char *
secret_slow_read(Datum value, SecretDigest *scheme_only)
{
	bytea	   *stored = DatumGetByteaPP(value);
	Size		len = VARSIZE_ANY_EXHDR(stored);

	if (len < 2 || len > 1 + SECRET_SLOW_MAX || !is_slow((uint8) *VARDATA_ANY(stored)))
		return NULL;
	memset(scheme_only, 0, sizeof(SecretDigest));
	scheme_only->scheme = (uint8) *VARDATA_ANY(stored);
	return pnstrdup(VARDATA_ANY(stored) + 1, len - 1);
}

/* Copy a stored digest out; false if it is a slow hash, or its scheme is unknown. */
bool
secret_digest_read(Datum value, SecretDigest *out)
{
	bytea	   *stored = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(stored) != (Size) SECRET_DIGEST_LEN)
		return false;
	memcpy(out, VARDATA_ANY(stored), SECRET_DIGEST_LEN);
	return is_fast(out->scheme);
}

/* ---------- the type ---------- */

/* Read what comes after the name of a fast scheme: pepper:hex. */
static bool
parse_fast(const char *s, SecretScheme scheme, SecretDigest *d)
{
	char	   *end;
	long		number;
	size_t		len;
	uint8		digested[SECRET_HASH_LEN];

	if (*s < '0' || *s > '9')
		return false;
	number = strtol(s, &end, 10);
	if (*end != ':' || number < 0 || number > PEPPER_MAX_NUMBER)
		return false;
	s = end + 1;
	if (strlen(s) != 2 * SECRET_HASH_LEN ||
		sodium_hex2bin(digested, sizeof(digested), s, strlen(s), NULL, &len,
					   NULL) != 0 ||
		len != SECRET_HASH_LEN)
		return false;
	secret_digest_set(scheme, (int) number, digested, d);
	return true;
}

/* Is it printable ASCII, and as long as a slow hash can be? */
static bool
is_slow_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	}
	return len > 0 && len <= SECRET_SLOW_MAX;
}

/* The stored form of a text; 0 if it is not a digest. */
static Datum
parse_digest(const char *s)
{
	for (int i = 0; i < (int) lengthof(schemes); i++)
	{
		size_t		len = strlen(schemes[i].name);
		SecretDigest d;

		if (strncmp(s, schemes[i].name, len) != 0 || s[len] != ':')
			continue;
		s += len + 1;
		if (schemes[i].slow)
			return is_slow_text(s, strlen(s)) ?
				secret_slow_datum(schemes[i].scheme, s, strlen(s)) : (Datum) 0;
		return parse_fast(s, schemes[i].scheme, &d) ? secret_digest_datum(&d) : (Datum) 0;
	}
	return (Datum) 0;
}

Datum
devapp_secret_digest_in(PG_FUNCTION_ARGS)
{
	Datum		digest = parse_digest(PG_GETARG_CSTRING(0));

	/* the input is not quoted: it may be a digest, or a secret by mistake */
	if (digest == (Datum) 0)
		compat_input_error(fcinfo,
						   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("invalid input syntax for type devapp.secret_digest"),
							errhint("Digests are computed by devapp and can be entered only by restoring a dump.")));
	PG_RETURN_DATUM(digest);
}

Datum
devapp_secret_digest_out(PG_FUNCTION_ARGS)
{
	SecretDigest d;
	char		hex[2 * SECRET_HASH_LEN + 1];
	char	   *slow;

	if (secret_digest_read(PG_GETARG_DATUM(0), &d))
	{
		sodium_bin2hex(hex, sizeof(hex), d.hash, sizeof(d.hash));
		PG_RETURN_CSTRING(psprintf("%s:%d:%s", schemes[find_scheme(d.scheme)].name,
								   secret_digest_pepper(&d), hex));
	}
	slow = secret_slow_read(PG_GETARG_DATUM(0), &d);
	if (slow == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid devapp.secret_digest")));
	PG_RETURN_CSTRING(psprintf("%s:%s", schemes[find_scheme(d.scheme)].name, slow));
}

/* The bytes as they are stored. */
Datum
devapp_secret_digest_send(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(PG_GETARG_BYTEA_P_COPY(0));
}

Datum
devapp_secret_digest_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			len = buf->len - buf->cursor;
	char		bytes[1 + SECRET_SLOW_MAX];

	if (len > 1 && len <= (int) sizeof(bytes))
	{
		pq_copymsgbytes(buf, bytes, len);
		if ((len == SECRET_DIGEST_LEN && is_fast((uint8) bytes[0])) ||
			(is_slow((uint8) bytes[0]) && is_slow_text(bytes + 1, (size_t) len - 1)))
			PG_RETURN_BYTEA_P(cstring_to_text_with_len(bytes, len));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type devapp.secret_digest"),
			 errhint("Digests are computed by devapp and can be entered only by restoring or replicating.")));
}

Datum
devapp_secret_digest_eq(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_PP(0);
	bytea	   *b = PG_GETARG_BYTEA_PP(1);

	devapp_require_sodium();
	PG_RETURN_BOOL(VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
				   sodium_memcmp(VARDATA_ANY(a), VARDATA_ANY(b),
								 VARSIZE_ANY_EXHDR(a)) == 0);
}

Datum
devapp_secret_digest_hash(PG_FUNCTION_ARGS)
{
	bytea	   *a = PG_GETARG_BYTEA_PP(0);

	return hash_any((unsigned char *) VARDATA_ANY(a),
					(int) VARSIZE_ANY_EXHDR(a));
}

/* SQL: the number of the pepper, for doctor() and for planning a change. */
Datum
devapp_secret_digest_pepper(PG_FUNCTION_ARGS)
{
	SecretDigest d;

	if (!secret_digest_read(PG_GETARG_DATUM(0), &d))
		PG_RETURN_NULL();
	PG_RETURN_INT32(secret_digest_pepper(&d));
}

/*
 * What may be stored of a key of this hash: one digest for each pepper and the unkeyed one, because
 * which pepper keyed it is not known.  Returns how many there are.
 */
int
secret_possible_digests(SecretScheme scheme, const uint8 *hash, Datum digests[SECRET_DIGESTS_MAX])
{
	int			npeppers;
	int			count = 0;

	/* pepper_look_again() is the verification's: who hears from it has to empty the cache */
	npeppers = pepper_count();
	if (!pepper_file_is_usable())
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not read the peppers"),
				 errhint("See the check \"pepper\" of devapp.doctor().")));
	for (int i = npeppers; i >= 0; i--)
	{
		SecretDigest digest;

		if (secret_digest_compute(scheme, hash, i > 0 ? pepper_nth(i - 1)->number : PEPPER_NONE, &digest))
			digests[count++] = secret_digest_datum(&digest);
	}
	return count;
}

/* The same as an array of that type. */
ArrayType *
secret_digests_array(SecretScheme scheme, const uint8 *hash, Oid element)
{
	Datum		digests[SECRET_DIGESTS_MAX];
	int			count = secret_possible_digests(scheme, hash, digests);
	int16		typlen;
	bool		typbyval;
	char		typalign;

	get_typlenbyvalalign(element, &typlen, &typbyval, &typalign);
	return construct_array(digests, count, element, typlen, typbyval, typalign);
}

/* SQL: secret_digests_of(sha256) */
Datum
devapp_secret_digests_of(PG_FUNCTION_ARGS)
{
	bytea	   *sha256 = PG_GETARG_BYTEA_PP(0);

	if (VARSIZE_ANY_EXHDR(sha256) != SHA256_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a SHA-256 digest must be %d bytes long", SHA256_LEN)));
	PG_RETURN_ARRAYTYPE_P(secret_digests_array(SECRET_BLAKE2B, (const uint8 *) VARDATA_ANY(sha256),
											   get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid))));
}
