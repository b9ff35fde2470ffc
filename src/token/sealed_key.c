/*
 * sealed_key.c
 *		What is sealed in the database: devapp.sealed_key.
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "base/compat.h"
#include "table/catalog.h"
#include "token/sealed_key.h"

Str
sealed_key_find(const char *subject, Snapshot snapshot)
{
	CatalogScan scan;
	Str			sealed = {NULL, 0};

	catalog_scan_begin(&scan, SEALED_KEY_BY_SUBJECT, CStringGetTextDatum(subject), snapshot);
	if (catalog_scan_next(&scan))
	{
		bool		isnull;
		bytea	   *value = DatumGetByteaPCopy(catalog_value(&scan, SEALED_KEY_SEALED, &isnull));

		sealed = (Str) {VARDATA(value), VARSIZE(value) - VARHDRSZ};
	}
	catalog_scan_end(&scan);
	return sealed;
}
