/*
 * sodium.c
 *		libsodium, ready to be used.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/compat.h"
#include "base/sodium.h"

PG_FUNCTION_INFO_V1(devapp_sodium_version);

void
devapp_require_sodium(void)
{
	static bool ready = false;

	if (ready)
		return;
	if (sodium_init() < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("could not initialize libsodium")));
	ready = true;
}

Datum
devapp_sodium_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sodium_version_string()));
}
