/*
 * library.c
 *		What the library tells of itself.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/compat.h"
#include "base/library.h"

PG_FUNCTION_INFO_V1(devapp_library_version);
PG_FUNCTION_INFO_V1(devapp_is_preloaded);

bool		library_is_preloaded = false;

Datum
devapp_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(DEVAPP_VERSION));
}

Datum
devapp_is_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(library_is_preloaded);
}
