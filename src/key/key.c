/*
 * key.c
 *		Making keys, and telling what a key says of itself.
 *
 * Randomness is libsodium's, taken in one piece: each of its bytes costs a system call
 * where randombytes_uniform() asks for them one at a time.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "base/sodium.h"
#include "key/key.h"
#include "key/key_core.h"
#include "key/mask.h"

PG_FUNCTION_INFO_V1(devapp_new_consumer_key);
PG_FUNCTION_INFO_V1(devapp_key_info);
PG_FUNCTION_INFO_V1(devapp_mask_key);
PG_FUNCTION_INFO_V1(devapp_key_pattern);

/* ---------- settings ---------- */

static char *key_prefix = NULL;

static bool
check_key_prefix(char **newval, void **extra, GucSource source)
{
	if (key_prefix_is_valid(*newval, strlen(*newval)))
		return true;
	GUC_check_errdetail("A key prefix must be 1 to %d characters of a-z and 0-9, beginning with a letter.",
						KEY_PREFIX_MAX);
	return false;
}

void
key_define_gucs(void)
{
	DefineCustomStringVariable("devapp.key_prefix",
							   "Sets the prefix of new keys.",
							   "Existing keys keep their prefix.",
							   &key_prefix,
							   "dvk",
							   PGC_SUSET, 0, check_key_prefix, NULL, NULL);
}

/* ---------- making keys ---------- */

/* the greatest multiple of 62 that a byte holds: what is less has no bias modulo 62 */
#define BASE62_BYTES	(62 * 4)

void
key_random_base62(char *out, int len)
{
	uint8		bytes[KEY_SECRET_LEN + KEY_SECRET_LEN / 4];
	int			made = 0;

	devapp_require_sodium();
	while (made < len)
	{
		randombytes_buf(bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes) && made < len; i++)
		{
			if (bytes[i] < BASE62_BYTES)
				out[made++] = key_base62_digit(bytes[i] % 62);
		}
	}
	sodium_memzero(bytes, sizeof(bytes));
}

/*
 * Write a new key for a consumer key to out, which has room for KEY_MAX + 1
 * bytes.  The caller wipes it.
 */
size_t
key_generate(const char *consumer, size_t consumer_len, char *out)
{
	char		secret[KEY_SECRET_LEN];
	size_t		len;

	key_random_base62(secret, KEY_SECRET_LEN);
	len = key_write(out, consumer, consumer_len, secret);
	sodium_memzero(secret, sizeof(secret));
	return len;
}

/* The one rule for environments, of credentials and of products. */
void
key_require_environment(const char *s, size_t len)
{
	if (!key_environment_is_valid(s, len))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" is not an environment", mask_value(s, len)),
				 errhint("An environment has 1 to %d characters of a-z, 0-9 and -, and does not begin with -, like prod or eu-1.",
						 KEY_ENVIRONMENT_MAX)));
}

/*
 * Write a new public part for an environment to out, which has room for KEY_CONSUMER_MAX + 1
 * bytes.
 */
size_t
key_new_consumer(const char *environment, size_t len, char *out)
{
	char		label[KEY_LABEL_MAX + 1];
	char		id[KEY_ID_LEN];

	key_require_environment(environment, len);
	key_write_label(label, environment, len);
	key_random_base62(id, KEY_ID_LEN);
	return key_write_consumer(out, key_prefix, label, id);
}

/* Is it the public part of a key that is made here, and nothing else? */
bool
key_is_public_part(const char *s, size_t len)
{
	ParsedKey	parsed;

	return key_parse_consumer(s, len, &parsed) == KEY_OK &&
		parsed.prefix_len == strlen(key_prefix) && memcmp(s, key_prefix, parsed.prefix_len) == 0;
}

/* SQL: a new public part for an environment; without one it says "live" */
Datum
devapp_new_consumer_key(PG_FUNCTION_ARGS)
{
	char	   *environment = PG_ARGISNULL(0) ? "live" : text_to_cstring(PG_GETARG_TEXT_PP(0));
	char		out[KEY_CONSUMER_MAX + 1];
	size_t		len = key_new_consumer(environment, strlen(environment), out);

	PG_RETURN_TEXT_P(cstring_to_text_with_len(out, (int) len));
}

static Datum
span_datum(const char *s, size_t start, size_t len)
{
	return PointerGetDatum(cstring_to_text_with_len(s + start, (int) len));
}

/*
 * SQL: what a key says of itself.  A consumer key is told from a whole key by
 * its length; the parts are given only where the whole is well formed.
 */
Datum
devapp_key_info(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	const char *s = VARDATA_ANY(t);
	size_t		len = VARSIZE_ANY_EXHDR(t);
	ParsedKey	parsed;
	KeyError	error;
	bool		consumer_only;
	TupleDesc	desc;
	Datum		values[7] = {0};
	bool		nulls[7] = {false, false, false, true, true, true, true};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");

	consumer_only = len <= KEY_CONSUMER_MAX;
	error = consumer_only ? key_parse_consumer(s, len, &parsed) :
		key_parse(s, len, &parsed);
	values[0] = BoolGetDatum(error == KEY_OK);
	values[1] = CStringGetTextDatum(key_error_text(error));
	values[2] = BoolGetDatum(error == KEY_OK && !consumer_only);
	if (error == KEY_OK)
	{
		values[3] = span_datum(s, 0, parsed.consumer_len);
		values[4] = span_datum(s, 0, parsed.prefix_len);
		values[5] = span_datum(s, parsed.label_start, parsed.label_len);
		values[6] = span_datum(s, parsed.id_start, KEY_ID_LEN);
		memset(nulls, false, sizeof(nulls));
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* SQL: the public part of a key, fit for a log */
Datum
devapp_mask_key(PG_FUNCTION_ARGS)
{
	text	   *t = PG_GETARG_TEXT_PP(0);
	const char *s = VARDATA_ANY(t);
	size_t		len = VARSIZE_ANY_EXHDR(t);
	ParsedKey	parsed;

	if (key_parse_consumer(s, len, &parsed) == KEY_OK)
		PG_RETURN_DATUM(span_datum(s, 0, len));
	if (key_parse(s, len, &parsed) == KEY_OK)
		PG_RETURN_TEXT_P(cstring_to_text(psprintf("%.*s_********",
												  (int) parsed.consumer_len, s)));
	PG_RETURN_TEXT_P(cstring_to_text("********"));
}

/*
 * A prefix has no character that means something in a regular expression.  Nothing
 * but classes and counts is used, which all dialects have in common.
 */
Datum
devapp_key_pattern(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s_[a-z0-9]{1,%d}_[0-9A-Za-z]{%d}_[0-9A-Za-z]{%d}",
											  key_prefix, KEY_LABEL_MAX, KEY_ID_LEN,
											  KEY_SECRET_LEN + KEY_CHECKSUM_LEN)));
}
