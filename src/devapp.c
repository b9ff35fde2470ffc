/*
 * devapp.c
 *		Loading the library.
 *
 * Loading does as little as possible, and quietly: it may happen in the
 * postmaster (shared_preload_libraries), in any backend at its first call, or
 * in pg_upgrade.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "api/pre_request.h"
#include "api/proxy.h"
#include "api/route.h"
#include "api/setting.h"
#include "base/compat.h"
#include "base/guc.h"
#include "base/library.h"
#include "base/restore.h"
#include "decide/cache.h"
#include "decide/verdict_type.h"
#include "import/failure_limit.h"
#include "import/slow_limit.h"
#include "key/key.h"
#include "key/key_core.h"
#include "key/pepper.h"
#include "meter/meter.h"
#include "meter/registry.h"
#include "model/change_note.h"
#include "model/identity.h"
#include "quota/bucket.h"
#include "quota/lease.h"
#include "seal/seal.h"
#include "seal/signing_key.h"
#include "ship/sender.h"
#include "ship/spool.h"
#include "standby/heartbeat.h"
#include "standby/standby.h"
#include "table/catalog.h"
#include "table/invalidation.h"
#include "token/dpop.h"
#include "token/keyring.h"
#include "token/token_setting.h"
#include "token/token_secret.h"
#include "worker/housekeeper.h"
#include "worker/launcher.h"

DEVAPP_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

static void
define_gucs(void)
{
	base_define_gucs();
	key_define_gucs();
	pepper_define_gucs();
	identity_define_gucs();
	change_note_define_gucs();
	cache_define_gucs();
	slow_limit_define_gucs();
	meter_define_gucs();
	buckets_define_gucs();
	signing_key_define_gucs();
	seal_define_gucs();
	sender_define_gucs();
	standby_define_gucs();
	keyring_define_gucs();
	dpop_define_gucs();
	token_setting_define_gucs();
	housekeeper_define_gucs();
	api_define_gucs();
	proxy_define_gucs();
	pre_request_define_gucs();
	base_reserve_gucs();
}

void
_PG_init(void)
{
	library_is_preloaded = process_shared_preload_libraries_in_progress;
	key_core_init();
	define_gucs();
	catalog_init();
	verdict_type_init();
	invalidation_init();
	restore_init();
	token_secret_init();
	route_init();
	if (library_is_preloaded)
	{
		registry_init();
		meter_init();
		spool_init();
		buckets_init();
		dpop_init();
		failure_limit_init();
		heartbeat_init();
		/* what pg_upgrade starts is its own until it is whole */
		if (!IsBinaryUpgrade)
			launcher_register();
	}
}
