/*
 * new_app.c
 *		Inserts apps.
 *
 *	insert_app_row(...)	the row of an app; null if its owner has one of this name
 *
 * What goes in is decided by the callers (sql/app/create.sql); the triggers of the table check
 * it and record it, as for any INSERT.
 *
 * Locking: see row_writer.c.  The callers hold the lock of the owner's row, so two apps of one name are
 * made one after the other.  An app that gets the name meanwhile by another way is
 * found by the unique index.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/name.h"
#include "table/catalog.h"
#include "table/row_writer.h"

PG_FUNCTION_INFO_V1(devapp_insert_app_row);

/* The arguments, which have the names of the columns. */
static const struct
{
	const char *name;
	Oid			type;
}			columns[] = {
	{"app_id", UUIDOID}, {"name", TEXTOID}, {"developer_id", UUIDOID}, {"team_id", UUIDOID},
	{"display_name", TEXTOID}, {"description", TEXTOID}, {"callback_urls", TEXTARRAYOID},
	{"scopes", TEXTARRAYOID}, {"app_family", TEXTOID}, {"attributes", JSONBOID},
	{"allowed_cidrs", CIDRARRAYOID}, {"status", TEXTOID}, {"decided_by", TEXTOID},
	{"decision_note", TEXTOID}
};

enum
{
	ARGUMENT_NAME = 1,
	ARGUMENT_DEVELOPER = 2,
	ARGUMENT_TEAM = 3,
	ARGUMENT_DECIDED_BY = 12
};

/* Has the owner an app of this name that is not deleted? */
static bool
is_taken(FunctionCallInfo fcinfo)
{
	int			owner = PG_ARGISNULL(ARGUMENT_DEVELOPER) ? ARGUMENT_TEAM : ARGUMENT_DEVELOPER;
	NullableDatum keys[2];
	Snapshot	snapshot;
	CatalogScan scan;
	bool		found;

	/* the trigger refuses it */
	if (PG_ARGISNULL(owner) || PG_ARGISNULL(ARGUMENT_NAME))
		return false;
	keys[0] = (NullableDatum) {PG_GETARG_DATUM(owner), false};
	keys[1] = (NullableDatum) {PointerGetDatum(name_canonical(PG_GETARG_TEXT_PP(ARGUMENT_NAME))), false};
	snapshot = catalog_take_snapshot();
	catalog_scan_begin_keys(&scan, owner == ARGUMENT_TEAM ? APP_BY_TEAM : APP_BY_DEVELOPER, keys, 2, snapshot);
	found = catalog_scan_next(&scan);
	catalog_scan_end(&scan);
	catalog_release_snapshot(snapshot);
	return found;
}

/* SQL: devapp_internal.insert_app_row(app_id, name, ...) */
Datum
devapp_insert_app_row(PG_FUNCTION_ARGS)
{
	Datum		now = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	RowWriter	writer;
	Datum		row;

	CommandCounterIncrement();
	if (is_taken(fcinfo))
		PG_RETURN_NULL();
	row_writer_open(&writer, APP_BY_ID);
	row_writer_begin_row(&writer);
	for (int i = 0; i < (int) lengthof(columns); i++)
		row_writer_set_argument(&writer, fcinfo, i, columns[i].name, columns[i].type);
	if (PG_ARGISNULL(ARGUMENT_DECIDED_BY))
		row_writer_set_null(&writer, "decided_at");
	else
		row_writer_set(&writer, "decided_at", TIMESTAMPTZOID, now);
	row_writer_set(&writer, "created_at", TIMESTAMPTZOID, now);
	row_writer_set(&writer, "updated_at", TIMESTAMPTZOID, now);
	row_writer_set_null(&writer, "deleted_at");
	if (!row_writer_put(&writer))
		elog(ERROR, "app was not inserted");
	row = row_writer_row(&writer);
	row_writer_close(&writer);
	PG_RETURN_DATUM(row);
}
