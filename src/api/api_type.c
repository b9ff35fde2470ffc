/*
 * api_type.c
 *		Rows of the types of the API over HTTP.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "api/api_type.h"
#include "base/version.h"

#define COLUMNS_MAX	16

Oid
api_type_oid(const char *schema, const char *name)
{
	Oid			type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum(name),
									   ObjectIdGetDatum(get_namespace_oid(schema, false)));

	if (!OidIsValid(type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("type \"%s.%s\" does not exist", schema, name),
				 errhint("Run ALTER EXTENSION devapp UPDATE.")));
	return type;
}

static TupleDesc
pin_columns(const char *schema, const char *name, int n)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(api_type_oid(schema, name), -1);

	/* of the release before it may have fewer */
	if (desc->natts > n || (desc->natts < n && !version_is_previous()) || n > COLUMNS_MAX)
		elog(ERROR, "type %s.%s has %d columns", schema, name, desc->natts);
	return desc;
}

Datum
api_type_make(const char *schema, const char *name, const NullableDatum *columns, int n)
{
	TupleDesc	desc = pin_columns(schema, name, n);
	Datum		values[COLUMNS_MAX];
	bool		nulls[COLUMNS_MAX];
	HeapTuple	tuple;

	for (int i = 0; i < n; i++)
	{
		values[i] = columns[i].value;
		nulls[i] = columns[i].isnull;
	}
	tuple = heap_form_tuple(desc, values, nulls);
	ReleaseTupleDesc(desc);
	return HeapTupleHeaderGetDatum(tuple->t_data);
}

/* What is read points into the row. */
void
api_type_read(Datum row, const char *schema, const char *name, NullableDatum *columns, int n)
{
	TupleDesc	desc = pin_columns(schema, name, n);
	HeapTupleHeader header = DatumGetHeapTupleHeader(row);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(header), .t_data = header};
	Datum		values[COLUMNS_MAX] = {0};
	bool		nulls[COLUMNS_MAX];

	memset(nulls, true, sizeof(nulls));
	if (HeapTupleHeaderGetTypeId(header) != desc->tdtypeid)
		elog(ERROR, "a function returned another type than %s.%s", schema, name);
	heap_deform_tuple(&tuple, desc, values, nulls);
	ReleaseTupleDesc(desc);
	for (int i = 0; i < n; i++)
		columns[i] = (NullableDatum) {values[i], nulls[i]};
}
