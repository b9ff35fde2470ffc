/*
 * helper.c
 *		Functions for the benchmark: one that does nothing, and ones that make a
 *		key and its digest from a number, so that millions can be loaded quickly.
 */
#include "postgres.h"

#include <sodium.h>

#include "fmgr.h"
#include "key_core.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(bench_noop);
PG_FUNCTION_INFO_V1(bench_key);
PG_FUNCTION_INFO_V1(bench_digest);

void
_PG_init(void)
{
	key_core_init();
	if (sodium_init() < 0)
		elog(ERROR, "libsodium could not be initialised");
}

Datum
bench_noop(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

static void
write_number(char *out, int len, uint64 n)
{
	for (int i = len - 1; i >= 0; i--)
	{
		out[i] = key_base62_digit((unsigned) (n % 62));
		n /= 62;
	}
}

/* bench_key(n, wrong): the nth key; wrong makes a well-formed one nobody has */
Datum
bench_key(PG_FUNCTION_ARGS)
{
	uint64		n = (uint64) PG_GETARG_INT64(0);
	bool		wrong = PG_GETARG_BOOL(1);
	char		id[KEY_ID_LEN];
	char		secret[KEY_SECRET_LEN];
	char		consumer[KEY_CONSUMER_MAX + 1];
	char		key[KEY_MAX + 1];
	size_t		len;

	write_number(id, KEY_ID_LEN, (n + wrong * UINT64CONST(1000000000000)) * UINT64CONST(2654435761));
	write_number(secret, KEY_SECRET_LEN, n * UINT64CONST(11400714819323198485));
	len = key_write_consumer(consumer, "dvk", "live", id);
	len = key_write(key, consumer, len, secret);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(key, (int) len));
}

/* bench_digest(key): as devapp stores it, unkeyed */
Datum
bench_digest(PG_FUNCTION_ARGS)
{
	text	   *key = PG_GETARG_TEXT_PP(0);
	unsigned char sha256[crypto_hash_sha256_BYTES];
	unsigned char hash[32];
	char		hex[65];

	crypto_hash_sha256(sha256, (unsigned char *) VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key));
	crypto_generichash(hash, sizeof(hash), sha256, sizeof(sha256), NULL, 0);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("blake2b:0:%s", hex)));
}
