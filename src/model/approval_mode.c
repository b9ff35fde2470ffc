/*
 * approval_mode.c
 *		How new apps start.
 *
 * Making an app asks for this in each function that decides a part, so it is read by index,
 * without a query.
 *
 * Locking: AccessShareLock on devapp.approval_setting while it is read.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_app_approval);

/* app_approval(): what set_app_approval() said, or the default */
Datum
devapp_app_approval(PG_FUNCTION_ARGS)
{
	Snapshot	snapshot = catalog_take_snapshot();
	CatalogScan scan;
	bool		isnull = true;
	Datum		mode = (Datum) 0;

	catalog_scan_begin(&scan, APPROVAL_SETTING_BY_NAME, CStringGetTextDatum("app_approval"), snapshot);
	if (catalog_scan_next(&scan))
		mode = catalog_value(&scan, APPROVAL_SETTING_VALUE, &isnull);
	if (isnull)
		mode = CStringGetTextDatum("conditional");
	else
		mode = PointerGetDatum(DatumGetTextPCopy(mode));
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	PG_RETURN_DATUM(mode);
}
