/*
 * devapp.c
 *		Loading the library.
 *
 * Loading does as little as possible, and quietly: it may happen in the
 * postmaster (shared_preload_libraries), in any backend at its first call, or
 * in pg_upgrade.
 */
#include "postgres.h"

#include <sodium.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "base/guc.h"
#include "base/sodium.h"
#include "key/key_core.h"
#include "meter/meter.h"
#include "quota/bucket.h"
#include "table/catalog.h"
#include "table/invalidation.h"
#include "worker/launcher.h"

DEVAPP_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

PG_FUNCTION_INFO_V1(devapp_library_version);
PG_FUNCTION_INFO_V1(devapp_sodium_version);
PG_FUNCTION_INFO_V1(devapp_is_preloaded);

static bool sodium_ready = false;
static bool preloaded = false;

void
_PG_init(void)
{
	preloaded = process_shared_preload_libraries_in_progress;
	key_core_init();
	devapp_define_gucs();
	catalog_init();
	invalidation_init();
	if (preloaded)
	{
		meter_init();
		buckets_init();
		worker_register();
	}
}

void
devapp_require_sodium(void)
{
	if (sodium_ready)
		return;
	if (sodium_init() < 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
				 errmsg("libsodium could not be initialised")));
	sodium_ready = true;
}

Datum
devapp_library_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(DEVAPP_VERSION));
}

Datum
devapp_sodium_version(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(sodium_version_string()));
}

Datum
devapp_is_preloaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(preloaded);
}
