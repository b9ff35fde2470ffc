/*
 * put_imported.c
 *		Inserts the credentials of a document, many in a statement.
 *
 *	put_imported(items, decider)	their rows, those of their secrets, and those of their associations
 *
 * One statement for each table, as its triggers see it.  A foreign key would be checked by a query
 * for each row; here the caller (insert_imported) has locked the apps and the products, which are few, and
 * the credentials are those that the statement before has made.  Nobody can have deleted one since: no other
 * transaction sees it, and the triggers of the table refuse.
 *
 * Locking: see row_writer.c.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/schema.h"
#include "base/uuid.h"
#include "import/imported.h"
#include "table/catalog.h"
#include "table/row_writer.h"

PG_FUNCTION_INFO_V1(devapp_put_imported);

/* The attributes of devapp.import_item that are read here. */
typedef enum ItemColumn
{
	ITEM_N,
	ITEM_CREDENTIAL_ID,
	ITEM_APP_ID,
	ITEM_KIND,
	ITEM_SCHEME,
	ITEM_CONSUMER_KEY,
	ITEM_LABEL,
	ITEM_ENVIRONMENT,
	ITEM_STATUS,
	ITEM_SCOPES,
	ITEM_ALLOWED_CIDRS,
	ITEM_ATTRIBUTES,
	ITEM_EXPIRES_AT,
	ITEM_PRODUCT_IDS,
	ITEM_PRODUCT_STATUSES,
	ITEM_OLDER,
	ITEM_OLDER_SCHEMES,
	ITEM_OLDER_UNTIL
} ItemColumn;

#define ITEM_COLUMNS	(ITEM_OLDER_UNTIL + 1)

static const struct
{
	const char *name;
	Oid			type;
}			item_columns[ITEM_COLUMNS] = {
	[ITEM_N] = {"n", INT4OID},
	[ITEM_CREDENTIAL_ID] = {"credential_id", UUIDOID},
	[ITEM_APP_ID] = {"app_id", UUIDOID},
	[ITEM_KIND] = {"kind", TEXTOID},
	[ITEM_SCHEME] = {"scheme", TEXTOID},
	[ITEM_CONSUMER_KEY] = {"consumer_key", TEXTOID},
	[ITEM_LABEL] = {"label", TEXTOID},
	[ITEM_ENVIRONMENT] = {"environment", TEXTOID},
	[ITEM_STATUS] = {"status", TEXTOID},
	[ITEM_SCOPES] = {"scopes", TEXTARRAYOID},
	[ITEM_ALLOWED_CIDRS] = {"allowed_cidrs", CIDRARRAYOID},
	[ITEM_ATTRIBUTES] = {"attributes", JSONBOID},
	[ITEM_EXPIRES_AT] = {"expires_at", TIMESTAMPTZOID},
	[ITEM_PRODUCT_IDS] = {"product_ids", UUIDARRAYOID},
	[ITEM_PRODUCT_STATUSES] = {"product_statuses", TEXTARRAYOID},
	[ITEM_OLDER] = {"older", INT4ARRAYOID},
	[ITEM_OLDER_SCHEMES] = {"older_schemes", TEXTARRAYOID},
	[ITEM_OLDER_UNTIL] = {"older_until", TIMESTAMPTZARRAYOID},
};

typedef struct ImportItem
{
	NullableDatum values[ITEM_COLUMNS];
} ImportItem;

typedef struct ImportItems
{
	int			n;
	ImportItem	   *items;
	Datum		decider;		/* text: who imports */
} ImportItems;

/* ---------- reading ---------- */

static void
find_columns(TupleDesc desc, int *attnos)
{
	for (int i = 0; i < ITEM_COLUMNS; i++)
	{
		attnos[i] = 0;
		for (int j = 0; j < desc->natts && attnos[i] == 0; j++)
		{
			Form_pg_attribute att = TupleDescAttr(desc, j);

			if (!att->attisdropped && att->atttypid == item_columns[i].type &&
				strcmp(NameStr(att->attname), item_columns[i].name) == 0)
				attnos[i] = att->attnum;
		}
		if (attnos[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("type \"devapp.import_item\" does not have the attribute \"%s\" that the library expects",
							item_columns[i].name),
					 errhint("Run ALTER EXTENSION devapp UPDATE, or install the library of this version.")));
	}
}

