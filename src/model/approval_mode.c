/*
 * approval_mode.c
 *		How new apps start, and whether rules decide.
 *
 * Making an app asks for the mode in each function that decides a part, so it is read by index,
 * without a query.  Each new credential asks whether there are rules.
 *
 * Locking: AccessShareLock on devapp.approval_setting and devapp.approval_rule while they are read.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type_d.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/schema.h"
#include "table/catalog.h"

PG_FUNCTION_INFO_V1(devapp_app_approval);
PG_FUNCTION_INFO_V1(devapp_rules_decide);

#define DEFAULT_MODE	"conditional"

/* What set_app_approval() said; NULL: nothing. */
static text *
stored_mode(void)
{
	Snapshot	snapshot = catalog_take_snapshot();
	CatalogScan scan;
	bool		isnull = true;
	Datum		value = (Datum) 0;
	text	   *mode;

	catalog_scan_begin(&scan, APPROVAL_SETTING_BY_NAME, CStringGetTextDatum("app_approval"), snapshot);
	if (catalog_scan_next(&scan))
		value = catalog_value(&scan, APPROVAL_SETTING_VALUE, &isnull);
	mode = isnull ? NULL : DatumGetTextPCopy(value);
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	return mode;
}

/* app_approval(): the mode of now */
Datum
devapp_app_approval(PG_FUNCTION_ARGS)
{
	text	   *mode = stored_mode();

	PG_RETURN_TEXT_P(mode != NULL ? mode : cstring_to_text(DEFAULT_MODE));
}

/* By the snapshot of the statement, which the query that asks the rules has as well. */
static bool
has_enabled_rule(void)
{
	Relation	rules = table_open(schema_require_relation(schema_of_devapp(), "approval_rule"),
								   AccessShareLock);
	int			enabled = SPI_fnumber(RelationGetDescr(rules), "enabled");
	SysScanDesc scan = systable_beginscan(rules, InvalidOid, false, GetActiveSnapshot(), 0, NULL);
	HeapTuple	rule;
	bool		found = false;

	if (enabled <= 0 || SPI_gettypeid(RelationGetDescr(rules), enabled) != BOOLOID)
		elog(ERROR, "approval rules cannot be read");
	while (!found && (rule = systable_getnext(scan)) != NULL)
	{
		bool		isnull;
		Datum		value = heap_getattr(rule, enabled, RelationGetDescr(rules), &isnull);

		found = !isnull && DatumGetBool(value);
	}
	systable_endscan(scan);
	table_close(rules, AccessShareLock);
	return found;
}

/* rules_decide(): is the mode that in which rules are asked, and is there one to ask? */
Datum
devapp_rules_decide(PG_FUNCTION_ARGS)
{
	text	   *mode = stored_mode();

	PG_RETURN_BOOL((mode == NULL || strcmp(text_to_cstring(mode), DEFAULT_MODE) == 0) &&
				   has_enabled_rule());
}
