/*
 * issued_row.c
 *		What a call that makes a secret returns, but for the secret.
 *
 * The rows are read by index from the tables, as they are now: with what the call has done
 * so far and what triggers made of it.  A query would take longer to start than to run.
 *
 * Locking: AccessShareLock on a table while it is read.  The callers hold locks on the rows of
 * the credentials (sql/credential/issue.sql).
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"

#include "base/compat.h"
#include "model/issued_row.h"
#include "table/catalog.h"

/* A product that a credential is associated with. */
typedef struct Association
{
	int64		ordinal;
	pg_uuid_t	product_id;
	bool		pending;
	Datum		name;
} Association;

/* ---------- reading ---------- */

static void
set_value(IssuedRow *row, IssuedColumn column, Datum value)
{
	row->values[column] = value;
	row->nulls[column] = false;
}

/* Copy the value of a column to where it outlives the scan. */
static void
take_value(IssuedRow *row, IssuedColumn to, CatalogScan *scan, CatalogColumn from)
{
	bool		isnull;
	Datum		value = catalog_value(scan, from, &isnull);

	if (!isnull)
	{
		Form_pg_attribute att = TupleDescAttr(scan->slot->tts_tupleDescriptor, catalog_column(from) - 1);

		set_value(row, to, datumCopy(value, att->attbyval, att->attlen));
	}
}

static Datum
require_value(CatalogScan *scan, CatalogColumn column)
{
	bool		isnull;
	Datum		value = catalog_value(scan, column, &isnull);

	if (isnull)
		elog(ERROR, "a row of devapp has no value in a column of its own");
	return value;
}

static void
describe_credential(IssuedRow *row, Snapshot snapshot)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, CREDENTIAL_BY_ID, row->values[ISSUED_CREDENTIAL_ID], snapshot);
	if (!catalog_scan_next(&scan))
		elog(ERROR, "credential not found");
	take_value(row, ISSUED_APP_ID, &scan, CREDENTIAL_APP_ID);
	take_value(row, ISSUED_KIND, &scan, CREDENTIAL_KIND);
	take_value(row, ISSUED_CONSUMER_KEY, &scan, CREDENTIAL_CONSUMER_KEY);
	take_value(row, ISSUED_STATUS, &scan, CREDENTIAL_STATUS);
	take_value(row, ISSUED_ENVIRONMENT, &scan, CREDENTIAL_ENVIRONMENT);
	take_value(row, ISSUED_EXPIRES_AT, &scan, CREDENTIAL_EXPIRES_AT);
	catalog_scan_end(&scan);
}

static void
describe_app(IssuedRow *row, Snapshot snapshot)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, APP_BY_ID, row->values[ISSUED_APP_ID], snapshot);
	if (catalog_scan_next(&scan))
		take_value(row, ISSUED_APP_STATUS, &scan, APP_STATUS);
	catalog_scan_end(&scan);
}

/* One more than the latest secret has; the others are not read, however many there are. */
static void
describe_version(IssuedRow *row, Snapshot snapshot)
{
	CatalogScan scan;
	int32		latest = 0;

	catalog_scan_begin(&scan, SECRET_BY_CREDENTIAL, row->values[ISSUED_CREDENTIAL_ID], snapshot);
	if (catalog_scan_last(&scan))
		latest = DatumGetInt32(require_value(&scan, SECRET_VERSION));
	catalog_scan_end(&scan);
	set_value(row, ISSUED_VERSION, Int32GetDatum(latest + 1));
}

/* ---------- products ---------- */

static int
compare_ordinals(const void *a, const void *b)
{
	int64		x = ((const Association *) a)->ordinal;
	int64		y = ((const Association *) b)->ordinal;

	return (x > y) - (x < y);
}