static ImportItems
read_items(ArrayType *array)
{
	Oid			type = ARR_ELEMTYPE(array);
	TupleDesc	desc = lookup_rowtype_tupdesc(type, -1);
	Datum	   *rows;
	bool	   *nulls;
	ImportItems		items;
	int			attnos[ITEM_COLUMNS];

	find_columns(desc, attnos);
	deconstruct_array(array, type, -1, false, TYPALIGN_DOUBLE, &rows, &nulls, &items.n);
	items.items = palloc(sizeof(ImportItem) * (size_t) Max(items.n, 1));
	for (int i = 0; i < items.n; i++)
	{
		HeapTupleHeader row = nulls[i] ? NULL : DatumGetHeapTupleHeader(rows[i]);
		HeapTupleData tuple = {.t_data = row};

		if (row == NULL)
			elog(ERROR, "an item of an import is null");
		tuple.t_len = HeapTupleHeaderGetDatumLength(row);
		for (int j = 0; j < ITEM_COLUMNS; j++)
			items.items[i].values[j].value = heap_getattr(&tuple, attnos[j], desc,
														  &items.items[i].values[j].isnull);
	}
	ReleaseTupleDesc(desc);
	return items;
}

static bool
text_is(NullableDatum value, const char *word)
{
	text	   *t;

	if (value.isnull)
		return false;
	t = DatumGetTextPP(value.value);
	return str_is((Str) {VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)}, word);
}

/* The elements of a list of an item; none if it is null. */
static Datum *
item_list(const ImportItem *item, ItemColumn column, Oid element, int *n)
{
	Datum	   *values = NULL;
	int16		len;
	bool		by_value;
	char		align;

	*n = 0;
	if (item->values[column].isnull)
		return NULL;
	get_typlenbyvalalign(element, &len, &by_value, &align);
	deconstruct_array(DatumGetArrayTypeP(item->values[column].value), element, len, by_value, align,
					  &values, NULL, n);
	return values;
}

/* ---------- writing ---------- */

static void
set_item(RowWriter *writer, const ImportItem *item, ItemColumn column)
{
	if (item->values[column].isnull)
		row_writer_set_null(writer, item_columns[column].name);
	else
		row_writer_set(writer, item_columns[column].name, item_columns[column].type,
					   item->values[column].value);
}

/* A value where a condition holds, else null. */
static void
set_if(RowWriter *writer, bool condition, const char *column, Oid type, Datum value)
{
	if (condition)
		row_writer_set(writer, column, type, value);
	else
		row_writer_set_null(writer, column);
}

/* What refers to a row that a trigger suppressed would refer to nothing. */
static void
put_row(RowWriter *writer, const ImportItem *item)
{
	if (!row_writer_put(writer))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a trigger suppressed a row of table \"%s\"", RelationGetRelationName(writer->rel))));
	row_writer_require_id(writer, "credential_id", item->values[ITEM_CREDENTIAL_ID].value);
}

static void
put_credentials(const ImportItems *items)
{
	static const char *const without_value[] = {"replaces", "deleted_at", "decision_note"};
	RowWriter	writer;

	row_writer_open(&writer, CREDENTIAL_BY_ID);
	row_writer_trust(&writer, "credential_app_id_fkey");
	for (int i = 0; i < items->n; i++)
	{
		const ImportItem *item = &items->items[i];
		bool		revoked = !text_is(item->values[ITEM_STATUS], "approved");

		row_writer_begin_row(&writer);
		for (ItemColumn c = ITEM_CREDENTIAL_ID; c <= ITEM_EXPIRES_AT; c++)
		{
			if (c != ITEM_SCHEME)
				set_item(&writer, item, c);
		}
		row_writer_set(&writer, "issued_at", TIMESTAMPTZOID, row_writer_time());
		set_if(&writer, revoked, "revoked_at", TIMESTAMPTZOID, row_writer_time());
		set_if(&writer, revoked, "decided_by", TEXTOID, items->decider);
		set_if(&writer, revoked, "decided_at", TIMESTAMPTZOID, row_writer_time());
		for (int j = 0; j < (int) lengthof(without_value); j++)
			row_writer_set_null(&writer, without_value[j]);
		put_row(&writer, item);
		row_writer_require_id(&writer, "app_id", item->values[ITEM_APP_ID].value);
	}
	row_writer_close(&writer);
}

