/*
 * find_credential.c
 *		Finds a credential by its consumer key.
 *
 *	credential_by_key(consumer_key, or_deleted)
 *
 * People give a whole key in the place of a consumer key.  As the value of a query it would be
 * in the log wherever the plans of nested statements are (auto_explain, debug_print_plan); a
 * scan of the index shows it to nobody.
 *
 * The snapshot is that of the calling query.  Locking: AccessShareLock on the table and its
 * index while it scans.  Privileges and row-level security are not asked: the callers run with
 * their owner's rights.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/snapmgr.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_credential_by_key);

/* SQL: devapp_internal.credential_by_key(consumer_key, or_deleted): the id, or null if there is no such credential */
Datum
devapp_credential_by_key(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = NULL;
	CatalogScan scan;

	catalog_scan_begin(&scan, CREDENTIAL_BY_KEY, PG_GETARG_DATUM(0), GetActiveSnapshot());
	if (catalog_scan_next(&scan))
	{
		bool		is_live;
		bool		isnull;

		(void) catalog_value(&scan, CREDENTIAL_DELETED_AT, &is_live);
		if (is_live || PG_GETARG_BOOL(1))
		{
			id = palloc(sizeof(pg_uuid_t));
			*id = *DatumGetUUIDP(catalog_value(&scan, CREDENTIAL_ID, &isnull));
		}
	}
	catalog_scan_end(&scan);
	if (id == NULL)
		PG_RETURN_NULL();
	PG_RETURN_UUID_P(id);
}