/* Byte by byte, as COLLATE "C". */
static int
compare_names(const void *a, const void *b)
{
	const text *x = DatumGetTextPP(*(const Datum *) a);
	const text *y = DatumGetTextPP(*(const Datum *) b);
	int			lx = (int) VARSIZE_ANY_EXHDR(x);
	int			ly = (int) VARSIZE_ANY_EXHDR(y);
	int			order = memcmp(VARDATA_ANY(x), VARDATA_ANY(y), (size_t) Min(lx, ly));

	return order != 0 ? order : lx - ly;
}

static int
read_associations(Datum credential_id, Association **found, Snapshot snapshot)
{
	CatalogScan scan;
	int			room = 8;
	int			n = 0;

	*found = palloc(sizeof(Association) * (size_t) room);
	catalog_scan_begin(&scan, CREDENTIAL_PRODUCT_BY_CREDENTIAL, credential_id, snapshot);
	while (catalog_scan_next(&scan))
	{
		Association *a;

		if (n == room)
		{
			room *= 2;
			*found = repalloc(*found, sizeof(Association) * (size_t) room);
		}
		a = &(*found)[n++];
		a->ordinal = DatumGetInt64(require_value(&scan, CREDENTIAL_PRODUCT_ORDINAL));
		a->product_id = *DatumGetUUIDP(require_value(&scan, CREDENTIAL_PRODUCT_PRODUCT_ID));
		a->pending = strcmp(TextDatumGetCString(require_value(&scan, CREDENTIAL_PRODUCT_STATUS)), "pending") == 0;
	}
	catalog_scan_end(&scan);
	return n;
}

static void
read_names(Association *associations, int n, Snapshot snapshot)
{
	CatalogScan scan;

	catalog_scan_begin(&scan, PRODUCT_BY_ID, UUIDPGetDatum(&associations[0].product_id), snapshot);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			catalog_scan_again(&scan, UUIDPGetDatum(&associations[i].product_id));
		if (!catalog_scan_next(&scan))
			elog(ERROR, "product not found");
		associations[i].name = datumCopy(require_value(&scan, PRODUCT_NAME), false, -1);
	}
	catalog_scan_end(&scan);
}

static Datum
names_array(Datum *names, int n)
{
	return PointerGetDatum(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}

/* In the order in which they were asked for; those that wait, by name. */
static void
describe_products(IssuedRow *row, Snapshot snapshot)
{
	Association *associations;
	int			n = read_associations(row->values[ISSUED_CREDENTIAL_ID], &associations, snapshot);
	Datum	   *names = palloc(sizeof(Datum) * (size_t) Max(n, 1));
	int			npending = 0;

	qsort(associations, (size_t) n, sizeof(Association), compare_ordinals);
	if (n > 0)
		read_names(associations, n, snapshot);
	for (int i = 0; i < n; i++)
		names[i] = associations[i].name;
	set_value(row, ISSUED_PRODUCTS, names_array(names, n));
	for (int i = 0; i < n; i++)
	{
		if (associations[i].pending)
			names[npending++] = associations[i].name;
	}
	if (npending == 0)
		return;
	qsort(names, (size_t) npending, sizeof(Datum), compare_names);
	set_value(row, ISSUED_PENDING_PRODUCTS, names_array(names, npending));
}

/* Fill in the rows for credentials, in the current memory context. */
void
issued_row_describe(IssuedRow *rows, const Datum *credential_ids, const NullableDatum *previous, int n)
{
	Snapshot	snapshot;

	/* see what the command that calls has done */
	CommandCounterIncrement();
	snapshot = catalog_take_snapshot();
	for (int i = 0; i < n; i++)
	{
		IssuedRow  *row = &rows[i];

		memset(row->nulls, true, sizeof(row->nulls));
		set_value(row, ISSUED_CREDENTIAL_ID, credential_ids[i]);
		if (!previous[i].isnull)
			set_value(row, ISSUED_PREVIOUS_VALID_UNTIL, previous[i].value);
		describe_credential(row, snapshot);
		describe_app(row, snapshot);
		describe_version(row, snapshot);
		describe_products(row, snapshot);
	}
	catalog_release_snapshot(snapshot);
}
