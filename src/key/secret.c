/*
 * secret.c
 *		Digests of secrets, and the type that stores them.
 *
 *	digest = BLAKE2b-256(key = pepper, SHA-256(presented))
 *
 * The secrets that devapp makes have 190 bits, so a fast digest is enough, and
 * the pepper is a second lock.  The inner SHA-256 lets a gateway send that
 * instead of the key.
 *
 * devapp.secret_digest is written as scheme:pepper:hex.  It is compared in
 * constant time, it is not ordered, and no error shows one.
 */
#include "postgres.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

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

#define SCHEME_NAME "blake2b"

/*
 * By OpenSSL, whose code is made for each kind of processor: libsodium's takes more than
 * twice as many instructions, and only the look-ups take more of a first touch.  These
 * functions are the old ones, because the new ones load OpenSSL's configuration and
 * providers first, which costs half of what a connection's first verification may.
 */
void
secret_sha256(const char *data, size_t len, uint8 *out)
{
	SHA256_CTX	context;

	if (SHA256_Init(&context) != 1 ||
		SHA256_Update(&context, data, len) != 1 ||
		SHA256_Final(out, &context) != 1)
		elog(ERROR, "SHA-256 failed");
	sodium_memzero(&context, sizeof(context));
}

static void
compute_with(const uint8 *sha256, const Pepper *pepper, SecretDigest *out)
{
	int			number = pepper ? pepper->number : PEPPER_NONE;

	devapp_require_sodium();
	out->scheme = SECRET_BLAKE2B;
	out->pepper[0] = (uint8) (number >> 8);
	out->pepper[1] = (uint8) (number & 0xFF);
	if (crypto_generichash(out->hash, sizeof(out->hash), sha256, SHA256_LEN,
						   pepper ? pepper->key : NULL,
						   pepper ? pepper->len : 0) != 0)
		elog(ERROR, "BLAKE2b failed");
}

/* Digest with the pepper of that number; false if it is not known. */
bool
secret_digest_compute(const uint8 *sha256, int number, SecretDigest *out)
{
	const Pepper *pepper = NULL;

	if (number != PEPPER_NONE)
	{
		pepper = pepper_find(number);
		if (pepper == NULL)
			return false;
	}
	compute_with(sha256, pepper, out);
	return true;
}

/* Digest with the pepper for new secrets. */
void
secret_digest_new(const uint8 *sha256, SecretDigest *out)
{
	compute_with(sha256, pepper_newest(), out);
}

Datum
secret_digest_datum(const SecretDigest *d)
{
	bytea	   *result = palloc(VARHDRSZ + SECRET_DIGEST_LEN);

	SET_VARSIZE(result, VARHDRSZ + SECRET_DIGEST_LEN);
	memcpy(VARDATA(result), d, SECRET_DIGEST_LEN);
	return PointerGetDatum(result);
}

/* Copy a stored digest out; false if it is none that this library knows. */
bool
secret_digest_read(Datum value, SecretDigest *out)
{
	bytea	   *stored = DatumGetByteaPP(value);

	if (VARSIZE_ANY_EXHDR(stored) != (Size) SECRET_DIGEST_LEN)
		return false;
	memcpy(out, VARDATA_ANY(stored), SECRET_DIGEST_LEN);
	return out->scheme == SECRET_BLAKE2B;
}

/* ---------- the type ---------- */

static bool
parse_digest(const char *s, SecretDigest *d)
{
	char	   *end;
	long		number;
	size_t		len;

	if (strncmp(s, SCHEME_NAME ":", strlen(SCHEME_NAME ":")) != 0)
		return false;
	s += strlen(SCHEME_NAME ":");
	if (*s < '0' || *s > '9')
		return false;
	number = strtol(s, &end, 10);
	if (*end != ':' || number < 0 || number > PEPPER_MAX_NUMBER)
		return false;
	s = end + 1;
	if (strlen(s) != 2 * SECRET_HASH_LEN ||
		sodium_hex2bin(d->hash, sizeof(d->hash), s, strlen(s), NULL, &len,
					   NULL) != 0 ||
		len != SECRET_HASH_LEN)
		return false;
	d->scheme = SECRET_BLAKE2B;
	d->pepper[0] = (uint8) (number >> 8);
	d->pepper[1] = (uint8) (number & 0xFF);
	return true;
}

Datum
devapp_secret_digest_in(PG_FUNCTION_ARGS)
{
	SecretDigest d;

	/* the input is not quoted: it may be a digest, or a secret by mistake */
	if (!parse_digest(PG_GETARG_CSTRING(0), &d))
		compat_input_error(fcinfo,
						   (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
							errmsg("invalid input syntax for type devapp.secret_digest"),
							errhint("Digests are made by devapp; they come in only by restoring a dump.")));
	PG_RETURN_DATUM(secret_digest_datum(&d));
}

Datum
devapp_secret_digest_out(PG_FUNCTION_ARGS)
{
	SecretDigest d;
	char		hex[2 * SECRET_HASH_LEN + 1];

	if (!secret_digest_read(PG_GETARG_DATUM(0), &d))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid devapp.secret_digest")));
	sodium_bin2hex(hex, sizeof(hex), d.hash, sizeof(d.hash));
	PG_RETURN_CSTRING(psprintf("%s:%d:%s", SCHEME_NAME,
							   secret_digest_pepper(&d), hex));
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
	SecretDigest d;

	if (buf->len - buf->cursor == SECRET_DIGEST_LEN)
	{
		pq_copymsgbytes(buf, (char *) &d, SECRET_DIGEST_LEN);
		if (d.scheme == SECRET_BLAKE2B)
			PG_RETURN_DATUM(secret_digest_datum(&d));
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("invalid binary form of type devapp.secret_digest"),
			 errhint("Digests are made by devapp; they come in only by restoring or replicating.")));
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
 * SQL: what may be stored of a key of this SHA-256, one digest for each pepper and the unkeyed one,
 * because which pepper keyed it is not known.
 */
Datum
devapp_secret_digests_of(PG_FUNCTION_ARGS)
{
	bytea	   *sha256 = PG_GETARG_BYTEA_PP(0);
	Oid			element = get_element_type(get_func_rettype(fcinfo->flinfo->fn_oid));
	Datum		digests[PEPPER_MAX_COUNT + 1];
	int			npeppers;
	int			count = 0;
	int16		typlen;
	bool		typbyval;
	char		typalign;

	if (VARSIZE_ANY_EXHDR(sha256) != SHA256_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a SHA-256 must be %d bytes long", SHA256_LEN)));
	/* pepper_look_again() is the verification's: who hears from it has to empty the cache */
	npeppers = pepper_count();
	if (!pepper_file_is_usable())
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("the peppers cannot be read"),
				 errhint("devapp.doctor() says what is wrong with the file.")));
	for (int i = npeppers; i >= 0; i--)
	{
		SecretDigest digest;

		if (secret_digest_compute((const uint8 *) VARDATA_ANY(sha256),
								  i > 0 ? pepper_nth(i - 1)->number : PEPPER_NONE, &digest))
			digests[count++] = secret_digest_datum(&digest);
	}
	get_typlenbyvalalign(element, &typlen, &typbyval, &typalign);
	PG_RETURN_ARRAYTYPE_P(construct_array(digests, count, element, typlen, typbyval, typalign));
}
