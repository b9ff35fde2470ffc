/*
 * mask.c
 *		Values of callers, as errors may show them.
 *
 * Errors go to the log, and a key may come where another value belongs.  Whatever quotes
 * a caller's value in a message takes it from here.
 */
#include "postgres.h"

#include <sodium.h>

#include "utils/builtins.h"

#include "key/key_core.h"
#include "key/mask.h"

PG_FUNCTION_INFO_V1(devapp_masked);

/*
 * A copy of a value, ended by a zero, with stars in the place of the secrets of keys and the
 * signatures of tokens.
 */
char *
mask_value(const char *value, size_t len)
{
	char	   *copy = pnstrdup(value, len);

	copy[key_mask(copy, strlen(copy))] = '\0';
	return copy;
}

char *
mask_string(const char *value)
{
	return mask_value(value, strlen(value));
}

/* Is there a key or a token in a value? */
bool
mask_finds_key(const char *value, size_t len)
{
	char	   *copy = pnstrdup(value, len);
	bool		found = key_mask(copy, len) != len;

	sodium_memzero(copy, len);
	pfree(copy);
	return found;
}

/* SQL: masked(value) */
Datum
devapp_masked(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(mask_string(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}
