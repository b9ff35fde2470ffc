/*
 * new_credential.c
 *		Inserts credentials and their associations with products.
 *
 *	insert_credential(...)	the row of a credential that is approved
 *	insert_association(...)	the row of an association; null if the credential has one with the product
 *
 * What goes in is decided by the callers (sql/credential); the triggers of the tables check
 * it and record it, as for any INSERT.
 *
 * Locking: see row_writer.c.  The callers hold the lock of the app's row or have just made it.
 * They hold that of a credential's row that they associate or have just made it, so nobody else
 * associates it meanwhile.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/uuid.h"

#include "base/compat.h"
#include "base/schema.h"
#include "table/catalog.h"
#include "table/row_writer.h"

PG_FUNCTION_INFO_V1(devapp_insert_credential);
PG_FUNCTION_INFO_V1(devapp_insert_association);

/*
 * SQL: devapp_internal.insert_credential(credential_id, app_id, kind, label, consumer_key,
 * environment, scopes, allowed_cidrs, attributes, expires_at, replaces)
 */
Datum
devapp_insert_credential(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *name;
		Oid			type;
	}			columns[] = {
		{"credential_id", UUIDOID}, {"app_id", UUIDOID}, {"kind", TEXTOID}, {"label", TEXTOID},
		{"consumer_key", TEXTOID}, {"environment", TEXTOID}, {"scopes", TEXTARRAYOID},
		{"allowed_cidrs", CIDRARRAYOID}, {"attributes", JSONBOID}, {"expires_at", TIMESTAMPTZOID},
		{"replaces", UUIDOID}
	};
	static const char *const without_value[] = {
		"revoked_at", "deleted_at", "decided_by", "decided_at", "decision_note"
	};
	RowWriter	writer;

	row_writer_open(&writer, CREDENTIAL_BY_ID);
	row_writer_trust(&writer, "credential_app_id_fkey");
	row_writer_begin_row(&writer);
	for (int i = 0; i < (int) lengthof(columns); i++)
		row_writer_set_argument(&writer, fcinfo, i, columns[i].name, columns[i].type);
	row_writer_set(&writer, "status", TEXTOID, CStringGetTextDatum("approved"));
	row_writer_set(&writer, "issued_at", TIMESTAMPTZOID, row_writer_time());
	for (int i = 0; i < (int) lengthof(without_value); i++)
		row_writer_set_null(&writer, without_value[i]);
	if (!row_writer_put(&writer))
		elog(ERROR, "credential was not inserted");
	row_writer_require_id(&writer, "app_id", PG_GETARG_DATUM(1));
	row_writer_close(&writer);
	PG_RETURN_VOID();
}

/* ---------- associations ---------- */

/* Has the credential an association with the product that was not removed? */
static bool
is_associated(Datum credential_id, Datum product_id)
{
	Snapshot	snapshot = catalog_take_snapshot();
	CatalogScan scan;
	bool		found = false;

	catalog_scan_begin(&scan, CREDENTIAL_PRODUCT_BY_CREDENTIAL, credential_id, snapshot);
	while (!found && catalog_scan_next(&scan))
	{
		bool		isnull;
		Datum		value = catalog_value(&scan, CREDENTIAL_PRODUCT_PRODUCT_ID, &isnull);

		found = !isnull && memcmp(DatumGetUUIDP(value), DatumGetUUIDP(product_id), UUID_LEN) == 0;
	}
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	return found;
}

static int64
next_ordinal(void)
{
	return nextval_internal(schema_require_relation(schema_of_devapp(), "credential_product_ordinal_seq"), false);
}

/*
 * SQL: devapp_internal.insert_association(credential_id, product_id, status, decided_by,
 * decision_note)
 */
Datum
devapp_insert_association(PG_FUNCTION_ARGS)
{
	bool		is_decided = !PG_ARGISNULL(3);
	RowWriter	writer;
	Datum		row;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		elog(ERROR, "an association without a credential or a product");
	CommandCounterIncrement();
	if (is_associated(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1)))
		PG_RETURN_NULL();
	row_writer_open(&writer, CREDENTIAL_PRODUCT_BY_CREDENTIAL);
	row_writer_begin_row(&writer);
	row_writer_set_argument(&writer, fcinfo, 0, "credential_id", UUIDOID);
	row_writer_set_argument(&writer, fcinfo, 1, "product_id", UUIDOID);
	row_writer_set_argument(&writer, fcinfo, 2, "status", TEXTOID);
	row_writer_set_argument(&writer, fcinfo, 3, "decided_by", TEXTOID);
	row_writer_set_argument(&writer, fcinfo, 4, "decision_note", TEXTOID);
	row_writer_set(&writer, "ordinal", INT8OID, Int64GetDatum(next_ordinal()));
	row_writer_set(&writer, "created_at", TIMESTAMPTZOID, row_writer_time());
	row_writer_set_null(&writer, "removed_at");
	if (is_decided)
		row_writer_set(&writer, "decided_at", TIMESTAMPTZOID, row_writer_time());
	else
		row_writer_set_null(&writer, "decided_at");
	if (!row_writer_put(&writer))
		elog(ERROR, "association was not inserted");
	row = row_writer_row(&writer);
	row_writer_close(&writer);
	PG_RETURN_DATUM(row);
}