/* The scheme and the end of a secret are null for the current one. */
static void
put_secret(RowWriter *writer, const ImportItem *item, int version, int number, NullableDatum scheme, NullableDatum until)
{
	pg_uuid_t	secret_id;
	bool		is_client = text_is(item->values[ITEM_KIND], "oauth_client");

	uuid_require_v7(&secret_id);
	row_writer_begin_row(writer);
	row_writer_set(writer, "secret_id", UUIDOID, UUIDPGetDatum(&secret_id));
	set_item(writer, item, ITEM_CREDENTIAL_ID);
	row_writer_set(writer, "version", INT4OID, Int32GetDatum(version));
	row_writer_set(writer, "purpose", TEXTOID, CStringGetTextDatum(is_client ? "client_secret" : "api_key"));
	row_writer_set_own(writer, SECRET_DIGEST, imported_digest(number));
	set_if(writer, !scheme.isnull, "scheme", TEXTOID, scheme.value);
	row_writer_set(writer, "valid_from", TIMESTAMPTZOID, row_writer_time());
	set_if(writer, !until.isnull, "superseded_at", TIMESTAMPTZOID, row_writer_time());
	set_if(writer, !until.isnull, "valid_until", TIMESTAMPTZOID, until.value);
	row_writer_set_null(writer, "ended_at");
	row_writer_set_null(writer, "kid");
	put_row(writer, item);
}

/* The older ones of a credential have the lower versions. */
static void
put_secrets_of(RowWriter *writer, const ImportItem *item)
{
	int			n;
	int			nschemes;
	int			nuntil;
	Datum	   *older = item_list(item, ITEM_OLDER, INT4OID, &n);
	Datum	   *schemes = item_list(item, ITEM_OLDER_SCHEMES, TEXTOID, &nschemes);
	Datum	   *until = item_list(item, ITEM_OLDER_UNTIL, TIMESTAMPTZOID, &nuntil);

	if (nschemes != n || nuntil != n)
		elog(ERROR, "an item of an import has lists of different lengths");
	for (int i = 0; i < n; i++)
		put_secret(writer, item, i + 1, DatumGetInt32(older[i]), (NullableDatum) {schemes[i], false},
				   (NullableDatum) {until[i], false});
	put_secret(writer, item, n + 1, DatumGetInt32(item->values[ITEM_N].value), item->values[ITEM_SCHEME],
			   (NullableDatum) {(Datum) 0, true});
}

static void
put_secrets(const ImportItems *items)
{
	RowWriter	writer;

	row_writer_open(&writer, SECRET_BY_CREDENTIAL);
	row_writer_trust(&writer, "credential_secret_credential_id_fkey");
	for (int i = 0; i < items->n; i++)
		put_secrets_of(&writer, &items->items[i]);
	row_writer_close(&writer);
}

static void
put_associations_of(RowWriter *writer, const ImportItem *item, Oid ordinals, Datum decider)
{
	int			n;
	int			nstatuses;
	Datum	   *products = item_list(item, ITEM_PRODUCT_IDS, UUIDOID, &n);
	Datum	   *statuses = item_list(item, ITEM_PRODUCT_STATUSES, TEXTOID, &nstatuses);

	if (nstatuses != n)
		elog(ERROR, "an item of an import has lists of different lengths");
	for (int i = 0; i < n; i++)
	{
		bool		decided = !text_is((NullableDatum) {statuses[i], false}, "pending");

		row_writer_begin_row(writer);
		set_item(writer, item, ITEM_CREDENTIAL_ID);
		row_writer_set(writer, "product_id", UUIDOID, products[i]);
		row_writer_set(writer, "ordinal", INT8OID, Int64GetDatum(nextval_internal(ordinals, false)));
		row_writer_set(writer, "status", TEXTOID, statuses[i]);
		set_if(writer, decided, "decided_by", TEXTOID, decider);
		set_if(writer, decided, "decided_at", TIMESTAMPTZOID, row_writer_time());
		row_writer_set_null(writer, "decision_note");
		row_writer_set(writer, "created_at", TIMESTAMPTZOID, row_writer_time());
		row_writer_set_null(writer, "removed_at");
		put_row(writer, item);
		row_writer_require_id(writer, "product_id", products[i]);
	}
}

static void
put_associations(const ImportItems *items)
{
	Oid			ordinals = schema_require_relation(schema_of_devapp(), "credential_product_ordinal_seq");
	RowWriter	writer;

	row_writer_open(&writer, CREDENTIAL_PRODUCT_BY_CREDENTIAL);
	row_writer_trust(&writer, "credential_product_credential_id_fkey");
	row_writer_trust(&writer, "credential_product_product_id_fkey");
	for (int i = 0; i < items->n; i++)
		put_associations_of(&writer, &items->items[i], ordinals, items->decider);
	row_writer_close(&writer);
}

/* SQL: put_imported(items, decider) */
Datum
devapp_put_imported(PG_FUNCTION_ARGS)
{
	ImportItems		items = read_items(PG_GETARG_ARRAYTYPE_P(0));

	items.decider = PG_GETARG_DATUM(1);
	put_credentials(&items);
	put_secrets(&items);
	put_associations(&items);
	PG_RETURN_VOID();
}
